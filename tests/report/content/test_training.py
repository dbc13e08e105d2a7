"""Training runs in a report."""

import json

import pytest
from builders.report import EVIL

from clearbench.common.errors import RecordError, UsageError
from clearbench.records.training import evaluation_key
from clearbench.report.build import make_report
from clearbench.report.options import ReportOptions
from clearbench.report.page import render

MANIFEST = {
    "schema_version": 1,
    "status": "complete",
    "config": {"loss": "clear", "steps": 3, "batch_size": 16, "learning_rate": 5e-5, "scale": 20.0, "seed": 0},
    "base": {
        "source": "base",
        "weights": "def",
        "query_prompt": "",
        "passage_prompt": "",
        "prompt_source": "none",
        "max_length": 512,
    },
    "rows": {
        "file": "rows.parquet",
        "fingerprint": "123",
        "num_rows": 1606,
        "num_distinct_rows": 48,
        "languages": {"de": 806, "es": 800},
        "negatives": 0,
    },
    "formula": EVIL,
    "columns": ["query_en", "passage_en", "query_xx"],
    "max_length": 128,
    "devices": 1,
    "duplicates": "passages",
    "environment": {"python": "3.11"},
    "step": 3,
    "loss_curve": [{"step": 1.0, "loss": 2.5}, {"step": 2.0, "loss": 2.25}, {"step": 3.0, "loss": 1.5}],
    "evaluations": [{"step": 0, "toy:de-en": 0.25}, {"step": 3, "toy:de-en": 0.5}],
    "weights": "abc",
}


def test_training_runs_are_drawn(entries, tmp_path):
    (tmp_path / "run-0").mkdir()
    (tmp_path / "run-0" / "clearbench_training.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    report = make_report(entries, ReportOptions(training=(tmp_path,)))
    [run] = report.runs
    assert run.name == "run-0"
    assert isinstance(run.loss, tuple) and tuple(run.loss) == ((1, 2.5), (2, 2.25), (3, 1.5))
    assert run.evaluations == {"toy:de-en": ((0, 25), (3, 50))}
    assert [chart.title for chart in report.curves] == ["Training loss", "toy de-en, nDCG@10 × 100"]
    # The loss axis runs from 1.5 to 2.5 in steps of 0.5, that of steps from 1 to 3.
    loss = report.curves[0]
    assert [(loss.x.share(step), loss.y.share(figure)) for step, figure in loss.curves[0].points] == [
        (0, 1),
        (0.5, 0.75),
        (1, 0),
    ]
    text = render(report)
    assert text.count("Training loss by training step") == 2 and EVIL not in text


def test_training_that_cannot_be_read_is_an_error(entries, tmp_path):
    with pytest.raises(UsageError, match="clearbench_training"):
        make_report(entries, ReportOptions(training=(tmp_path,)))
    (tmp_path / "clearbench_training.json").write_text("{", encoding="utf-8")
    with pytest.raises(RecordError, match="damaged"):
        make_report(entries, ReportOptions(training=(tmp_path,)))
    (tmp_path / "clearbench_training.json").write_text('{"schema_version": 1}', encoding="utf-8")
    with pytest.raises(RecordError, match="status: missing"):
        make_report(entries, ReportOptions(training=(tmp_path,)))
    (tmp_path / "clearbench_training.json").write_text(json.dumps(MANIFEST | {"config": {}}), encoding="utf-8")
    with pytest.raises(RecordError, match="damaged: KeyError"):
        make_report(entries, ReportOptions(training=(tmp_path,)))


def test_ranks_of_an_evaluation_during_training_are_shown_as_they_are(entries, tmp_path):
    key = evaluation_key("toy", "de-mul", "Max@R")
    evaluations = [{"step": 0, key: 40.0}, {"step": 3, key: 12.5}]
    (tmp_path / "clearbench_training.json").write_text(json.dumps(MANIFEST | {"evaluations": evaluations}))
    report = make_report(entries, ReportOptions(training=(tmp_path,)))
    assert report.runs[0].evaluations == {key: ((0, 40.0), (3, 12.5))}
    assert report.curves[1].title == "toy de-mul, Max@R"
