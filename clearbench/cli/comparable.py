"""Load the records of a results folder for a table of several models, with published figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clearbench.records.published_sources import PublishedSources

if TYPE_CHECKING:
    from clearbench.records.published import Published
    from clearbench.records.select import Entry


class ComparableRecords(NamedTuple):
    """Records that can stand in one table, published figures of their tasks, and a message per record left out."""

    entries: "list[Entry]"
    published: "tuple[Published, ...]"
    left_out: tuple[str, ...]


def load_comparable(
    results: Path,
    tasks: Sequence[str] | None,
    sources: PublishedSources,
    strict: bool,
    models: Sequence[str] | None = None,
) -> ComparableRecords:
    """Load the records that can stand in one table; stderr says which files of published figures could not be used.

    Args:
        results: Results folder.
        tasks: Only these tasks; None means all.
        sources: Where published figures of the records' tasks come from.
        strict: Raise what is wrong with a record instead of leaving it out.
        models: Only these models; None means all.
    Raises:
        UsageError: A model or a task is named that has no record, or the sources cannot be read as asked.
        RecordError: No record can be used; or `strict` is on, and one cannot.
    """
    from clearbench.common.progress import say
    from clearbench.records.select import load_usable, select_tasks
    from clearbench.verdicts.leaderboard.comparable import keep_comparable

    usable = load_usable(results, models, strict)
    comparable = keep_comparable(select_tasks(usable.entries, tasks), strict)
    published, unread = sources.load({entry.record.identity.task for entry in comparable.entries})
    for message in unread:
        say(message)
    return ComparableRecords(comparable.entries, published, (*usable.messages, *comparable.messages))
