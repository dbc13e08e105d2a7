"""`clearbench run --adjust` as a user meets it."""

import json
import textwrap

import pytest
from builders.files import write_jsonl
from builders.tasks import belebele_rows, write_belebele, write_task

from clearbench.cli.app import execute

ENCODER = """
    import numpy as np
    from clearbench.common.hashing import content_hash

    def encode(texts, role):
        vectors = []
        for text in texts:
            words = [int(content_hash(word), 16) for word in text.split()]
            vectors.append(sum(np.random.default_rng(word % 2**32).standard_normal(12) for word in words))
        vectors = np.array(vectors, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    encode.fingerprint = "v1"
"""


@pytest.fixture(autouse=True)
def files(place):
    """A task in English and German, a second one with other texts, and an encoder module."""
    write_belebele(place / "data", "eng_Latn", "deu_Latn", passages=20)
    for variant in ("eng_Latn", "deu_Latn"):
        rows = [
            {**row, "flores_passage": f"told {row['flores_passage']}", "question": f"told {row['question']}"}
            for row in belebele_rows(variant, passages=20)
        ]
        write_jsonl(place / "data" / "told" / f"{variant}.jsonl", rows)
    write_task(place)
    write_task(place, name="told", sources=[{"key": "passages", "local": ["told/{variant}.jsonl"]}])
    (place / "adjusted_encoder.py").write_text(textwrap.dedent(ENCODER))


def arguments(*more, model="adjusted_encoder:encode", tasks="tiny.toml"):
    return ["run", "--model", model, "--tasks", tasks, "--data-dir", "data", "--all-pairs", "--out", "out", *more]


def record(capsys, *more):
    assert execute(arguments(*more, "--format", "json")) == 0
    captured = capsys.readouterr()
    [found] = json.loads(captured.out)
    return found, captured.err


def figures(found):
    return {pair["pair"]: pair["measures"]["nDCG@10"]["mean"] for pair in found["pairs"]}


@pytest.mark.parametrize("method", ["center", "shift:0.5", "lir:2", "offset"])
def test_an_adjusted_run_stands_beside_the_base(place, capsys, method):
    base, _ = record(capsys)
    found, _ = record(capsys, "--adjust", method, "--adjust-text", "told.toml")
    assert found["model"]["name"] == f"adjusted_encoder.encode +{method} (told)"
    assert (found["model"]["adjust"], found["model"]["adjust_text"]) == (method.partition(":")[0], "told")
    assert found["folder"] != base["folder"] and figures(found) != figures(base)
    again, messages = record(capsys, "--adjust", method, "--adjust-text", "told.toml")
    assert "0 pairs to score" in messages and figures(again) == figures(found)
    assert len(list((place / "cache" / "embeddings").iterdir())) == 1  # one store for all


def test_the_demo_is_the_default_text(place, capsys):
    found, _ = record(capsys, "--adjust", "center")
    assert found["model"]["adjust_text"] == "demo"
    assert found["model"]["name"] == "adjusted_encoder.encode +center"


def test_a_name_of_ones_own_is_kept(place, capsys):
    found, _ = record(capsys, "--adjust", "center", "--name", "mine")
    assert found["model"]["name"] == "mine"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--adjust", "centre"), "Did you mean center?"),
        (("--adjust-text", "told.toml"), "it needs --adjust"),
        (("--adjust", "center", "--adjust-text", "tiny.toml"), "--adjust-text tiny: this task is evaluated"),
        (("--adjust", "center", "--adjust-text", "dmo"), "Did you mean demo"),
        (("--adjust", "center", "--model", "bm25"), "bm25 has no vectors"),
    ],
)
def test_wrong_use_is_explained(place, capsys, more, message):
    assert execute(arguments(*more)) == 2
    captured = capsys.readouterr()
    assert message in " ".join(captured.err.split()) and "Traceback" not in captured.err
    assert not (place / "out").exists()


def test_the_default_text_cannot_be_evaluated(place, capsys):
    assert execute(arguments("--adjust", "lir", tasks="demo")) == 2
    assert "demo: this task is evaluated" in " ".join(capsys.readouterr().err.split())


def test_a_copy_of_the_evaluated_text_is_found_out(place, capsys):
    write_task(place, name="copy")
    assert execute(arguments("--adjust", "center", "--adjust-text", "copy.toml")) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert "is also the query" in message and "of tiny (en)" in message
