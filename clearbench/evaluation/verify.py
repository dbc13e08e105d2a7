"""Whether a record still says what was measured: every hash, every sum, and every score whose ranking was saved."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clearbench.common.errors import ClearbenchError, RecordError
from clearbench.common.measures import SAME_SCORE
from clearbench.common.text import count
from clearbench.records.bias import overall_bias
from clearbench.records.derive import fields_of_pairs, pairs_of
from clearbench.records.folder import model_key, name_in_key
from clearbench.records.parts import PartSummary, part_files, read_part, read_summary
from clearbench.records.read import find_disagreement, has_record, read_document, read_summaries, same_figures
from clearbench.records.runs import is_saved, read_run, read_run_qrels
from clearbench.records.schema import PairRecord
from clearbench.scoring.compute import MEASURE_NAMES, score_run
from clearbench.stats.intervals import cluster_codes
from clearbench.stats.summaries import summarise_measures


@dataclass(frozen=True)
class Verification:
    """What was found of one record.

    Attributes:
        folder: The record's folder.
        num_pairs: Pairs that have scores.
        num_rescored: Pairs among them that were scored again from their saved rankings.
        problems: What does not fit, one sentence each; empty where all does.
    """

    folder: Path
    num_pairs: int
    num_rescored: int
    problems: tuple[str, ...]


def verify_record(folder: Path) -> Verification:
    """Check a record against its parts, the parts against their hashes and sums, and scores against saved rankings."""
    problems = [*_damaged_parts(folder)]
    if problems:
        return Verification(folder, 0, 0, tuple(problems))
    try:
        written = read_document(folder) if has_record(folder) else None
        parts = read_summaries(folder, written)
    except RecordError as error:
        return Verification(folder, 0, 0, (str(error),))
    if written is None:
        problems.append("There is no record.json: the run was not finished.")
    else:
        problems += _record_problems(folder, written, parts)
    num_rescored, seen = 0, set[str]()
    for part in parts:
        pairs = [PairRecord.model_validate(pair) for pair in part.pairs if pair["pair"] not in seen]
        seen |= {pair.pair for pair in pairs}
        table = read_part(part.file, None).to_pandas()
        for pair in pairs:
            try:
                rows = table[table["pair"] == pair.pair]
                problems += _sum_problems(part.file, pair, rows)
                if is_saved(folder, pair.pair, "trec") and is_saved(folder, pair.pair, "qrels"):
                    problems += _ranking_problems(folder, pair.pair, rows)
                    num_rescored += 1
            except ClearbenchError as error:
                problems.append(str(error))
    return Verification(folder, len(seen), num_rescored, tuple(problems))


def _damaged_parts(folder: Path) -> Iterator[str]:
    for file in part_files(folder):
        try:
            read_summary(file)
        except RecordError as error:
            yield str(error)


def _record_problems(folder: Path, written: Mapping[str, Any], parts: list[PartSummary]) -> Iterator[str]:
    """What record.json says otherwise than the parts."""
    file = folder / "record.json"
    if written["status"] != "complete":
        yield f"{file} says that a run is under way, or it was not finished."
    if problem := find_disagreement(written, parts):
        yield f"{file}: {problem}."
        return
    pairs = {name: PairRecord.model_validate(pair) for name, pair in pairs_of(parts).items()}
    if more := len(pairs) - len(written["pairs"]):
        yield f"{file} lacks {count(more, 'pair')} that have scores."
        return
    follows = fields_of_pairs(pairs.values())
    yield from (
        f"{file}: `{key}` is another than that of the scores."
        for key in ("coverage", "averages")
        if not same_figures(written[key], follows[key])
    )
    encoder, key = written["identity"]["encoder"], folder.resolve().parent.name
    if re.fullmatch(r".+-[0-9a-f]{8}", key) and model_key(name_in_key(key), encoder) != key:
        yield f"{file}: the folder {key} is not that of the encoder {encoder}."
    if written.get("bias") is not None:
        languages = str(written["identity"]["scoring"]["pool_languages"]).split()
        if not same_figures(written["bias"], asdict(overall_bias(folder, languages))):
            yield f"{file}: `bias` is another than that of the scores."


def _sum_problems(file: Path, pair: PairRecord, rows: Any) -> Iterator[str]:
    """What a part says of a pair otherwise than its scores."""
    codes = cluster_codes(rows["cluster"].astype(str).tolist())
    counts = len(rows), len(set(codes.tolist()))
    if counts != (pair.num_queries, pair.num_clusters):
        yield (
            f"{file}: {pair.pair} has {counts[0]:,} queries in {counts[1]:,} clusters, "
            f"it says {pair.num_queries:,} in {pair.num_clusters:,}."
        )
        return
    names = [name for name in pair.measures if name in rows]
    lost = [name for name in pair.measures if name not in rows]
    found = summarise_measures(names, rows[names].to_numpy(dtype=np.float64), codes)
    yield from (f"{file}: {pair.pair} has no scores of {name}." for name in lost)
    for name in names:
        if not same_figures(asdict(pair.measures[name]), asdict(found[name])):
            said = pair.measures[name].mean
            yield f"{file}: {name} of {pair.pair} is {found[name].mean!r} or has another interval, it says {said!r}."


def _ranking_problems(folder: Path, pair: str, rows: Any) -> Iterator[str]:
    """Scores of a pair that its saved ranking and judgements do not give."""
    queries = rows["query"].astype(str).tolist()
    run = {query: dict(ranking) for query, ranking in read_run(folder, pair).items()}
    names = [name for name in MEASURE_NAMES if name in rows]
    again = score_run(run, read_run_qrels(folder, pair), queries)[:, [MEASURE_NAMES.index(name) for name in names]]
    distance = np.abs(rows[names].to_numpy(dtype=np.float64) - again)
    if distance.max(initial=0.0) > SAME_SCORE:
        row, column = np.unravel_index(distance.argmax(), distance.shape)
        yield (
            f"{folder}: {names[column]} of query {queries[row]!r} of {pair} is {rows[names[column]].iloc[row]!r}, its "
            f"saved ranking gives {again[row, column]!r}."
        )
