"""Records in other tools' formats: TREC runs with judgements, and MTEB's result files."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clearbench.common.errors import RecordError
from clearbench.common.languages import ENGLISH, MULTIPLE, Language, Pair, parse_pair
from clearbench.common.output import write_output
from clearbench.records.matrix import scores_matrix
from clearbench.records.schema import PairRecord, Record
from clearbench.records.select import Entry

MERGE = "merge_duplicate_questions"
"""The reader option that makes one query of equal question texts, as MTEB does."""

# Fields of a line: `query Q0 passage rank score tag`, `query 0 passage relevance`.
_RUN_FIELDS, _QRELS_FIELDS = 6, 4
# MTEB's names of measures; others keep theirs, with `_at_` for `@`.
_MTEB_MEASURES = {"nDCG": "ndcg", "MRR": "mrr", "MAP": "map", "success": "hit_rate"}
# Languages that MTEB's Belebele has in a Latin script too, paired with their usual script.
_ROMANISED = frozenset({"arb", "ben", "hin", "npi", "sin", "urd"})


@dataclass(frozen=True)
class Exported:
    """What an export wrote, and what its reader has to know."""

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def export_trec(entry: Entry, to: Path) -> Exported:
    """Write each pair's ranking and judgements as `<pair>.run` and `<pair>.qrels`, as trec_eval reads them.

    Raises:
        RecordError: The record has no saved rankings, or an id that TREC's blank-separated lines cannot hold.
    """
    runs, judged_by = entry.folder / "runs", entry.record.identity.scoring.get("judged_by", "qrels")
    files, without = [], []
    for pair in entry.record.pairs:
        run, qrels = runs / f"{pair.pair}.trec", runs / f"{pair.pair}.qrels"
        if not run.exists() or (not qrels.exists() and judged_by == "qrels"):
            what = "ranking" if not run.exists() else "judgements"
            raise RecordError(
                f"{entry.folder} has no saved {what} of {pair.pair}. Run again with --save-runs --replace; vectors "
                "that are in the cache are not computed again."
            )
        files.append(_copy(run, to / f"{pair.pair}.run", _RUN_FIELDS))
        if qrels.exists():
            files.append(_copy(qrels, to / f"{pair.pair}.qrels", _QRELS_FIELDS))
        else:
            without.append(pair.pair)
    if not without:
        return Exported(tuple(files))
    return Exported(tuple(files), (f"{entry.label} is judged by answers ({judged_by}): there are runs, but no qrels.",))


def export_mteb(entry: Entry, to: Path) -> Exported:
    """Write a record as one of MTEB's result files, `<task>.json`, which `mteb.TaskResult.from_disk` reads.

    A task that MTEB has too gets MTEB's name and only the subsets that MTEB has; any other task gets the name
    `clearbench-<task>` and every pair. Subsets are named corpus language first, as in MTEB. The file says of itself
    that MTEB did not make it: `mteb_version` is null, `dataset_revision` is the record's data hash.

    Raises:
        RecordError: MTEB has none of the record's pairs, its means are not those of its per-query scores, or the file
            cannot be written.
    """
    record = entry.record
    task = _mteb_task(record)
    subsets, left_out = [], []
    for pair in record.pairs:
        named = task.subset(parse_pair(pair.pair))
        if named is None:
            left_out.append(pair.pair)
        else:
            subsets.append(_mteb_scores(pair, named, record.main_measure))
    if not subsets:
        raise RecordError(
            f"{entry.folder}: MTEB's {task.name} has none of its pairs ({_some(left_out)}); "
            "export pairs that it has, such as those with English on one side."
        )
    _check_means(entry, [pair for pair in record.pairs if pair.pair not in left_out])
    document = {
        "dataset_revision": f"clearbench-data-{record.data}",
        "task_name": task.name,
        "mteb_version": None,
        "scores": {task.split: sorted(subsets, key=lambda scores: str(scores["hf_subset"]))},
        "evaluation_time": _seconds(record.timings.get("seconds")),
        "kg_co2_emissions": None,
        "date": record.timings.get("finished"),
    }
    file = to / f"{task.name}.json"
    write_file(file, json.dumps(document, indent=2) + "\n")
    notes = []
    if left_out:
        notes.append(f"Left out, as MTEB's {task.name} has no such subsets: {_some(left_out)}.")
    if task.merges and record.identity.options.get(MERGE) != "True":
        notes.append(
            f"MTEB's {task.name} makes one query of equal questions; this record does not, so languages that have "
            f"such questions differ a little. `clearbench run --option {MERGE}=true` measures MTEB's way."
        )
    return Exported((file,), tuple(notes))


@dataclass(frozen=True)
class _MtebTask:
    """A task of MTEB's.

    Attributes:
        name: Its name.
        split: The split that the record is of.
        subset: Name and languages of a pair's subset; None where MTEB has none.
        merges: Whether MTEB makes one query of equal questions.
    """

    name: str
    split: str
    subset: Callable[[Pair], tuple[str, list[str]] | None]
    merges: bool = False


def _any_subset(pair: Pair) -> tuple[str, list[str]]:
    names = [_code(side) for side in (pair.passage, pair.query)]
    return "-".join(names), [_dashed(side) for side in (pair.passage, pair.query) if side != MULTIPLE]


def _belebele_subset(pair: Pair) -> tuple[str, list[str]] | None:
    one, two = pair.query, pair.passage
    scripts = one.code == two.code and one.code in _ROMANISED and "Latn" in (one.script, two.script)
    return _any_subset(pair) if one == two or ENGLISH in (one, two) or scripts else None


def _xquad_subset(pair: Pair) -> tuple[str, list[str]] | None:
    return (str(pair.query), [_dashed(pair.query)]) if pair.query == pair.passage else None


def _mlqa_subset(pair: Pair) -> tuple[str, list[str]] | None:
    sides = [_dashed(side).replace("arb-", "ara-") for side in (pair.passage, pair.query)]
    return "-".join(side.partition("-")[0] for side in sides), sides


_MTEB_TASKS: Mapping[str, _MtebTask] = {
    "belebele": _MtebTask("BelebeleRetrieval", "test", _belebele_subset, merges=True),
    "xquad": _MtebTask("XQuADRetrieval", "validation", _xquad_subset, merges=True),
    "mlqa": _MtebTask("MLQARetrieval", "validation", _mlqa_subset, merges=True),
    "mlqa-test": _MtebTask("MLQARetrieval", "test", _mlqa_subset, merges=True),
}


def _mteb_task(record: Record) -> _MtebTask:
    """MTEB's task, unless options make the record another measurement."""
    if set(record.identity.options) <= {MERGE} and record.identity.task in _MTEB_TASKS:
        return _MTEB_TASKS[record.identity.task]
    parts = [record.identity.task, *(f"{key}={value}" for key, value in sorted(record.identity.options.items()))]
    return _MtebTask("clearbench-" + "+".join(parts).replace("/", "_"), "test", _any_subset)


def _mteb_scores(pair: PairRecord, named: tuple[str, list[str]], main_measure: str) -> dict[str, Any]:
    scores = {_mteb_measure(name): value.mean for name, value in pair.measures.items()}
    return {
        **scores,
        "main_score": pair.measures[main_measure].mean,
        "hf_subset": named[0],
        "languages": named[1],
    }


def _mteb_measure(name: str) -> str:
    stem, _, cutoff = name.partition("@")
    return f"{_MTEB_MEASURES.get(stem, stem)}_at_{cutoff}" if cutoff else stem


def _check_means(entry: Entry, pairs: list[PairRecord]) -> None:
    """Read the per-query scores of what is exported, which compares the record's means with theirs."""
    for measure in dict.fromkeys(name for pair in pairs for name in pair.measures):
        scores_matrix(entry, measure, [pair.pair for pair in pairs if measure in pair.measures])


def _seconds(phases: Any) -> float | None:
    if not isinstance(phases, dict):
        return None
    return float(sum(value for value in phases.values() if isinstance(value, int | float)))


def _code(language: Language) -> str:
    """`deu_Latn`, with the region where there is one; `mul` for several languages."""
    if language == MULTIPLE:
        return str(language)
    return "_".join(filter(None, (language.variant, language.region)))


def _dashed(language: Language) -> str:
    return language.variant.replace("_", "-")


def _copy(source: Path, target: Path, num_fields: int) -> Path:
    """Copy a TREC file, and refuse lines that trec_eval would read otherwise."""
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"Cannot read {source}: {error}.") from error
    for number, line in _lines(text):
        if len(line.split()) != num_fields:
            raise RecordError(
                f"{source}:{number}: {len(line.split())} fields, expected {num_fields}: an id holds a blank, which "
                "TREC's format cannot hold, or the file is damaged."
            )
    write_file(target, text)
    return target


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; only a line feed ends a line."""
    yield from ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line)


def write_file(path: Path, text: str) -> None:
    """Write a file, making its folder.

    Raises:
        RecordError: It cannot be written.
    """
    write_output(path, text.encode("utf-8"), "--to")


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8:,} more" if len(names) > 8 else "")
