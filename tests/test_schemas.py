"""The published schemas are those of the types, and files of every version are read, or refused with what to do."""

import json
import shutil
from pathlib import Path

import pydantic
import pytest
from builders.golden import GOLDEN, evaluate_golden
from builders.records import rewrite_part
from pydantic import TypeAdapter

from clearbench.common.errors import RecordError
from clearbench.common.sealed import open_sealed
from clearbench.evaluation.verify import verify_record
from clearbench.records.matrix import scores_matrix
from clearbench.records.parts import part_files, read_summary
from clearbench.records.select import load_results
from clearbench.schemas import SCHEMAS, make_schema
from clearbench.verdicts.gate.baseline import read_baseline
from clearbench.verdicts.leaderboard.compute import make_leaderboard
from clearbench.verdicts.leaderboard.machine import to_json

PUBLISHED = Path(__file__).resolve().parents[1] / "docs" / "schema"
VERSIONS = sorted(folder.name for folder in GOLDEN.iterdir())


@pytest.fixture(params=VERSIONS)
def golden(request, tmp_path):
    """A copy of the golden files of one version."""
    return Path(shutil.copytree(GOLDEN / request.param, tmp_path / "golden"))


def test_there_are_golden_files_of_each_version_of_parts():
    assert VERSIONS == ["parts-1", "parts-2"]
    for version in VERSIONS:
        [*files] = GOLDEN.glob(f"{version}/results/records/*/*/scores/*.parquet")
        assert len(files) == 4
        assert all(open_sealed(file).document.get("format", 1) == int(version[-1]) for file in files)


@pytest.mark.skipif(
    tuple(map(int, pydantic.VERSION.split(".")[:2])) < (2, 14),
    reason="before 2.14, pydantic leaves what dataclasses say of themselves out of a schema",
)
@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_that_of_the_type(name):
    published = json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))
    assert published == make_schema(name), "write it again: python -m clearbench.schemas docs/schema"


def test_no_other_schema_is_published():
    assert {file.stem for file in PUBLISHED.iterdir()} == set(SCHEMAS)


def test_files_are_of_their_published_types(golden):
    for entry in load_results(golden / "results"):
        TypeAdapter(SCHEMAS["record-1"]).validate_json((entry.place / "record.json").read_bytes())
        for file in part_files(entry.place):
            if (document := open_sealed(file).document).get("format") == 2:
                TypeAdapter(SCHEMAS["part-2"]).validate_python(document)
    TypeAdapter(SCHEMAS["baseline-1"]).validate_python(open_sealed(golden / "baseline.parquet").document)
    board = json.loads((golden / "leaderboard.json").read_text(encoding="utf-8"))
    TypeAdapter(SCHEMAS["leaderboard-1"]).validate_python(board)


def test_records_of_every_version_verify_and_give_the_figures_that_they_gave(golden):
    entries = load_results(golden / "results")
    assert [verify_record(entry.place).problems for entry in entries] == [(), ()]
    for entry in entries:
        matrix = scores_matrix(entry, "nDCG@10")
        means = {pair.pair: pair.measures["nDCG@10"].mean for pair in entry.record.pairs}
        assert dict(zip(matrix.pairs, matrix.scores.mean(axis=0), strict=True)) == pytest.approx(means)
    before = json.loads((golden / "leaderboard.json").read_text(encoding="utf-8"))
    assert json.loads(to_json(make_leaderboard(entries))) == {"schema_version": 1, **before}
    [baseline] = read_baseline(golden / "baseline.parquet")
    assert scores_matrix(baseline, "nDCG@10").pairs == ("en-en",)


def test_a_record_of_every_version_is_gone_on_with(golden):
    before = {entry.label: entry for entry in load_results(golden / "results")}
    texts = {entry.label: (entry.place / "record.json").read_bytes() for entry in before.values()}
    evaluate_golden(golden)
    after = {entry.label: entry for entry in load_results(golden / "results")}
    for label, entry in after.items():  # nothing to do: nothing is written
        assert (entry.place / "record.json").read_bytes() == texts[label]
    [more] = evaluate_golden(golden, ("en", "de", "sw"))
    assert len(more.record.pairs) == 9 and more.record.averages["all"]["num_pairs"] == 9
    old = before["toy"].record
    assert more.record.pairs[:2] == old.pairs[:2]
    assert set(old.environment["numpy"].split()) <= set(more.record.environment["numpy"].split())
    assert verify_record(more.folder).problems == ()


def test_vectors_of_every_version_are_read_or_encoded_again(golden):
    shutil.rmtree(golden / "results")
    figures = [evaluation.record.averages for evaluation in evaluate_golden(golden)]
    shutil.copytree(GOLDEN / VERSIONS[-1] / "results", golden / "before")
    for found, entry in zip(figures, load_results(golden / "before"), strict=True):
        for group, before in entry.record.averages.items():  # later versions have more measures
            assert {name: found[group][name] for name in before} == before


def test_later_versions_are_refused_with_what_to_do(tmp_path):
    newest = Path(shutil.copytree(GOLDEN / VERSIONS[-1], tmp_path / "golden"))
    entry = load_results(newest / "results")[0]
    file = part_files(entry.place)[0]
    rewrite_part(file, format=3)
    with pytest.raises(RecordError, match=r"has format 3, this clearbench reads 1 and 2\. Use the version that"):
        read_summary(file)
    rewrite_part(newest / "baseline.parquet", schema_version=2)
    with pytest.raises(RecordError, match=r"schema version 2, this clearbench reads 1\. Write it again"):
        read_baseline(newest / "baseline.parquet")
