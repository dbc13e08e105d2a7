"""A record that was tampered with or damaged anywhere is found out, and one that was not is OK."""

import json
import shutil

import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from builders.records import rewrite_part

from clearbench.common.errors import RecordError
from clearbench.common.sealed import open_sealed
from clearbench.evaluation.options import EvaluationOptions
from clearbench.evaluation.verify import verify_record
from clearbench.records.read import read_record
from clearbench.stats.bias import RANK
from clearbench.tasks.mixed import mix


@pytest.fixture
def folders(tmp_path):
    """Records of a task and of its mixed pool, with rankings."""
    data = parallel_set(("en", "de"), size=8)
    options = EvaluationOptions(tmp_path / "out", save_runs=True)
    return [evaluation.folder for evaluation in evaluate_sets(HashEncoder(), [data, mix(data)], options)]


def part_of(folder):
    return sorted((folder / "scores").glob("*.parquet"))[0]


def set_score(table):
    scores = table["nDCG@10"].to_numpy().copy()
    scores[3] = 1.0 - scores[3]
    return table.set_column(table.schema.get_field_index("nDCG@10"), "nDCG@10", [scores])


def set_pairs(folder, **changes):
    """Change the first pair in a part and, to match, in record.json."""
    pairs = open_sealed(part_of(folder)).document["pairs"]
    pairs[0] |= changes
    rewrite_part(part_of(folder), pairs=pairs)
    edit(folder, lambda record: [pair.update(changes) for pair in record["pairs"] if pair["pair"] == pairs[0]["pair"]])


def edit(folder, change):
    file = folder / "record.json"
    record = json.loads(file.read_text())
    change(record)
    file.write_text(json.dumps(record))


def test_what_was_measured_is_verified_and_scored_again(folders):
    for folder, num_pairs in zip(folders, (4, 2), strict=True):
        found = verify_record(folder)
        assert (found.problems, found.num_pairs, found.num_rescored) == ((), num_pairs, num_pairs)


def test_without_rankings_nothing_is_scored_again(folders):
    shutil.rmtree(folders[0] / "runs")
    assert (verify_record(folders[0]).problems, verify_record(folders[0]).num_rescored) == ((), 0)


TAMPERS = {
    "`averages` differs": lambda folder: edit(folder, lambda r: r["averages"]["all"].update({"nDCG@10": 0.99})),
    "`coverage` differs": lambda folder: edit(folder, lambda r: r["coverage"].update(queries_skipped=1)),
    "`identity` differs": lambda folder: edit(folder, lambda r: r["identity"].update(encoder="0" * 32)),
    "lacks 1 pair with scores": lambda folder: edit(folder, lambda r: r["pairs"].pop()),
    "a run is under way": lambda folder: edit(folder, lambda r: r.update(status="running")),
    "There is no record.json": lambda folder: (folder / "record.json").unlink(),
    "record.json is damaged": lambda folder: (folder / "record.json").write_text("{"),
    "parquet is damaged": lambda folder: part_of(folder).write_bytes(part_of(folder).read_bytes()[:-9]),
    "or has another interval, it says": lambda folder: rewrite_part(part_of(folder), set_score),
    "saved ranking gives": lambda folder: rewrite_part(part_of(folder), set_score),
    "it says 15 in 8": lambda folder: set_pairs(folder, num_queries=15),
    "no scores of nDCG@99": lambda folder: set_pairs(folder, measures={"nDCG@99": {"mean": 1, "lower": 1, "upper": 1}}),
    "`pairs` is not a list of pairs": lambda folder: edit(folder, lambda r: r.update(pairs=[{"name": "de-en"}])),
    "is damaged": lambda folder: set_pairs(folder, num_queries="many"),
    "is damaged ('cluster')": lambda folder: rewrite_part(
        part_of(folder), lambda table: table.drop_columns(["cluster"])
    ),
    "is not that of the encoder": lambda folder: folder.parent.rename(folder.parent.with_name("hash-00000000")),
}


@pytest.mark.parametrize("problem", TAMPERS)
def test_whatever_was_changed_is_found(folders, problem):
    folder = folders[0]
    TAMPERS[problem](folder)
    if not folder.exists():
        folder = folder.parents[1] / "hash-00000000" / folder.name
    found = verify_record(folder)
    assert any(problem in sentence for sentence in found.problems), found.problems


def swap_first_two(file):
    """Exchange the first two passages of a saved ranking; return the query that they are ranked for."""
    first, second, *rest = file.read_text().splitlines(keepends=True)
    query, _, passage, *_ = first.split()
    file.write_text(
        "".join([second.replace(second.split()[2], passage), first.replace(passage, second.split()[2]), *rest])
    )
    return query


def test_a_changed_ranking_and_a_damaged_one_are_found(folders):
    file = folders[0] / "runs" / "de-en.trec"
    query = swap_first_two(file)
    [problem] = verify_record(folders[0]).problems
    assert problem.startswith(f"{file} is not the file that was saved")
    file.with_suffix(".sha256").unlink()  # as an older clearbench saved it
    assert any(f"of query '{query}' of de-en" in sentence for sentence in verify_record(folders[0]).problems)
    file.write_text("q Q0 p\n")
    assert "has 3 fields, expected 6" in verify_record(folders[0]).problems[0]


@pytest.mark.parametrize("name", ["de-en.trec", "de-en.qrels", "de-en.sha256", "*.texts.parquet"])
def test_every_file_saved_with_a_ranking_is_checked_even_where_its_scores_stay_the_same(folders, name):
    file = next((folders[0] / "runs").glob(name))
    file.write_bytes(file.read_bytes() + b"\n")
    assert str(file) in verify_record(folders[0]).problems[0]
    file.unlink()
    assert bool(verify_record(folders[0]).problems) == (file.suffix in (".trec", ".qrels"))


def test_rankings_without_checksums_are_counted(folders):
    assert verify_record(folders[0]).num_unsummed == 0
    for file in (folders[0] / "runs").glob("*.sha256"):
        file.unlink()
    found = verify_record(folders[0])
    assert (found.problems, found.num_rescored, found.num_unsummed) == ((), 4, 4)


def test_another_bias_of_a_mixed_pool_is_found(folders):
    edit(folders[1], lambda record: record["bias"].update(chance=0.9))
    assert "`bias` differs" in verify_record(folders[1]).problems[0]
    with pytest.raises(RecordError, match="`bias` differs from that of the scores"):
        read_record(folders[1])


def drop_ranks(table):
    return table.drop_columns([name for name in table.column_names if name.startswith(RANK)])


def drop_cluster(table):
    return table.drop_columns(["cluster"])


def rewrite_parts(folder, change):
    for part in (folder / "scores").glob("*.parquet"):
        rewrite_part(part, change)


BROKEN_MIXED_POOLS = {
    "ranks": lambda folder: rewrite_parts(folder, drop_ranks),
    "clusters": lambda folder: rewrite_parts(folder, drop_cluster),
    "languages": lambda folder: set_languages(folder, None),
    "other languages": lambda folder: set_languages(folder, "en fr"),
    "no bias": lambda folder: edit(folder, lambda record: record.update(bias=None)),
}


def set_languages(folder, languages):
    """Change the languages of the pool in record.json and in each part alike; None leaves them out."""

    def change(identity):
        identity["scoring"].pop("pool_languages")
        if languages:
            identity["scoring"]["pool_languages"] = languages

    edit(folder, lambda record: change(record["identity"]))
    for part in (folder / "scores").glob("*.parquet"):
        provenance = open_sealed(part).document["provenance"]
        change(provenance["identity"])
        rewrite_part(part, provenance=provenance)


@pytest.mark.parametrize("broken", BROKEN_MIXED_POOLS)
def test_what_a_check_cannot_go_on_with_is_reported_and_the_rest_is_checked(folders, broken):
    BROKEN_MIXED_POOLS[broken](folders[1])
    edit(folders[1], lambda record: record["averages"]["all"].update({"nDCG@10": 0.99}))
    problems = verify_record(folders[1]).problems
    assert any("`averages` differs" in sentence for sentence in problems)
    assert any("averages" not in sentence for sentence in problems), problems


def test_a_bias_without_a_mixed_pool_is_an_error_of_the_record(folders):
    set_languages(folders[1], None)
    with pytest.raises(RecordError, match="has a language bias, but its pool is not mixed"):
        read_record(folders[1])


def test_a_pair_that_cannot_be_checked_does_not_hide_the_next_one(folders):
    pairs = open_sealed(part_of(folders[0])).document["pairs"]
    assert len(pairs) == 2
    pairs[0] |= {"num_queries": "many"}
    pairs[1] |= {"num_queries": 15}
    rewrite_part(part_of(folders[0]), pairs=pairs)
    problems = verify_record(folders[0]).problems
    assert any("is damaged" in sentence for sentence in problems) and any("it says 15" in text for text in problems)
