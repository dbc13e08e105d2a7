"""`clearbench run --pool mixed` as a user meets it."""

import json

import pytest
from builders.files import write_jsonl
from builders.tasks import belebele_rows, write_task

from clearbench.cli.app import execute
from clearbench.cli.show.bias import bias_sentences
from clearbench.stats.ranks import Friedman
from clearbench.stats.summaries import BiasSummary, LanguageRank, MeasureValue


@pytest.fixture(autouse=True)
def files(place):
    """A task of three languages that share some words, so that BM25 finds translations too."""
    for variant in ("eng_Latn", "deu_Latn", "swh_Latn"):
        write_jsonl(place / "data" / "belebele" / f"{variant}.jsonl", belebele_rows(variant, 20))
    write_task(place, languages=["en", "de", "sw"])


def arguments(*more):
    return ["run", "--model", "bm25", "--tasks", "tiny.toml", "--data-dir", "data", "--out", "out", *more]


def test_all_languages_are_mixed_by_default_and_the_numbers_are_said(place, capsys):
    assert execute(arguments("--pool", "mixed")) == 0
    printed = capsys.readouterr()
    for heading in (
        "TLR@10",
        "lpr_first",
        "right/same",
        "Max@R",
        "mean rank of the relevant passage",
        "macro averages",
    ):
        assert heading in printed.out
    assert "of 120 queries" in " ".join(printed.out.split()) and "Friedman" in printed.out
    [record] = (place / "out").rglob("record.json")
    assert record.parent.name == "tiny+pool=mixed" and str(record.parent) in str(place / printed.err.split()[-1])
    assert [pair["pair"] for pair in json.loads(record.read_text())["pairs"]] == ["de-mul", "en-mul", "sw-mul"]


def test_json_holds_what_the_tables_show(place, capsys):
    assert execute(arguments("--pool", "mixed", "--languages", "en,de")) == 0
    table = capsys.readouterr().out
    assert execute(arguments("--pool", "mixed", "--languages", "en,de", "--format", "json")) == 0
    [summary] = json.loads(capsys.readouterr().out)
    german = next(pair for pair in summary["pairs"] if pair["pair"] == "de-mul")
    assert summary["identity"]["options"] == {"pool": "mixed"} and german["num_passages"] == 40
    assert f"{100 * german['measures']['TLR@10']['mean']:.1f}" in table
    assert f"{german['bias']['languages']['en']['mean_rank']:,.1f}" in table
    assert summary["bias"]["friedman"]["num_languages"] == 2


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_figure_is_cut(place, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    assert execute(arguments("--pool", "mixed")) == 0
    printed = capsys.readouterr().out
    assert "…" not in printed[: printed.index("macro averages")]
    [record] = (place / "out").rglob("record.json")
    means = [pair["measures"]["Max@R"]["mean"] for pair in json.loads(record.read_text())["pairs"]]
    assert all(f"{mean:.1f}" in printed for mean in means)


def test_saved_runs_hold_texts_of_all_languages(place):
    assert execute(arguments("--pool", "mixed", "--save-runs", "--verify")) == 0
    names = sorted(file.name for file in (place / "out").rglob("runs/*"))
    assert [name for name in names if not name.endswith("parquet")] == [
        f"{language}-mul.{kind}" for language in ("de", "en", "sw") for kind in ("qrels", "sha256", "trec")
    ]
    assert len(names) == 12


BAD = {
    "pairs": (["--pairs", "de-en"], 2, "use --languages instead of --pairs"),
    "one language": (["--languages", "en"], 2, "passages in two languages or more"),
    "unknown pool": (["--pool", "mixde"], 2, "mixed"),
    "answers": (["--tasks", "tiny.toml,xor"], 2, "Task xor is judged by answer strings"),
    "merged": (["--option", "merge_duplicate_questions=true"], 2, "merge_duplicate_questions"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_mixed_is_one_message(place, capsys, case):
    more, code, message = BAD[case]
    assert execute(arguments("--pool", "mixed", *more)) == code
    captured = capsys.readouterr()
    [line] = [line for line in captured.err.splitlines() if line.startswith("Error:")]
    assert message in line and captured.out == "" and not (place / "out").exists()


def bias(mean, lower, upper, **changes):
    gaps = {"en": -0.5, "sw": 0.75, "de": -0.25}
    languages = {
        name: LanguageRank(num_queries=40, mean_rank=2.0, gap=gap, lower=None, upper=None) for name, gap in gaps.items()
    }
    own = MeasureValue(mean=mean, lower=lower, upper=upper)
    test = Friedman(statistic=3.0, p=0.0312, num_blocks=20, num_languages=3)
    return BiasSummary(**{"own_first": own, "chance": 0.25, "languages": languages, "friedman": test, **changes})


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (bias(0.6, 0.5, 0.7), "60.0% of 40 queries (95% interval 50.0 to 70.0%)"),
        (bias(0.6, 0.5, 0.7), "ignores language would give 25.0%. Result: the model prefers the query's language."),
        (bias(0.1, 0.05, 0.2), "the model prefers other languages to the query's language."),
        (bias(0.3, 0.2, 0.4), "no preference for the query's language is seen."),
        (bias(1.0, None, None), "too few independent questions to decide."),
        (bias(0.3, 0.2, 0.4, left_out={"lpr_first": 15}), "of 25 queries"),
        (bias(0.3, 0.2, 0.4), "English is ranked highest (-0.50 places from the mean) and Swahili"),
        (bias(0.3, 0.2, 0.4), "lowest (+0.75). Friedman's test over 20 independent blocks: p = 0.031."),
        (bias(0.3, 0.2, 0.4, friedman=None), "Friedman's test needs two independent questions"),
    ],
)
def test_the_sentences_say_what_the_numbers_do(found, verdict):
    assert verdict in " ".join(bias_sentences(found, 40))


def test_without_preference_nothing_is_said_about_it():
    assert "own language" not in " ".join(bias_sentences(bias(0.3, 0.2, 0.4, own_first=None, chance=None), 40))
