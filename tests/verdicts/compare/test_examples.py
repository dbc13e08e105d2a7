"""Queries that changed most: which they are, and the texts and passages of real saved runs."""

import numpy as np
import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from builders.records import write_record

from clearbench.common.errors import RecordError
from clearbench.common.text import escape_controls
from clearbench.evaluation.options import EvaluationOptions
from clearbench.records.select import select_model
from clearbench.verdicts.compare.example_lines import to_lines, to_markdown_lines
from clearbench.verdicts.compare.examples import Example, Examples, Passage, Retrieved, find_examples
from clearbench.verdicts.compare.options import CompareOptions


def test_queries_are_listed_once_by_their_greatest_difference_then_by_the_mean(tmp_path):
    base = {"de-en": [0.0, 0.0, 0.0, 1.0, 0.5], "fr-en": [0.0, 0.0, 0.0, 1.0, 0.5]}
    other = {"de-en": [0.5, 1.0, 1.0, 0.0, 0.5], "fr-en": [0.9, 0.0, 0.4, 1.0, 0.3]}
    for name, scores in (("base", base), ("other", other)):
        write_record(tmp_path, name, scores)
    models = [select_model(tmp_path, name) for name in ("base", "other")]
    (found,) = find_examples(models[0], models[1], CompareOptions(), 5)
    assert [(one.query, one.pair, one.difference) for one in found.gained] == [
        ("q00002", "de-en", 1.0),
        ("q00001", "de-en", 1.0),
        ("q00000", "fr-en", 0.9),
    ]
    assert [(one.query, one.pair) for one in found.lost] == [("q00003", "de-en"), ("q00004", "fr-en")]
    (few,) = find_examples(models[0], models[1], CompareOptions(pairs="fr-en"), 1)
    assert [one.query for one in few.gained] == ["q00000"] and few.lost[0].query == "q00004"
    assert len(found.notes) == 2 and "--save-runs" in found.notes[0]
    assert found.gained[0].text is None and found.gained[0].base.top == ()


@pytest.fixture
def saved(tmp_path):
    for name, salt in (("base", ""), ("other", "x")):
        encoder = HashEncoder(name=name, salt=salt, dimension=4)
        evaluate_sets(encoder, [parallel_set(("en", "de"), 30)], EvaluationOptions(out=tmp_path, save_runs=True))
    return [select_model(tmp_path, name) for name in ("base", "other")]


def test_saved_runs_give_texts_ranks_and_the_relevant_passage(saved):
    (found,) = find_examples(saved[0], saved[1], CompareOptions(), 4)
    assert len(found.gained) == len(found.lost) == 4 and not found.notes
    for example in (*found.gained, *found.lost):
        query, passage = example.pair.split("-")
        number, question = example.query.removeprefix("p").split("#")
        assert example.text == f"question {question} on topic{number} {query}"
        for retrieved in (example.base, example.other):
            assert [one.rank for one in retrieved.top] == [1, 2, 3]
            (gold,) = retrieved.relevant
            assert (gold.id, gold.text) == (f"p{number}", f"passage {number} about topic{number} in {passage}")
            expected = 1 / np.log2(gold.rank + 1) if gold.rank and gold.rank <= 10 else 0.0
            assert retrieved.score == pytest.approx(expected)
            assert all(one.relevant == (one.id == gold.id) for one in retrieved.top)


def test_lines_show_both_models_and_texts_cannot_leave_the_markdown_block(saved):
    examples = find_examples(saved[0], saved[1], CompareOptions(), 1)
    text = "\n".join(to_lines(examples))
    assert "queries that gained most" in text and "query: question" in text
    assert f"{examples[0].base} rank 1" in text and "relevant" in text
    from dataclasses import replace

    sly = replace(examples[0], gained=(replace(examples[0].gained[0], text="```\n<script>"),))
    block = to_markdown_lines([sly])
    assert block.count("```") == 2 and block.startswith("\n```text\n") and block.endswith("\n```\n")


@pytest.mark.parametrize("damage", [b"q00001 Q0 d 1 x clearbench\n", b"\xff\xfe"])
def test_a_damaged_run_is_an_error_that_names_its_folder(tmp_path, damage):
    for name, scores in (("base", [0.0, 0.0]), ("other", [0.0, 1.0])):
        folder = write_record(tmp_path, name, {"de-en": scores})
    (folder / "runs").mkdir()
    (folder / "runs" / "de-en.trec").write_bytes(damage)
    models = [select_model(tmp_path, name) for name in ("base", "other")]
    with pytest.raises(RecordError, match=r"de-en\.trec is damaged") as caught:
        find_examples(models[0], models[1], CompareOptions(), 5)
    assert str(folder) in str(caught.value) and "--save-runs" in str(caught.value)


def test_texts_of_strangers_reach_markdown_as_text():
    passage = Passage(rank=1, id="p\x1b[2J", relevant=True, text="\u202etxet\x9b31m")
    retrieved = Retrieved(score=1.0, top=(passage,))
    example = Example("toy", "de-en", "nDCG@10", "q", "```\x1b]0;x\x07", 1.0, retrieved, retrieved)
    text = to_markdown_lines([Examples("toy", "a", "b", gained=(example,))])
    assert escape_controls(text) == text and text.count("```") == 2
