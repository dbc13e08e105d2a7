"""Rows from sources: split by article, clusters joined, repeats left out."""

import pytest

from clearbench.common.errors import TrainingError
from clearbench.training.rows.build import build_rows, merge_clusters
from clearbench.training.rows.heldout import write_task_folder
from clearbench.training.rows.options import Split
from clearbench.training.rows.row import TrainingRow
from clearbench.training.rows.sources import RowSource, load_excluded_task


def row(name, cluster="c", language="de", passage=None):
    return TrainingRow(f"question {name}", passage or f"passage {name}", f"Frage {name}", language, name, cluster)


def source(*rows):
    return RowSource(tuple(rows), {})


def test_no_cluster_is_on_both_sides_of_a_split(tmp_path):
    rows = [row(f"{cluster}-{number}", f"c{cluster}") for cluster in range(40) for number in range(3)]
    built = build_rows([source(*rows)], Split(0.5))
    train, heldout = ({one.cluster for one in part} for part in (built.rows, built.other))
    assert train and heldout and not train & heldout
    assert len(built.rows) + len(built.other) == len(rows)
    assert build_rows([source(*rows)], Split(0.5, "heldout")).rows == built.other
    assert build_rows([source(*rows)], Split(0.5, seed=1)).rows != built.rows
    # The check is not vacuous: a split by row would put a cluster on both sides.
    by_row = {one.cluster for one in rows if Split(0.5).is_training(one.query_id)}
    assert by_row & {one.cluster for one in rows if not Split(0.5).is_training(one.query_id)}


def test_a_cluster_stays_on_its_side_when_languages_are_added():
    german = [row(f"q{number}", f"c{number}") for number in range(30)]
    spanish = [row(f"q{number}", f"c{number}", "es") for number in range(20, 60)]
    alone = {one.cluster for one in build_rows([source(*german)], Split(0.3)).rows}
    both = {one.cluster for one in build_rows([source(*german), source(*spanish)], Split(0.3)).rows}
    assert alone == both & {one.cluster for one in german}


def test_a_shared_passage_or_question_joins_clusters_along_the_chain():
    rows = [
        row("q1", "c1", passage="Same text"),
        row("q2", "c2", passage="same  TEXT"),
        row("q2", "c3", "es", passage="another"),
        row("q3", "c4"),
    ]
    assert [one.cluster for one in merge_clusters(rows)] == ["c1", "c1", "c1", "c4"]


def test_repeats_are_left_out_and_counted():
    twin = TrainingRow("Question  A", "PASSAGE A", "frage a", "de", "other", "c9")
    built = build_rows([source(row("a"), row("b")), source(twin, row("a", language="es"))], Split())
    assert [one.query_id for one in built.rows] == ["a", "b", "a"]
    assert built.dropped == {"repeats an earlier row": 1}


def test_an_empty_part_is_an_error():
    with pytest.raises(TrainingError, match="has no rows"):
        build_rows([source(row("a"))], Split(1e-9))


def test_rows_kept_for_evaluation_are_a_task(tmp_path):
    rows = [row("a"), row("a", language="es"), row("b", passage="passage a")]
    write_task_folder(tmp_path / "kept", rows)
    data = load_excluded_task(str(tmp_path / "kept"), ["de", "es"])
    assert {str(pair): data.queries_of(pair).ids for pair in data.pairs} == {
        "en-en": ("a", "b"),
        "de-en": ("a", "b"),
        "es-en": ("a",),
    }
    assert data.pools["en"].texts == ("passage a",)
