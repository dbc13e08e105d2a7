"""Verifying that a record says what was measured: every hash, every sum, every score whose ranking was saved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from clearbench.common.errors import ClearbenchError, RecordError
from clearbench.common.files import RECORD_FILE
from clearbench.records.bias import overall_bias
from clearbench.records.damage import name_damage
from clearbench.records.folder import find_misplaced
from clearbench.records.parts import REMEDY, PartSummary, part_files, read_part, read_summary
from clearbench.records.read import find_problems, has_record, read_document, read_summaries, same_figures
from clearbench.records.runs import (
    TEXT_COLUMNS,
    check_saved,
    has_sums,
    is_saved,
    read_run,
    read_run_qrels,
    read_text_files,
)
from clearbench.records.schema import Identity, PairRecord
from clearbench.scoring.compute import MEASURE_NAMES, find_difference, score_run
from clearbench.stats.intervals import cluster_codes
from clearbench.stats.summaries import summarise_measures


@dataclass(frozen=True)
class Verification:
    """The result of verifying one record.

    Attributes:
        folder: The record's folder.
        num_pairs: Pairs that have scores.
        num_rescored: Pairs among them whose rankings were saved: these are scored again.
        num_unsummed: Pairs among them whose rankings were saved without checksums, by an older clearbench.
        problems: What is wrong, one sentence each; empty if nothing is.
    """

    folder: Path
    num_pairs: int
    num_rescored: int
    num_unsummed: int
    problems: tuple[str, ...]


def verify_record(folder: Path) -> Verification:
    """Check a record against its parts, the parts against their hashes and sums, and scores against saved rankings.

    Every problem is reported, and a problem does not end the other checks.
    """
    problems = [*_damaged_parts(folder)]
    if problems:
        return Verification(folder, 0, 0, 0, tuple(problems))
    try:
        written = read_document(folder) if has_record(folder) else None
        parts = read_summaries(folder, written)
    except RecordError as error:
        return Verification(folder, 0, 0, 0, (str(error),))
    if written is None:
        problems.append(f"There is no {RECORD_FILE}: the run was not finished.")
    else:
        file = folder / RECORD_FILE
        problems += _collect_problems(file, _record_problems(folder, written, parts))
        problems += _collect_problems(file, _bias_problems(folder, written))
    seen = set[str]()
    for part in parts:
        new_pairs = [pair for pair in part.pairs if pair["pair"] not in seen]
        seen |= {pair["pair"] for pair in new_pairs}
        problems += _collect_problems(part.file, _part_problems(folder, part.file, new_pairs))
    problems += _saved_problems(folder, sorted(seen))
    num_unsummed = sum(is_saved(folder, pair, "trec") and not has_sums(folder, pair) for pair in seen)
    num_rescored = sum(_has_ranking(folder, pair) for pair in seen)
    return Verification(folder, len(seen), num_rescored, num_unsummed, tuple(dict.fromkeys(problems)))


def _collect_problems(file: Path, problems: Iterator[str]) -> Iterator[str]:
    """Yield the problems that a check finds; an error that ends the check is one of them."""
    try:
        with name_damage(file, REMEDY):
            yield from problems
    except ClearbenchError as error:
        yield str(error)


def _damaged_parts(folder: Path) -> Iterator[str]:
    for file in part_files(folder):
        try:
            read_summary(file)
        except RecordError as error:
            yield str(error)


def _record_problems(folder: Path, written: Mapping[str, Any], parts: Sequence[PartSummary]) -> Iterator[str]:
    """Yield the points where record.json disagrees with the parts, or its folder's name with record.json."""
    file = folder / RECORD_FILE
    yield from (f"{file}: {problem}." for problem in find_problems(written, parts))
    if misplaced := find_misplaced(folder, written["identity"]["encoder"]):
        yield f"{file}: {misplaced}."


def _bias_problems(folder: Path, written: Mapping[str, Any]) -> Iterator[str]:
    """Yield a problem if the language bias in record.json disagrees with the scores."""
    languages, bias = Identity.model_validate(written["identity"]).pool_languages, written.get("bias")
    needed = written["status"] == "complete" and bool(languages)
    if (needed or bias is not None) and not same_figures(bias, asdict(overall_bias(folder, languages))):
        yield f"{folder / RECORD_FILE}: `bias` differs from that of the scores."


def _part_problems(folder: Path, file: Path, pairs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the problems of a part's pairs; a pair is checked even if another one's scores cannot be read."""
    table = read_part(file, None).to_pandas()
    for pair in pairs:
        yield from _collect_problems(file, _pair_problems(folder, file, pair, table))


def _pair_problems(folder: Path, file: Path, pair: Mapping[str, Any], table: Any) -> Iterator[str]:
    record = PairRecord.model_validate(pair)
    rows = table[table["pair"] == record.pair]
    yield from _sum_problems(file, record, rows)
    if _has_ranking(folder, record.pair):
        yield from _ranking_problems(folder, record.pair, rows)


def _saved_problems(folder: Path, pairs: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the rankings, judgements and texts that were saved."""
    checks = [partial(check_saved, folder, pair) for pair in pairs]
    for check in (*checks, partial(read_text_files, folder, TEXT_COLUMNS)):
        try:
            check()
        except RecordError as error:
            yield str(error)


def _has_ranking(folder: Path, pair: str) -> bool:
    """Return whether a pair's ranking was saved with the judgements that it is scored by."""
    return is_saved(folder, pair, "trec") and is_saved(folder, pair, "qrels")


def _sum_problems(file: Path, pair: PairRecord, rows: Any) -> Iterator[str]:
    """Yield the points where a part's summary of a pair disagrees with its scores."""
    codes = cluster_codes(rows["cluster"].astype(str).tolist())
    counts = len(rows), len(set(codes.tolist()))
    if counts != (pair.num_queries, pair.num_clusters):
        yield (
            f"{file}: {pair.pair} has {counts[0]:,} queries in {counts[1]:,} clusters, "
            f"it says {pair.num_queries:,} in {pair.num_clusters:,}."
        )
        return
    names = [name for name in pair.measures if name in rows]
    missing = [name for name in pair.measures if name not in rows]
    values = summarise_measures(names, rows[names].to_numpy(dtype=np.float64), codes)
    yield from (f"{file}: {pair.pair} has no scores of {name}." for name in missing)
    for name in names:
        if not same_figures(asdict(pair.measures[name]), asdict(values[name])):
            mean, recorded = float(values[name].mean), float(pair.measures[name].mean)
            yield f"{file}: {name} of {pair.pair} is {mean!r} or has another interval, it says {recorded!r}."


def _ranking_problems(folder: Path, pair: str, rows: Any) -> Iterator[str]:
    """Yield a problem if a pair's saved ranking and judgements give another score."""
    queries = rows["query"].astype(str).tolist()
    run = {query: dict(ranking) for query, ranking in read_run(folder, pair).items()}
    names = [name for name in MEASURE_NAMES if name in rows]
    rescored = score_run(run, read_run_qrels(folder, pair), queries)[:, [MEASURE_NAMES.index(name) for name in names]]
    if difference := find_difference(rows[names].to_numpy(dtype=np.float64), rescored):
        row, column = difference
        stored, expected = float(rows[names[column]].iloc[row]), float(rescored[row, column])
        yield (
            f"{folder}: {names[column]} of query {queries[row]!r} of {pair} is {stored!r}, its saved ranking gives "
            f"{expected!r}."
        )
