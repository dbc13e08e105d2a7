"""Published figures: the shipped ones are those of their sources, and broken files are named."""

from collections import Counter

import numpy as np
import pytest
from builders.files import write
from builders.values import require

from clearbench.common.errors import RecordError
from clearbench.records.published import find_published, load_published, published_folder

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
    names = [file.stem for file in require(published_folder()).glob("*.toml")]
    assert {"minilm", "bge-m3", "e5-small", "me5-base", "me5-large", "jina-v3", "qwen3-0.6b"} <= set(names)
    for name in names:
        assert find_published(name)


def test_figures_may_be_rows_in_the_order_of_measures():
    [ntrex] = [task for task in find_published("minilm") if task.task == "ntrex"]
    assert len(ntrex.figures) == 1498
    assert ntrex.figures["af-de"] == {"success@1": 0.369554, "f1": 0.322829}
    assert (ntrex.measured, ntrex.near) == ("", 0.005)
    small = {task.task: task for task in find_published("e5-small")}
    assert {task: len(entry.figures) for task, entry in small.items()} == {
        "belebele": 376, "xquad": 2, "mlqa": 48, "mlqa-test": 48, "ntrex": 1498, "tatoeba": 102,
    }  # fmt: skip
    assert small["ntrex"].figures["am-om"]["success@1"] > 0 and "zh_Hant_TW-zh" in small["ntrex"].figures
    assert small["belebele"].measured == "e5-small"
    assert {task for task, entry in small.items() if entry.unprompted} == {"ntrex", "tatoeba"}


@pytest.mark.parametrize(
    "text",
    [
        'model = "x"',
        "model = [",
        'model = "x"\nsource = "s"\n[[task]]\nname = "xquad"\n[task.expected]\n"de-en" = {"nDCG@10" = 50.1}',
        'model = "x"\nsource = "s"\n[[task]]\nname = "xquad"\n[task.expected]\n"qq-en" = {"nDCG@10" = 0.5}',
        'model = "x"\nsource = "s"\n[[task]]\nname = "xquad"\nmeasures = ["f1"]\n[task.expected]\nde-en = [0.5, 0.5]',
        'model = "x"\nsource = "s"\nnote = "unknown key"\n[[task]]\nname = "xquad"\n[task.expected]\n',
    ],
)
def test_a_broken_file_is_named(tmp_path, text):
    write(tmp_path / "broken.toml", text)
    with pytest.raises(RecordError, match=r"broken\.toml(:| is not a table of published figures:) "):
        load_published(tmp_path)
