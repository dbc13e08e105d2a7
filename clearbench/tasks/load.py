"""Loading a task: find its definition, choose the pairs, read the files, check the counts."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clearbench.common.errors import DataError, TaskError, UsageError
from clearbench.common.measures import RULES
from clearbench.common.pairs import Pair
from clearbench.common.text import join_names
from clearbench.tasks.catalogue import find_task
from clearbench.tasks.choose import choose_pairs, share_options, share_selection
from clearbench.tasks.dataset import Dataset
from clearbench.tasks.formats.base import ReaderOptions, WantedPairs
from clearbench.tasks.formats.table import open_files, open_reader, reader_options
from clearbench.tasks.oddities import find_oddities
from clearbench.tasks.options import ANYWHERE, DEFAULT, DataLocation, Selection
from clearbench.tasks.sources import UsedFile
from clearbench.tasks.spec import Count, TaskSpec

# Wrong counts named in an error before it is cut short.
_MISMATCHES_SHOWN = 4


@dataclass(frozen=True)
class CheckedTask:
    """A loaded task and what `tasks check` reports about it.

    Attributes:
        spec: The definition.
        data: Texts and judgements.
        files: The files that were read.
        mismatches: Counts that are not what the task file expects, one sentence each.
    """

    spec: TaskSpec
    data: Dataset
    files: tuple[UsedFile, ...]
    mismatches: tuple[str, ...]


def load_task(
    name: str,
    selection: Selection = DEFAULT,
    location: DataLocation = ANYWHERE,
    options: Mapping[str, Any] | None = None,
) -> Dataset:
    """Load a task and check its counts.

    Args:
        name: Task name, or the path of a task file or of a BEIR-style folder.
        selection: Which pairs.
        location: Where the definition and the files may come from.
        options: Reader options in place of the task file's.
    Raises:
        UsageError: There is no such task, pair, language or option.
        TaskError: The task file cannot be used.
        DataError: A file is missing or broken, or the counts are not those that the task file expects.
    """
    return _checked_data(name, check_task(name, selection, location, options))


def load_tasks(
    names: Sequence[str],
    selection: Selection = DEFAULT,
    location: DataLocation = ANYWHERE,
    options: Mapping[str, Any] | None = None,
) -> list[Dataset]:
    """Load several tasks; each pair, language and option must fit at least one of them.

    Args:
        names: Task names or paths.
        selection: Which pairs.
        location: Where the definitions and the files may come from.
        options: Reader options in place of the task files'.
    Raises:
        UsageError, TaskError, DataError: See `load_task`.
    """
    options_of = share_options(options, names, location.tasks_dir)
    selections = share_selection(selection, names, location.tasks_dir, options_of)
    return [
        load_task(name, pairs, location, own) for name, pairs, own in zip(names, selections, options_of, strict=True)
    ]


def check_task(
    name: str,
    selection: Selection = DEFAULT,
    location: DataLocation = ANYWHERE,
    options: Mapping[str, Any] | None = None,
) -> CheckedTask:
    """Load a task as `load_task` does, but report wrong counts instead of raising an error.

    Args:
        name: Task name or path.
        selection: Which pairs.
        location: Where the definition and the files may come from.
        options: Reader options in place of the task file's.
    Raises:
        UsageError, TaskError, DataError: See `load_task`; wrong counts are not an error here.
    """
    return _check(name, lambda spec, defined: choose_pairs(spec, defined, selection), location, options)


def load_pairs(
    name: str, pairs: Collection[str], location: DataLocation = ANYWHERE, options: Mapping[str, Any] | None = None
) -> Dataset:
    """Load those of some pairs whose files exist, and check their counts; notes name what is left out.

    Args:
        name: Task name or path.
        pairs: Names of pairs, such as "de-en".
        location: Where the definition and the files may come from.
        options: Reader options in place of the task file's.
    Raises:
        MissingFileError: No file of the pairs exists.
        UsageError, TaskError, DataError: See `load_task`.
    """

    def choose(spec: TaskSpec, defined: tuple[Pair, ...]) -> WantedPairs:
        chosen = tuple(pair for pair in defined if str(pair) in pairs)
        if not chosen:
            raise UsageError(f"Task {spec.name} has none of the pairs {join_names(sorted(pairs))}.")
        return WantedPairs(chosen)

    return _checked_data(name, _check(name, choose, location, options))


def _checked_data(name: str, checked: CheckedTask) -> Dataset:
    """Return the data of a task; wrong counts are a DataError."""
    if checked.mismatches:
        shown = "; ".join(checked.mismatches[:_MISMATCHES_SHOWN])
        more = len(checked.mismatches) - _MISMATCHES_SHOWN
        raise DataError(
            f"{shown}{f'; and {more:,} more' if more > 0 else ''}. Run `clearbench tasks check {name}` for all counts."
        )
    return checked.data


def _check(
    name: str,
    choose: Callable[[TaskSpec, tuple[Pair, ...]], WantedPairs],
    location: DataLocation,
    options: Mapping[str, Any] | None,
) -> CheckedTask:
    """Load the pairs of a task that a function chooses from those that it defines."""
    spec = find_task(name, location.tasks_dir)
    chosen = reader_options(spec, options)
    files = open_files(spec, location, chosen)
    reader = open_reader(spec, files, chosen)
    data = reader.load(choose(spec, reader.pairs()))
    changed = _changed_options(chosen, reader_options(spec))
    if spec.main_measure not in RULES[spec.judged_by].measures and not data.is_mixed:
        raise TaskError(f"Task {spec.name}: main_measure: only a pool of several languages has {spec.main_measure}.")
    data = replace(data, judged_by=spec.judged_by, main_measure=spec.main_measure, options=changed)
    data = replace(data, notes=(*data.notes, *find_oddities(data)))
    mismatches = tuple(compare_counts(spec, data)) if changed.keys() <= chosen.keep_counts else ()
    return CheckedTask(spec, data, tuple(files.used.values()), mismatches)


def compare_counts(spec: TaskSpec, data: Dataset) -> Iterator[str]:
    """Yield a sentence for every count that is not what the task file expects.

    Where files of some languages are missing, nothing is expected of what is made of all of them: a shared pool, and
    the queries that are translations of all others.
    """
    expected = spec.expected
    for pair in data.pairs:
        if data.pool_without and pair.languages.monolingual:
            continue
        names = (str(pair), str(pair.query))
        count = _expected_count(expected.queries_by, names, expected.queries)
        yield from _find_mismatch(f"{spec.name} {pair}", len(data.queries_of(pair)), "queries", count)
    for pool, pair in {pair.pool: pair for pair in data.pairs}.items():
        if data.is_mixed:
            for language, number in Counter(map(str, data.pools[pool].each_language)).items():
                count = _expected_count(expected.passages_by, (language,), expected.passages)
                yield from _find_mismatch(f"{spec.name} {language}", number, "passages", count)
        elif not data.pool_without:
            names = (str(pair), str(pair.passage))
            count = _expected_count(expected.passages_by, names, expected.passages)
            yield from _find_mismatch(f"{spec.name} {pool}", len(data.pools[pool]), "passages", count)


def _changed_options(chosen: ReaderOptions, usual: ReaderOptions) -> dict[str, str]:
    """Return the options that are not the task file's, as text."""
    before = usual.model_dump()
    return {name: str(value) for name, value in chosen.model_dump().items() if value != before[name]}


def _expected_count(table: Mapping[str, Count], names: tuple[str, ...], default: Count | None) -> Count | None:
    return next((table[name] for name in names if name in table), default)


def _find_mismatch(where: str, found: int, what: str, expected: Count | None) -> Iterator[str]:
    counts = (expected,) if isinstance(expected, int) else expected
    if counts is not None and found not in counts:
        yield f"{where}: {found:,} {what}, the task file expects {' or '.join(f'{count:,}' for count in counts)}"
