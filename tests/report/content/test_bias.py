"""Language bias of mixed pools in a report."""

import numpy as np
import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from builders.report import EVIL, Page
from builders.values import require

from clearbench.evaluation.options import EvaluationOptions
from clearbench.records.select import load_results
from clearbench.report.build import make_report
from clearbench.report.content.bias import first_kinds_chart, own_language_chart
from clearbench.report.page import render
from clearbench.tasks.mixed import mix


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    out = tmp_path_factory.mktemp("mixed")
    for name, salt in (("one", "1"), (EVIL, "2")):
        evaluate_sets(
            HashEncoder(name=name, salt=salt), [mix(parallel_set(("en", "de", "sw")))], EvaluationOptions(out)
        )
    entries = load_results(out)
    return entries, make_report(entries)


def test_language_bias_of_mixed_pools_is_shown(mixed):
    entries, report = mixed
    assert [panel.model for panel in report.bias] == list(report.names.values())
    text = render(report)
    page = Page(text)
    assert text.count("In the mixed pool of") == 2 and EVIL not in text
    in_order = sorted(entries, key=lambda entry: list(report.names).index(entry.key))
    for entry, panel in zip(in_order, report.bias, strict=True):
        english_first = sorted(entry.record.pairs, key=lambda pair: pair.pair != "en-mul")
        for pair, found in zip(english_first, panel.languages, strict=True):
            code = str(found.language)
            assert pair.pair == f"{code}-mul" and sum(found.first_kinds) == pytest.approx(100)
            assert found.own_first == pytest.approx(100 * pair.measures["lpr_first"].mean)
            assert found.chance == pytest.approx(100 / 3)
            row = [heading.code for heading in panel.places.rows].index(code)
            gaps = [-pair.bias.languages[heading.code].gap for heading in panel.places.columns]
            np.testing.assert_allclose(panel.places.value[row], gaps)
            # A place that one language gains, others lose.
            assert sum(gaps) == pytest.approx(0, abs=1e-9)
    assert len([name for name in page.blocks if name.startswith("bias-")]) == 2


def test_charts_of_bias_show_every_language_and_model(mixed):
    _, report = mixed
    chart = require(own_language_chart(report.bias))
    assert [row.label for row in chart.rows] == ["English", "German", "Swahili"]
    for row, place in zip(chart.rows, range(3), strict=True):
        assert [one.mean for one in row.estimates] == [panel.languages[place].own_first for panel in report.bias]
    kinds = require(first_kinds_chart(report.bias[0]))
    assert [shares for _, shares in kinds.rows] == [found.first_kinds for found in report.bias[0].languages]
