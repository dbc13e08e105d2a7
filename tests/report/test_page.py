"""The page: figures equal those of the records, texts are escaped, nothing is loaded from elsewhere."""

import base64
import hashlib
import re

import numpy as np
import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from builders.gate import run_gate
from builders.records import write_record, write_two
from builders.report import EVIL, NOTE, Page, pairs_of, points, unpack, write_records
from builders.values import require

from clearbench.common.measures import Measure
from clearbench.evaluation.options import EvaluationOptions
from clearbench.records.select import load_results
from clearbench.report.build import make_report
from clearbench.report.options import ReportOptions
from clearbench.report.page import pack, render, show_figure


@pytest.fixture(scope="module")
def page(entries):
    return Page(render(make_report(entries, ReportOptions(baseline="one"))))


def test_cells_and_hover_figures_are_the_records(entries, page):
    known = {entry.name: points(entry) for entry in entries}
    blocks = {name: block for name, block in page.blocks.items() if name.startswith("task-1-value")}
    assert {block["title"] for block in blocks.values()} == set(known)
    for name, block in blocks.items():
        figures = [known[block["title"]][pair] for pair in pairs_of(block)]
        np.testing.assert_allclose(unpack(block["value"]), figures, atol=0.005)
        assert page.cells[name] == [f"{figure:.1f}" for figure in figures]
    assert blocks["task-1-value-1"]["rows"][0]["code"] == "en"


def test_intervals_on_hover_are_the_records(entries, page):
    block = page.blocks["task-1-value-1"]
    [entry] = [entry for entry in entries if entry.name == block["title"]]
    known = {pair.pair: pair.measures["nDCG@10"] for pair in entry.record.pairs}
    for place, pair in enumerate(pairs_of(block)):
        assert unpack(block["lower"])[place] == pytest.approx(100 * known[pair].lower, abs=0.005)
        assert unpack(block["upper"])[place] == pytest.approx(100 * known[pair].upper, abs=0.005)
    assert block["counts"] == ["12 queries in 6 clusters, 6 passages"]


def test_differences_are_model_minus_baseline(entries, page):
    known = {entry.name: points(entry) for entry in entries}
    block = page.blocks["task-1-difference-1"]
    for place, pair in enumerate(pairs_of(block)):
        difference = known[block["title"]][pair] - known["one"][pair]
        assert unpack(block["value"])[place] == pytest.approx(difference, abs=0.005)
        assert unpack(block["other"])[place] - unpack(block["base"])[place] == pytest.approx(difference, abs=0.011)
    assert block["signed"] and block["high"] == -block["low"] >= max(abs(unpack(block["value"])))


def test_texts_are_escaped(tmp_path):
    out = write_records(tmp_path, models=((EVIL, "1"), ("plain", "2")), notes=(NOTE,))
    text = render(make_report(load_results(out), ReportOptions(title=f"</title>{EVIL}"), left_out=[EVIL]))
    assert EVIL not in text and "<img" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 5
    tags = [tag for tag, _ in Page(text).tags]
    assert tags.count("script") == 2 + len([name for name in Page(text).blocks if name != "colours"])
    assert not any(name.startswith("on") for _, attributes in Page(text).tags for name in attributes)


def test_the_page_refers_to_nothing_outside_itself(entries):
    text = render(make_report(entries, ReportOptions()))
    for tag, attributes in Page(text).tags:
        for name in ("src", "href", "data", "action", "poster", "srcset"):
            value = attributes.get(name) or ""
            assert value.startswith(("#", "data:")) or not value, (tag, value)
    assert not re.search(r"url\(|@import|https?://", text)


def test_only_the_pages_own_script_may_run(entries):
    text = render(make_report(entries, ReportOptions()))
    [policy] = [a["content"] for tag, a in Page(text).tags if a.get("http-equiv") == "Content-Security-Policy"]
    script = text[text.rindex("<script>") + len("<script>") : text.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy


def test_a_pair_that_a_model_lacks_is_shown_as_missing(tmp_path):
    write_records(tmp_path, models=(("full", "1"),), languages=("en", "de"))
    narrow = parallel_set(("en", "de"))
    narrow = narrow.select(pair for pair in narrow.pairs if str(pair) != "de-de")
    evaluate_sets(HashEncoder(name="narrow", salt="2"), [narrow], EvaluationOptions(tmp_path))
    report = make_report(load_results(tmp_path))
    page = Page(render(report))
    # In its own matrix, and in that of differences.
    assert sum(attributes.get("class") == "none" for _, attributes in page.tags) == 2
    [block] = [b for n, b in page.blocks.items() if n.startswith("task-1-value") and b["title"] == "narrow"]
    assert np.isnan(unpack(block["value"])).tolist() == [False, False, False, True]
    # A group that holds the pair has no row for the model: nothing missing is averaged away.
    names = {group.key: [mean.name for mean in group.means] for group in report.tasks[0].groups}
    assert names["monolingual"] == ["full"] and set(names["english"]) == {"full", "narrow"}


def test_one_model_and_one_cluster_make_a_report(tmp_path):
    write_records(tmp_path, models=(("lone", "1"),), size=1)
    report = make_report(load_results(tmp_path))
    page = Page(render(report))
    assert report.reference == "" and not any("difference" in name for name in page.blocks)
    assert np.isnan(unpack(page.blocks["task-1-value-1"]["lower"])).all()
    assert all(mean.lower is None for group in report.tasks[0].groups for mean in group.means)


def test_charts_of_the_page_are_drawn_in_two_widths(page):
    charts = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert sorted(chart["class"] for chart in charts) == ["drawing narrow", "drawing wide"]
    assert not any("#" in attributes.get("fill", "") for tag, attributes in page.tags if tag in ("circle", "text"))


def test_figures_are_shown_in_their_measures_unit():
    assert show_figure(0.1234) == "12.3" and show_figure(None) == ""
    assert show_figure(-0.1234, digits=2, signed=True) == "−12.34"
    assert show_figure(2.5, Measure("Max@R", "lower", "rank"), 2, signed=True) == "+2.50"


def test_packed_figures_keep_two_decimals_whatever_their_size():
    shares, ranks = np.array([[np.nan, -100.0, 12.346]]), np.array([[np.nan, 327.68, 2_000_000.5]])
    np.testing.assert_array_equal(unpack(pack(shares)), [np.nan, -100, 12.35])
    np.testing.assert_array_equal(unpack(pack(ranks), "<i4"), [np.nan, 327.68, 2_000_000.5])


def test_a_measure_that_should_be_low_is_shown_in_its_unit_and_direction(tmp_path):
    for name, rank in (("good", 2.0), ("bad", 400.0)):
        scores = {pair: np.full(8, rank) for pair in ("en-en", "de-de", "en-de", "de-en")}
        write_record(tmp_path, name, scores, measures=("Max@R",))
    report = make_report(load_results(tmp_path))
    assert list(report.names.values()) == ["good", "bad"]
    assert any("<b>good</b> has the lowest mean over 4 pairs of 1 task, <b>2.00</b>" in fact for fact in report.facts)
    page = Page(render(report))
    assert page.cells["task-1-value-2"] == ["400.0"] * 4 and page.cells["task-1-difference-1"][0].startswith("+398.0")
    assert {unpack(page.blocks["task-1-value-2"]["value"], "<i4")[0]} == {400.0}
    assert [require(matrix.step(0, 0)) < 50 for matrix in report.tasks[0].differences] == [True]


GATED = {
    "few ties": (np.zeros(10), "undecided"),
    "many ties": (np.zeros(1000), "pass"),
    "one change": (np.where(np.arange(120) == 3, -0.05, 0.0), "undecided"),
    "large and few losses": (np.where(np.arange(900) % 180 == 0, -0.8, 0.0), "undecided"),
    "worse": (np.where(np.arange(400) % 2, -0.5, -0.1), "fail"),
}


@pytest.mark.parametrize("what", GATED)
def test_the_gate_shows_the_limits_and_the_verdict_of_the_command(tmp_path, what):
    differences, outcome = GATED[what]
    write_two(tmp_path, differences)
    [verdict] = run_gate(tmp_path).verdicts
    text = render(make_report(load_results(tmp_path), ReportOptions(baseline="base")))
    section = text[text.index('<section id="gate">') : text.index("</section>", text.index('<section id="gate">'))]
    cells = [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", section)]
    interval = verdict.interval
    limits = (interval.mean, interval.lower, interval.guarded, interval.upper, verdict.bound)
    assert cells[5:10] == [show_figure(limit, verdict.measure, 2, signed=True) for limit in limits]
    assert cells[-1] == verdict.outcome == outcome
    assert "fewer than 23 clusters" in section and "guarded" in section
