"""Which records of a task can stand in one table, where some were measured on other data or by other rules."""

from collections.abc import Sequence

from clearbench.common.errors import RecordError
from clearbench.records.select import Entry, Usable
from clearbench.verdicts.matching import find_conflict

_REMEDY = "Measure one of them again with --replace, or choose models with --models."


def keep_comparable(entries: Sequence[Entry], strict: bool = False) -> Usable:
    """Return the records that can stand in one table, and a message on each of the others.

    Of each task, records are taken one after the other, and one that does not fit those taken is left out. Records
    that fit the most others come first, so a majority stays; among equals, those that were measured last come first.

    Args:
        entries: Complete records of any number of models and tasks.
        strict: Raise what is wrong with a record instead.
    Raises:
        RecordError: `strict` is on, and two records of one task are not comparable.
    """
    by_label: dict[str, list[Entry]] = {}
    for entry in entries:
        by_label.setdefault(entry.label, []).append(entry)
    conflicts = [conflict for group in by_label.values() for conflict in _find_conflicts(group)]
    if conflicts and strict:
        raise RecordError(conflicts[0][1])
    left_out = {entry.place: message for entry, message in conflicts}
    return Usable([entry for entry in entries if entry.place not in left_out], list(left_out.values()))


def _find_conflicts(group: Sequence[Entry]) -> list[tuple[Entry, str]]:
    """Return the records of one task that are left out, each with a message."""
    support = {entry.place: sum(find_conflict(entry, other) is None for other in group) for entry in group}
    newest_first = sorted(group, key=lambda entry: str(entry.record.timings.get("finished", "")), reverse=True)
    kept: list[Entry] = []
    left_out = []
    for entry in sorted(newest_first, key=lambda entry: -support[entry.place]):
        found = ((other, conflict) for other in kept if (conflict := find_conflict(entry, other)))
        if first := next(found, None):
            other, conflict = first
            left_out.append((entry, f"{entry.place} is not comparable with {other.place}: {conflict}. {_REMEDY}"))
        else:
            kept.append(entry)
    return left_out
