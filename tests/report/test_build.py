"""The report: figures equal those of the records, texts are escaped, nothing is loaded from elsewhere."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from builders.encoders import HashEncoder, parallel_set
from builders.evaluation import evaluate_sets
from builders.report import EVIL, NOTE, write_records
from hypothesis import given
from hypothesis import strategies as st

from clearbench.cli.app import execute
from clearbench.common.errors import RecordError, UsageError
from clearbench.evaluation.options import EvaluationOptions
from clearbench.records.select import load_results
from clearbench.report import palette as colours
from clearbench.report.build import make_report
from clearbench.report.charts import group_axis, group_means, plot
from clearbench.report.maps import difference_maps, value_maps
from clearbench.report.matrix import MISSING, Difference, nice_range
from clearbench.report.options import ReportOptions
from clearbench.report.page import render


class Page(HTMLParser):
    """What tests look at: tags with attributes, texts, JSON blocks, tables of figures by their map."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.blocks, self.cells = [], {}, {}
        self._script = self._map = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "script":
            self._script = attributes.get("id")
        if tag == "table":
            self._map = attributes.get("data-map")
        if tag == "td" and self._map and attributes.get("class") != "corner":
            self.cells.setdefault(self._map, []).append("")

    def handle_endtag(self, tag):
        self._script = None if tag == "script" else self._script
        self._map = None if tag == "table" else self._map

    def handle_data(self, data):
        if self._script:
            self.blocks[self._script] = json.loads(data)
        elif self._map and self.cells.get(self._map) and self.lasttag == "td":
            self.cells[self._map][-1] += data.strip()


def unpack(field):
    values = np.frombuffer(base64.b64decode(field), "<i2").astype(float)
    return np.where(values == MISSING, np.nan, values / 100)


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    return load_results(write_records(tmp_path_factory.mktemp("out"), models=(("one", "1"), ("two", "2"), (EVIL, "3"))))


@pytest.fixture(scope="module")
def page(entries):
    return Page(render(make_report(entries, ReportOptions(baseline="one"))))


def means(entry):
    return {pair.pair: 100 * pair.measures["nDCG@10"].mean for pair in entry.record.pairs}


def test_cells_and_hover_figures_are_the_records(entries, page):
    known = {entry.name: means(entry) for entry in entries}
    maps = {name: block for name, block in page.blocks.items() if name.startswith("task-1-value")}
    assert {block["title"] for block in maps.values()} == set(known)
    for name, block in maps.items():
        pairs = [f"{row}-{column}" for row in block["rows"] for column in block["columns"]]
        figures = [known[block["title"]][pair] for pair in pairs]
        np.testing.assert_allclose(unpack(block["value"]), figures, atol=0.005)
        assert page.cells[name] == [f"{figure:.1f}" for figure in figures]
    assert maps["task-1-value-1"]["rows"][0] == "en"


def test_intervals_on_hover_are_the_records(entries, page):
    block = page.blocks["task-1-value-1"]
    [entry] = [entry for entry in entries if entry.name == block["title"]]
    known = {pair.pair: pair.measures["nDCG@10"] for pair in entry.record.pairs}
    for place, pair in enumerate(f"{row}-{column}" for row in block["rows"] for column in block["columns"]):
        assert unpack(block["lower"])[place] == pytest.approx(100 * known[pair].lower, abs=0.005)
        assert unpack(block["upper"])[place] == pytest.approx(100 * known[pair].upper, abs=0.005)
    assert block["counts"] == ["12 queries in 6 clusters, 6 passages"]


def test_differences_are_model_minus_baseline(entries, page):
    known = {entry.name: means(entry) for entry in entries}
    block = page.blocks["task-1-difference-1"]
    for place, pair in enumerate(f"{row}-{column}" for row in block["rows"] for column in block["columns"]):
        difference = known[block["title"]][pair] - known["one"][pair]
        assert unpack(block["value"])[place] == pytest.approx(difference, abs=0.005)
        assert unpack(block["other"])[place] - unpack(block["base"])[place] == pytest.approx(difference, abs=0.011)
    assert block["signed"] and block["range"] >= max(abs(unpack(block["value"])))


def test_texts_are_escaped(tmp_path):
    out = write_records(tmp_path, models=((EVIL, "1"), ("plain", "2")), notes=(NOTE,))
    text = render(make_report(load_results(out), ReportOptions(title=f"</title>{EVIL}", messages=(EVIL,))))
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


def test_only_the_pages_own_script_may_run(page, entries):
    text = render(make_report(entries, ReportOptions()))
    [policy] = [a["content"] for tag, a in Page(text).tags if a.get("http-equiv") == "Content-Security-Policy"]
    script = text[text.rindex("<script>") + len("<script>") : text.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy


def test_a_pair_that_a_model_lacks_is_shown_as_missing(tmp_path):
    write_records(tmp_path, models=(("full", "1"),), languages=("en", "de"))
    narrow = parallel_set(("en", "de"))
    narrow = narrow.only(pair for pair in narrow.pairs if str(pair) != "de-de")
    evaluate_sets(HashEncoder(name="narrow", salt="2"), [narrow], EvaluationOptions(tmp_path))
    report = make_report(load_results(tmp_path))
    page = Page(render(report))
    # In its own map, and in the map of differences.
    assert sum(attributes.get("class") == "none" for _, attributes in page.tags) == 2
    [block] = [b for n, b in page.blocks.items() if n.startswith("task-1-value") and b["title"] == "narrow"]
    assert np.isnan(unpack(block["value"])).tolist() == [False, False, False, True]
    # A group that holds the pair has no row for the model: nothing missing is averaged away.
    names = {group.key: [dot.name for dot in group.dots] for group in report.tasks[0].groups}
    assert names["monolingual"] == ["full"] and set(names["english"]) == {"full", "narrow"}


def test_group_means_equal_those_of_the_record(entries):
    entry = entries[0]
    pairs = [pair.pair for pair in entry.record.pairs]
    groups = group_means([(entry.name, 0, entry)], "nDCG@10", pairs)
    averages = entry.record.averages
    assert {group.key for group in groups} >= {"english", "*-en", "monolingual", "high", "low", "all"}
    for group in groups:
        assert group.dots[0].mean == pytest.approx(100 * averages[group.key]["nDCG@10"])
        assert group.num_pairs == averages[group.key]["num_pairs"]
    [english] = [group.dots[0] for group in groups if group.key == "english"]
    [known] = [pair.measures["nDCG@10"] for pair in entry.record.pairs if pair.pair == "en-en"]
    assert (english.lower, english.upper) == (pytest.approx(100 * known.lower), pytest.approx(100 * known.upper))


def test_tasks_with_one_passage_language_share_one_table(tmp_path):
    out = write_records(tmp_path, languages=("en", "de"))
    entries = load_results(out)
    kept = [[pair for pair in entry.record.pairs if pair.pair.endswith("-en")] for entry in entries]
    one, two = (entry.record.model_copy(update={"pairs": pairs}) for entry, pairs in zip(entries, kept))
    [map] = value_maps([("one", one), ("two", two)], "nDCG@10")
    assert map.form == "models" and map.columns == ("one", "two") and map.rows == ("en", "de")
    assert map.value[1, 0] == pytest.approx(means(entries[0])["de-en"])
    assert map.places[2] == "German queries, English passages"


@pytest.mark.parametrize(("num_languages", "form"), [(14, "table"), (15, "small"), (30, "small"), (31, "canvas")])
def test_larger_matrices_take_smaller_forms(num_languages, form):
    from clearbench.common.languages import languages

    codes = [str(language) for language in languages()[:num_languages]]
    pairs = {f"{a}-{b}": Difference(1.5, None, None, 0.04, 10, 11.5, 9) for a in codes for b in codes}
    [map] = difference_maps({"other": pairs}, "points")
    assert map.form == form
    assert map.text(0, 0) == ("+2" if form == "small" else "+1.5")
    assert len(json.dumps(map.payload)) < 40 * num_languages**2 + 8_000


def test_the_baseline_is_gated_against_and_named(entries):
    report = make_report(entries, ReportOptions(baseline="two", margin=2.5))
    assert report.reference == "two" and len(report.gates) == 2
    assert all(gate.margin == 2.5 and gate.baseline.startswith("two-") for gate in report.gates)
    assert sum("English gate" in fact for fact in report.facts) == 2
    without = make_report(entries)
    assert without.gates == () and without.reference == without.board.rows[0].model


def test_a_model_that_cannot_be_gated_is_named_with_the_reason(tmp_path):
    write_records(tmp_path, models=(("base", "1"),))
    encoder = HashEncoder(name="rough", salt="2", settings={"kind": "hash", "dtype": "bf16"})
    evaluate_sets(encoder, [parallel_set(("en", "de", "sw"))], EvaluationOptions(tmp_path))
    report = make_report(load_results(tmp_path), ReportOptions(baseline="base"))
    assert report.gates == () and "rough" in report.ungated[0] and "bf16" in report.ungated[0]
    assert "Not gated: rough" in render(report)


def test_the_summary_counts_what_the_comparison_shows(entries):
    report = make_report(entries, ReportOptions(baseline="one"))
    for comparison in report.comparisons:
        better = sum(row.p_corrected < 0.05 and row.difference > 0 for row in comparison.pairs)
        told = [fact for fact in report.facts if f"better on {better or 'none'} of 9 pairs" in fact]
        assert told


def test_two_models_of_one_name_are_told_apart(tmp_path):
    write_records(tmp_path, models=(("final", "1"), ("final", "2")))
    report = make_report(load_results(tmp_path))
    assert len(set(report.names.values())) == 2 and all(name.startswith("final-") for name in report.names.values())


def test_one_model_and_one_cluster_make_a_report(tmp_path):
    write_records(tmp_path, models=(("lone", "1"),), size=1)
    report = make_report(load_results(tmp_path))
    page = Page(render(report))
    assert report.reference == "" and not any("difference" in name for name in page.blocks)
    assert np.isnan(unpack(page.blocks["task-1-value-1"]["lower"])).all()
    assert all(dot.lower is None for group in report.tasks[0].groups for dot in group.dots)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ramp", [colours.sequential, colours.diverging])
def test_text_on_every_colour_can_be_read(ramp, theme):
    steps = ramp(theme)
    assert min(colours.contrast(back, text) for back, text in zip(steps.background, steps.text)) > 4.2


def luminance(colour):
    return colours.contrast(colour, "#000000")


def test_sequential_colours_get_steadily_darker_or_lighter():
    light = [luminance(colour) for colour in colours.sequential("light").background]
    dark = [luminance(colour) for colour in colours.sequential("dark").background]
    assert light == sorted(light, reverse=True) and dark == sorted(dark)


def test_diverging_colours_are_neutral_in_the_middle():
    for theme in ("light", "dark"):
        steps = colours.diverging(theme).background
        middle = [int(steps[50][at : at + 2], 16) for at in (1, 3, 5)]
        assert max(middle) - min(middle) < 8
        assert luminance(steps[0]) == pytest.approx(luminance(steps[100]), rel=0.12)


def test_oklab_gives_known_colours():
    # Ottosson's page and CSS Color 4 give sRGB red and blue these coordinates.
    assert colours.to_hex(colours.oklch(0.627955, 0.257683, 29.2339)) == "#ff0000"
    assert colours.to_hex(colours.oklch(0.452014, 0.313214, 264.052)) == "#0000ff"
    assert colours.to_hex(colours.oklch(1.0, 0.0, 0.0)) == "#ffffff"
    assert colours.contrast("#ffffff", "#000000") == pytest.approx(21)


@given(st.floats(0, 100))
def test_a_scale_of_differences_holds_them(largest):
    assert nice_range(largest) >= largest


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(-1e3, 1e3)), min_size=2, max_size=20))
def test_curves_stay_in_their_box(points):
    drawn = plot("loss", [("run", 0, tuple(points))])
    numbers = [float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", drawn.lines[0].path)]
    assert len(numbers) == 2 * len(points) and min(numbers) >= 0 and max(numbers) <= 100
    values = [value for _, value in points]
    assert drawn.y.low <= min(values) + 1e-5 and drawn.y.high >= max(values) - 1e-5


def test_group_axis_holds_every_interval(entries):
    groups = group_means([(entries[0].name, 0, entries[0])], "nDCG@10", [p.pair for p in entries[0].record.pairs])
    axis = group_axis(groups)
    assert all(axis.low <= dot.lower and dot.upper <= axis.high for group in groups for dot in group.dots)
    assert axis.percent(axis.low) == 0 and axis.percent(axis.high) == 100


def test_many_models_share_sentences_and_tables(tmp_path):
    out = write_records(tmp_path, models=[(f"m{number}", str(number)) for number in range(9)])
    entries = load_results(out)
    report = make_report(entries, ReportOptions(baseline="m0"))
    told = [fact for fact in report.facts if "better / worse than m0" in fact]
    assert len(told) == 1 and all(f"<b>m{number}</b>" in told[0] for number in range(1, 9))
    gated = [fact for fact in report.facts if "English gate" in fact]
    assert len(gated) <= 3 and sum(fact.count("<b>m") for fact in gated) == 8
    # Nine models are more than there are colours: groups become a table with the same figures.
    table = report.tasks[0].group_map
    assert len(table.columns) == 9 and table.rows[0] == "english"
    for row, group in enumerate(report.tasks[0].groups):
        by_name = {dot.name: dot.mean for dot in group.dots}
        np.testing.assert_allclose(table.value[row], [by_name[name] for name in table.columns])
    assert "task-1-groups-1" in Page(render(report)).blocks


def test_language_bias_of_mixed_pools_is_shown(tmp_path):
    from clearbench.tasks.mixed import mix

    for name, salt in (("one", "1"), (EVIL, "2")):
        evaluate_sets(
            HashEncoder(name=name, salt=salt), [mix(parallel_set(("en", "de", "sw")))], EvaluationOptions(tmp_path)
        )
    entries = load_results(tmp_path)
    report = make_report(entries)
    assert [panel.model for panel in report.bias] == list(report.names.values())
    text = render(report)
    page = Page(text)
    assert text.count("In the mixed pool of") == 2 and EVIL not in text
    for entry, panel in zip(sorted(entries, key=lambda e: list(report.names).index(e.key)), report.bias):
        for pair, language in zip(sorted(entry.record.pairs, key=lambda p: p.pair != "en-mul"), panel.languages):
            assert pair.pair == f"{language.code}-mul" and sum(language.split) == pytest.approx(100)
            assert language.own_first == pytest.approx(100 * pair.measures["lpr_first"].mean)
            assert language.chance == pytest.approx(100 / 3)
            row = panel.places.rows.index(language.code)
            gaps = [-pair.bias.languages[code].gap for code in panel.places.columns]
            np.testing.assert_allclose(panel.places.value[row], gaps)
            # A place that one language gains, others lose.
            assert sum(gaps) == pytest.approx(0, abs=1e-9)
    assert len([name for name in page.blocks if name.startswith("bias-")]) == 2


MANIFEST = {
    "status": "complete",
    "config": {"loss": "clear", "steps": 3, "batch_size": 16, "learning_rate": 5e-5, "scale": 20.0, "seed": 0},
    "formula": EVIL,
    "step": 3,
    "rows": {"num_rows": 1606, "num_distinct_rows": 48, "languages": {"de": 806, "es": 800}},
    "loss_curve": [{"step": 1.0, "loss": 2.5}, {"step": 2.0, "loss": 2.25}, {"step": 3.0, "loss": 1.5}],
    "evaluations": [{"step": 0, "toy:de-en": 0.25}, {"step": 3, "toy:de-en": 0.5}],
    "weights": "abc",
}


def test_training_runs_are_drawn(entries, tmp_path):
    (tmp_path / "run-0").mkdir()
    (tmp_path / "run-0" / "clearbench_training.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    report = make_report(entries, ReportOptions(training=(tmp_path,)))
    [run] = report.runs
    assert run.name == "run-0" and run.loss == ((1, 2.5), (2, 2.25), (3, 1.5))
    assert run.evaluations == {"toy:de-en": ((0, 25), (3, 50))}
    assert [drawn.title for drawn in report.plots] == ["Training loss", "toy de-en, nDCG@10 × 100"]
    # The loss axis runs from 1.5 to 2.5 in steps of 0.5: downwards on the page is down in loss.
    assert report.plots[0].lines[0].path == "M0 0L50 25L100 100"
    text = render(report)
    assert "<path" in text and EVIL not in text


def test_training_that_cannot_be_read_is_an_error(entries, tmp_path):
    with pytest.raises(UsageError, match="clearbench_training"):
        make_report(entries, ReportOptions(training=(tmp_path,)))
    (tmp_path / "clearbench_training.json").write_text("{", encoding="utf-8")
    with pytest.raises(RecordError, match="damaged"):
        make_report(entries, ReportOptions(training=(tmp_path,)))
    (tmp_path / "clearbench_training.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RecordError, match="config"):
        make_report(entries, ReportOptions(training=(tmp_path,)))


def test_the_command_writes_page_and_figures(entries, tmp_path, capsys):
    out = tmp_path / "new" / "page.html"
    results = entries[0].place.parents[2]
    options = ["--out", str(out), "--baseline", "one", "--figures", str(tmp_path / "f")]
    assert execute(["report", str(results), *options]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    files = sorted((tmp_path / "f").iterdir())
    assert len(files) == 2 * (3 + 2 + 1)
    from xml.etree import ElementTree

    for file in files:
        if file.suffix == ".svg":
            texts = [e.text for e in ElementTree.parse(file).getroot().iter() if e.tag.endswith("}text")]
            assert "query language" in texts or "nDCG@10 × 100" in texts
        else:
            assert file.read_bytes().startswith(b"\x89PNG")


def test_figures_are_the_same_bytes_every_time(entries, tmp_path):
    from clearbench.report.figures import write_figures

    report = make_report(entries[:1])
    one, two = (write_figures(report, tmp_path / name) for name in "ab")
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline", "ona"], "Did you mean one"),
        (["--tasks", "toi"], "toy"),
        (["--tasks", ""], "--tasks is empty"),
        (["--measure", "nDCG"], "nDCG@10"),
        (["--gate-margin", "nan"], "--gate-margin nan"),
        (["--baseline", "one", "--gate-margin", "-1"], "margin"),
    ],
)
def test_wrong_options_are_said(entries, tmp_path, capsys, arguments, message):
    code = execute(["report", str(entries[0].place.parents[2]), "--out", str(tmp_path / "x.html"), *arguments])
    assert code in (1, 2) and message in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()


def test_broken_records_are_named_or_refused(tmp_path, capsys):
    out = write_records(tmp_path / "out", models=(("good", "1"), ("bad", "2")))
    [broken] = (out / "records").glob("bad-*/toy/record.json")
    broken.write_text("{", encoding="utf-8")
    page = tmp_path / "page.html"
    assert execute(["report", str(out), "--out", str(page)]) == 1
    assert "damaged" in capsys.readouterr().err and not page.exists()
    assert execute(["report", str(out), "--out", str(page), "--skip-broken"]) == 0
    assert "Left out: " in page.read_text(encoding="utf-8")
    assert execute(["report", str(tmp_path / "nothing"), "--out", str(page)]) == 1
