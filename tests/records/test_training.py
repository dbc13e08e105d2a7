"""The manifest of a training run is read back as it was written; what is missing, damaged or unknown is named."""

import json

import pytest

from clearbench.common.errors import RecordError, TrainingError
from clearbench.records.training import (
    BaseCheckpoint,
    RowsUsed,
    TrainingManifest,
    evaluation_key,
    read_evaluation_key,
    read_manifest,
    write_manifest,
)

VERSION_1 = """{
 "schema_version": 1, "status": "complete",
 "config": {"model": "minilm", "data": "rows.parquet", "out": "clear", "loss": "clear", "steps": 2},
 "base": {"source": "minilm", "weights": "ab", "query_prompt": "", "passage_prompt": "", "prompt_source": "none",
          "max_length": 64},
 "rows": {"file": "rows.parquet", "fingerprint": "cd", "num_rows": 4, "num_distinct_rows": 4, "languages": {"de": 4},
          "negatives": 1},
 "formula": "0.4 CE(S)", "columns": ["query", "passage"], "max_length": 32, "devices": 1, "duplicates": "candidates",
 "environment": {"torch": "2.13.0"}, "step": 2,
 "loss_curve": [{"loss": 1.5, "learning_rate": 0.0, "step": 1}],
 "evaluations": [{"step": 0, "demo:de-en": 0.5}], "weights": "ef", "notes": [],
 "timings": {"started": "2026-11-01T10:00:00Z", "finished": "2026-11-01T10:01:00Z", "seconds": 60.0}
}
"""
"""As version 1 writes it; this stays as it is when the version rises."""


@pytest.fixture
def manifest() -> TrainingManifest:
    return TrainingManifest(
        status="complete",
        config={"loss": "clear", "steps": 2},
        base=BaseCheckpoint(
            source="base",
            weights="b",
            query_prompt="query: ",
            passage_prompt="",
            prompt_source="given",
            max_length=None,
        ),
        rows=RowsUsed(
            file="rows.jsonl", fingerprint="f", num_rows=4, num_distinct_rows=3, languages={"de": 4}, negatives=0
        ),
        formula="α·L",
        columns=["query_en"],
        max_length=16,
        devices=1,
        duplicates="refused",
        environment={"torch": "2"},
        step=2,
        loss_curve=[{"step": 1, "loss": 0.1}],
    )


@pytest.mark.parametrize("measure", ["nDCG@10", "R@2kt"])
@pytest.mark.parametrize("task", ["xquad", "my data", "c:my data"])
def test_a_figure_s_key_says_task_pair_and_measure(task, measure):
    key = evaluation_key(task, "de-en", measure)
    assert read_evaluation_key(key) == (task, "de-en", measure)
    assert key == f"{task}:de-en" + ("" if measure == "nDCG@10" else f" {measure}")


def test_a_manifest_is_read_as_it_was_written(manifest, tmp_path):
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert "α·L" in (tmp_path / "clearbench_training.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("change", [{"status": "odd"}, {"extra": 1}, {"rows": None}, {"devices": "two"}])
def test_a_manifest_that_says_something_else_is_refused(change, manifest, tmp_path):
    file = tmp_path / "clearbench_training.json"
    file.write_text(json.dumps(manifest.model_dump(mode="json") | change), encoding="utf-8")
    with pytest.raises(RecordError, match=f"is damaged: .*{next(iter(change))}"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("version", [0, 2, 10**30])
def test_a_manifest_of_another_version_is_refused_whatever_else_it_says(version, manifest, tmp_path):
    file = tmp_path / "clearbench_training.json"
    file.write_text(json.dumps({"schema_version": version, "new": 1}), encoding="utf-8")
    with pytest.raises(RecordError, match=rf"schema_version {version}, this version of clearbench reads 1\. Use the"):
        read_manifest(tmp_path)


def test_a_manifest_that_an_earlier_program_wrote_is_still_read(tmp_path):
    (tmp_path / "clearbench_training.json").write_text(VERSION_1, encoding="utf-8")
    read = read_manifest(tmp_path)
    assert (read.schema_version, read.status, read.step, read.base.max_length) == (1, "complete", 2, 64)
    assert read.loss_curve == [{"loss": 1.5, "learning_rate": 0.0, "step": 1}]


def test_a_missing_or_cut_manifest_is_the_error_that_its_reader_asks_for(manifest, tmp_path):
    with pytest.raises(RecordError, match="No such file"):
        read_manifest(tmp_path)
    write_manifest(tmp_path, manifest)
    file = tmp_path / "clearbench_training.json"
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(TrainingError, match="damaged"):
        read_manifest(tmp_path, TrainingError)
