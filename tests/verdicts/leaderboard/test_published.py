"""Published figures: the shipped ones are those of their sources, and a leaderboard shows them only where they fit."""

from collections import Counter

import numpy as np
import pytest
from builders.records import write_model
from builders.tasks import write

from clearbench.common.errors import RecordError
from clearbench.evaluation.reproduce import find_expectation
from clearbench.records.select import load_results
from clearbench.verdicts.leaderboard.output import explain, to_csv, to_markdown
from clearbench.verdicts.leaderboard.published import load_published, published_folder
from clearbench.verdicts.leaderboard.rank import make_leaderboard

# Averages as the paper prints them: Recall@100, Recall@20 over 25 languages.
MKQA = {
    "BAAI/bge-m3": (75.1, 67.8),
    "intfloat/multilingual-e5-large": (70.9, 63.5),
    "mContriever": (67.9, 56.3),
    "mDPR": (60.6, 47.9),
    "BM25": (39.9, 28.1),
}
# Averages as the model cards print them: R@2kt, R@5kt over 7 languages.
XOR = {"PrimeQA/DrDecr_XOR-TyDi_whitebox": (67.6, 73.7), "PrimeQA/DrDecr-large_XOR-TyDi_whitebox": (71.4, 76.8)}


@pytest.fixture(scope="module")
def shipped():
    return load_published()


def figures_of(shipped, task, model):
    [found] = [entry for entry in shipped if (entry.task, entry.model) == (task, model)]
    return found.figures


@pytest.mark.parametrize("model", MKQA)
def test_mkqa_figures_average_to_the_printed_averages(shipped, model):
    figures = figures_of(shipped, "mkqa", model)
    assert len(figures) == 25 and all(pair.endswith("-en") for pair in figures)
    for measure, printed in zip(("answer_recall@100", "answer_recall@20"), MKQA[model], strict=True):
        mean = np.mean([values[measure] for values in figures.values()])
        assert 100 * mean == pytest.approx(printed, abs=0.06)


@pytest.mark.parametrize("model", XOR)
def test_xor_figures_average_to_the_printed_averages(shipped, model):
    figures = figures_of(shipped, "xor", model)
    for measure, printed in zip(("R@2kt", "R@5kt"), XOR[model], strict=True):
        mean = np.mean([values[measure] for values in figures.values()])
        assert 100 * mean == pytest.approx(printed, abs=0.1)


def test_belebele_figures_are_query_language_first(shipped):
    """The source writes the corpus first: arb_Arab-eng_Latn 87.668 is an English query on Arabic passages."""
    figures = figures_of(shipped, "belebele", "BAAI/bge-m3")
    assert len(figures) == 28
    assert (figures["en-ar"]["nDCG@10"], figures["ar-en"]["nDCG@10"]) == (0.87668, 0.87770)
    assert figures["zh-zh"]["nDCG@10"] == 0.93896


def test_every_figure_has_a_source_and_no_model_stands_twice_on_a_task(shipped):
    assert len(shipped) >= 20
    assert all(entry.source and (entry.figures or entry.averages) for entry in shipped)
    assert max(Counter((entry.model, entry.task) for entry in shipped).values()) == 1


def test_reproduce_reads_the_files_of_models():
    names = [file.stem for file in published_folder().glob("*.toml")]
    assert {"minilm", "bge-m3", "me5-small", "me5-base", "me5-large", "jina-v3", "qwen3-0.6b"} <= set(names)
    for name in names:
        assert find_expectation(name).task


@pytest.mark.parametrize(
    "text",
    [
        'model = "x"',
        "model = [",
        'model = "x"\nsource = "s"\n[[task]]\nname = "xquad"\n[task.expected]\n"de-en" = {"nDCG@10" = 50.1}',
        'model = "x"\nsource = "s"\n[[task]]\nname = "xquad"\n[task.expected]\n"qq-en" = {"nDCG@10" = 0.5}',
        'model = "x"\nsource = "s"\nnote = "unknown key"\n[[task]]\nname = "xquad"\n[task.expected]\n',
    ],
)
def test_a_broken_file_is_named(tmp_path, text):
    write(tmp_path / "broken.toml", text)
    with pytest.raises(RecordError, match=r"broken\.toml is no table of published figures"):
        load_published(tmp_path)


# --- in a leaderboard


FILE = """
model = "big"
source = "a repository"
[[task]]
name = "xquad"
options = { merge_duplicate_questions = true }
[task.expected]
"de-en" = { "nDCG@10" = 0.99, "recall@10" = 1.0 }
"en-en" = { "nDCG@10" = 0.97 }
"""
PAPER = """
source = "a paper"
task = "xquad"
[[row]]
model = "averaged"
[[row.average]]
pairs = ["de-en", "es-en"]
measures = { "nDCG@10" = 0.7 }
"""


@pytest.fixture
def published(tmp_path):
    write(tmp_path / "published" / "big.toml", FILE)
    write(tmp_path / "published" / "papers" / "paper.toml", PAPER)
    return load_published(tmp_path / "published")


def board_of(tmp_path, pairs, published, **options):
    for name, level in (("one", 0.6), ("two", 0.5)):
        write_model(tmp_path, name, {"xquad": {pair: [level, level] for pair in pairs}})
    return make_leaderboard(load_results(tmp_path), published=published, flips=50, **options)


def test_published_rows_are_never_ranked(tmp_path, published):
    board = board_of(tmp_path, ["de-en", "en-en"], published)
    assert [(row.model, row.rank, row.source) for row in board.rows] == [
        ("one", 1, "measured"), ("two", 2, "measured"), ("big", None, "a repository"),
    ]  # fmt: skip
    row = board.rows[-1]
    assert row.tasks["xquad"].mean == pytest.approx(0.98)
    assert (row.tasks["xquad"].worst_pair, row.mean, row.p_best) == ("en-en", None, None)
    assert "big †" in to_markdown(board) and "big †" in to_csv(board)
    assert "† published, never ranked; data and settings are the sources' own: a repository." in explain(board)


def test_published_figures_are_not_averaged_over_fewer_pairs(tmp_path, published):
    board = board_of(tmp_path, ["de-en", "en-en", "es-en"], published)
    rows = {row.model: row.tasks["xquad"] for row in board.rows}
    assert rows["big"].mean is None and rows["big"].groups["*-en"] is None and rows["big"].common is None
    assert rows["big"].groups["english"] == 0.97 and rows["big"].num_pairs == 2
    assert rows["averaged"].groups["*-en"] == 0.7 and rows["averaged"].mean is None


def test_a_printed_average_shows_only_over_exactly_its_pairs(tmp_path, published):
    assert "averaged" not in {row.model for row in board_of(tmp_path, ["de-en", "en-en"], published).rows}
    both = board_of(tmp_path / "both", ["de-en", "es-en"], published)
    assert {row.model: row.tasks["xquad"].mean for row in both.rows}["averaged"] == 0.7


def test_other_options_and_other_measures_are_told_apart(tmp_path, published):
    board = board_of(tmp_path, ["de-en", "en-en"], published)
    assert "Published figures of xquad were measured with merge_duplicate_questions=True." in board.notes
    recall = board_of(tmp_path / "recall", ["de-en", "en-en"], published, measure="recall@10")
    figures = {row.model: row.tasks["xquad"] for row in recall.rows}["big"]
    assert figures.mean is None and figures.groups["*-en"] == 1.0


def test_it_is_said_when_no_published_figure_fits(tmp_path, published):
    board = board_of(tmp_path, ["ru-ru"], published)
    assert len(board.rows) == 2
    assert board.notes == ("No published figures are of these tasks, pairs and measures.",)
