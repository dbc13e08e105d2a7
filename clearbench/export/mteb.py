"""A record as one of MTEB's result files, which `mteb.TaskResult.from_disk` reads."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from clearbench.common.errors import RecordError
from clearbench.common.languages import ENGLISH, MULTIPLE, Language
from clearbench.common.measures import find_measure
from clearbench.common.output import write_output
from clearbench.common.pairs import Pair, parse_pair
from clearbench.common.text import join_names
from clearbench.export.exported import Exported
from clearbench.records.matrix import scores_matrix
from clearbench.records.schema import PairRecord
from clearbench.records.select import Entry
from clearbench.tasks.options import MERGE

_ROMANISED = frozenset({"arb", "ben", "hin", "npi", "sin", "urd"})
"""Languages that MTEB's Belebele has in a Latin script too, paired with their usual script."""


class Subset(NamedTuple):
    """A pair, as MTEB calls it.

    Attributes:
        name: `hf_subset`, corpus language first.
        languages: Language and script of the corpus and of the queries, such as `eng-Latn`.
    """

    name: str
    languages: list[str]


@dataclass(frozen=True)
class MtebTask:
    """A task of MTEB's.

    Attributes:
        name: Its name.
        split: The split that the record is of.
        subset: A pair's subset; None where MTEB has none.
        merges: Whether MTEB makes one query of equal questions.
    """

    name: str
    split: str
    subset: Callable[[Pair], Subset | None]
    merges: bool = False


def export_mteb(entry: Entry, to: Path) -> Exported:
    """Write a record as `<task>.json`.

    A task that MTEB has too gets MTEB's name and only the subsets that MTEB has; any other task gets the name
    `clearbench-<task>` and every pair. Subsets are named corpus language first, as in MTEB. The file says of itself
    that MTEB did not make it: `mteb_version` is null, `dataset_revision` is the record's data hash.

    Raises:
        RecordError: MTEB has none of the record's pairs, its means are not those of its per-query scores, or the file
            cannot be written.
    """
    task = find_mteb_task(entry)
    subsets = [(pair, task.subset(parse_pair(pair.pair))) for pair in entry.record.pairs]
    exported = [(pair, subset) for pair, subset in subsets if subset is not None]
    left_out = [pair.pair for pair, subset in subsets if subset is None]
    if not exported:
        raise RecordError(
            f"{entry.place}: MTEB's {task.name} has none of its pairs ({join_names(left_out, 8)}); "
            "export pairs that it has, such as those with English on one side."
        )
    _check_means(entry, [pair for pair, _ in exported])
    file = to / f"{task.name}.json"
    write_output(file, (json.dumps(_document(entry, task, exported), indent=2) + "\n").encode(), "--to")
    notes = []
    if left_out:
        notes.append(f"Left out, as MTEB's {task.name} has no such subsets: {join_names(left_out, 8)}.")
    if task.merges and entry.record.identity.options.get(MERGE) != "True":
        notes.append(
            f"MTEB's {task.name} makes one query of equal questions; this record does not, so languages that have "
            f"such questions differ a little. `clearbench run --option {MERGE}=true` measures MTEB's way."
        )
    return Exported((file,), tuple(notes))


def find_mteb_task(entry: Entry) -> MtebTask:
    """Return MTEB's task, or one of our own name where MTEB has none or options make the record another measurement."""
    identity = entry.record.identity
    if set(identity.options) <= {MERGE} and identity.task in MTEB_TASKS:
        return MTEB_TASKS[identity.task]
    return MtebTask(f"clearbench-{entry.label.replace('/', '_')}", "test", _any_subset)


def _any_subset(pair: Pair) -> Subset:
    sides = (pair.passage, pair.query)
    return Subset("-".join(map(_language_code, sides)), [_dashed_code(side) for side in sides if side != MULTIPLE])


def _belebele_subset(pair: Pair) -> Subset | None:
    query, passage = pair.query, pair.passage
    in_latin = "Latn" in (query.script, passage.script)
    two_scripts = query.code == passage.code and query.code in _ROMANISED and in_latin
    return _any_subset(pair) if query == passage or ENGLISH in (query, passage) or two_scripts else None


def _xquad_subset(pair: Pair) -> Subset | None:
    return Subset(str(pair.query), [_dashed_code(pair.query)]) if pair.query == pair.passage else None


def _mlqa_subset(pair: Pair) -> Subset | None:
    sides = [_dashed_code(side).replace("arb-", "ara-") for side in (pair.passage, pair.query)]
    return Subset("-".join(side.partition("-")[0] for side in sides), sides)


MTEB_TASKS: Mapping[str, MtebTask] = {
    "belebele": MtebTask("BelebeleRetrieval", "test", _belebele_subset, merges=True),
    "xquad": MtebTask("XQuADRetrieval", "validation", _xquad_subset, merges=True),
    "mlqa": MtebTask("MLQARetrieval", "validation", _mlqa_subset, merges=True),
    "mlqa-test": MtebTask("MLQARetrieval", "test", _mlqa_subset, merges=True),
}
"""Task here -> MTEB's."""


def _language_code(language: Language) -> str:
    """Return `deu_Latn`, with the region where there is one; `mul` for several languages."""
    if language == MULTIPLE:
        return str(language)
    return "_".join(filter(None, (language.variant, language.region)))


def _dashed_code(language: Language) -> str:
    return language.variant.replace("_", "-")


def _check_means(entry: Entry, pairs: Sequence[PairRecord]) -> None:
    """Read the per-query scores of what is exported, which compares the record's means with theirs."""
    for measure in dict.fromkeys(name for pair in pairs for name in pair.measures):
        scores_matrix(entry, measure, [pair.pair for pair in pairs if measure in pair.measures])


def _document(entry: Entry, task: MtebTask, exported: Sequence[tuple[PairRecord, Subset]]) -> dict[str, Any]:
    record = entry.record
    scores = [_scores(pair, subset, record.main_measure) for pair, subset in exported]
    return {
        "dataset_revision": f"clearbench-data-{record.data}",
        "task_name": task.name,
        "mteb_version": None,
        "scores": {task.split: sorted(scores, key=lambda subset: str(subset["hf_subset"]))},
        "evaluation_time": _seconds(record.timings.get("seconds")),
        "kg_co2_emissions": None,
        "date": record.timings.get("finished"),
    }


def _scores(pair: PairRecord, subset: Subset, main_measure: str) -> dict[str, Any]:
    return {
        **{find_measure(name).mteb: value.mean for name, value in pair.measures.items()},
        "main_score": pair.measures[main_measure].mean,
        "hf_subset": subset.name,
        "languages": subset.languages,
    }


def _seconds(phases: Any) -> float | None:
    if not isinstance(phases, dict):
        return None
    return float(sum(value for value in phases.values() if isinstance(value, int | float)))
