"""Loading a task: find its definition, choose the pairs, read the files, check the counts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clearbench.common.errors import DataError, UsageError, suggest
from clearbench.common.languages import Language, parse_language
from clearbench.common.pairs import Pair, select_pairs
from clearbench.tasks.catalogue import find_task
from clearbench.tasks.dataset import Dataset
from clearbench.tasks.formats.base import Wanted
from clearbench.tasks.formats.table import FORMATS, open_files, open_reader, reader_options
from clearbench.tasks.options import ANYWHERE, DEFAULT, DataLocation, Selection
from clearbench.tasks.sources import UsedFile
from clearbench.tasks.spec import Count, TaskSpec

# Wrong counts named in an error before it is cut short.
_MISMATCHES_SHOWN = 4


@dataclass(frozen=True)
class Loaded:
    """A loaded task and what `tasks check` wants to know about it.

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
    loaded = load(name, selection, location, options)
    if loaded.mismatches:
        shown = "; ".join(loaded.mismatches[:_MISMATCHES_SHOWN])
        more = len(loaded.mismatches) - _MISMATCHES_SHOWN
        raise DataError(
            f"{shown}{f'; and {more:,} more' if more > 0 else ''}. Run `clearbench tasks check {name}` for all counts."
        )
    return loaded.data


def load_tasks(
    names: Sequence[str],
    selection: Selection = DEFAULT,
    location: DataLocation = ANYWHERE,
    options: Mapping[str, Any] | None = None,
) -> list[Dataset]:
    """Load several tasks; a pair or language has to fit at least one of them.

    Args:
        names: Task names or paths.
        selection: Which pairs.
        location: Where the definitions and the files may come from.
        options: Reader options in place of the task files'.
    Raises:
        UsageError, TaskError, DataError: See `load_task`.
    """
    shares = share_selection(selection, names, location.tasks_dir)
    return [load_task(name, share, location, options) for name, share in zip(names, shares, strict=True)]


def load(
    name: str,
    selection: Selection = DEFAULT,
    location: DataLocation = ANYWHERE,
    options: Mapping[str, Any] | None = None,
) -> Loaded:
    """Load a task as `load_task` does, but report wrong counts instead of raising.

    Args:
        name: Task name or path.
        selection: Which pairs.
        location: Where the definition and the files may come from.
        options: Reader options in place of the task file's.
    Raises:
        UsageError, TaskError, DataError: See `load_task`; wrong counts are no error here.
    """
    spec = find_task(name, location.tasks_dir)
    chosen = reader_options(spec, options)
    files = open_files(spec, location, chosen)
    reader = open_reader(spec, files, chosen)
    data = reader.load(choose_pairs(spec, reader.pairs(), selection))
    data = replace(data, judged_by=spec.judged_by, main_measure=spec.main_measure)
    if chosen == reader_options(spec):
        mismatches = tuple(compare_counts(spec, data))
    else:
        mismatches = ()
        usual = reader_options(spec).model_dump()
        changed = {key: str(value) for key, value in chosen.model_dump().items() if value != usual[key]}
        data = replace(data, options=changed)
    return Loaded(spec, data, tuple(files.used.values()), mismatches)


def defined_pairs(spec: TaskSpec) -> tuple[Pair, ...] | None:
    """Return the pairs that a task defines; None where only its files say it (a BEIR folder)."""
    if FORMATS[spec.reader].pairs_in_files:
        return None
    return open_reader(spec, open_files(spec, ANYWHERE)).pairs()


def share_selection(selection: Selection, names: Sequence[str], tasks_dir: Path | None = None) -> list[Selection]:
    """Fit one selection to several tasks: each keeps the pair patterns and languages that it has.

    `--tasks xor,belebele --pairs de-en,*-en` means `*-en` for xor, which has no German. With a single task nothing is
    taken away, so that a slip is an error.

    Args:
        selection: What the user asked for.
        names: Task names or paths.
        tasks_dir: Folder with task definitions of the user's own.
    Returns:
        One selection per task, in the order of the names.
    Raises:
        UsageError: No task has a pattern or language, or a task has none of them.
    """
    if len(names) < 2:
        return [selection] * len(names)
    defined = {name: defined_pairs(find_task(name, tasks_dir)) for name in names}
    pairs = _share(selection.pairs, defined, select_pairs)
    languages = _share(selection.languages, defined, _parse_languages)
    return [replace(selection, pairs=pairs[name], languages=languages[name]) for name in names]


def _share(
    wanted: str | None, defined: Mapping[str, tuple[Pair, ...] | None], match: Callable[[str, tuple[Pair, ...]], object]
) -> dict[str, str | None]:
    if wanted is None:
        return dict.fromkeys(defined, None)
    kept: dict[str, list[str]] = {name: [] for name in defined}
    for part in (text for text in wanted.split(",") if text.strip()):
        problems = []
        for name, pairs in defined.items():
            try:
                if pairs is not None:
                    match(part, pairs)
                kept[name].append(part)
            except UsageError as error:
                problems.append(f"{name}: {error}")
        if len(problems) == len(defined):
            raise UsageError(f"No task has {part.strip()!r}. {problems[0]}")
    for name, parts in kept.items():
        if not parts:
            raise UsageError(f"Task {name} has none of {wanted!r}; leave the task out, or ask for a pair that it has.")
    return {name: ",".join(parts) for name, parts in kept.items()}


def choose_pairs(spec: TaskSpec, defined: tuple[Pair, ...], selection: Selection) -> Wanted:
    """Return the selected pairs of those that a task defines, in its order.

    Args:
        spec: The task.
        defined: All pairs that it defines.
        selection: What the user asked for.
    Raises:
        UsageError: A language or pair is not in the task, or nothing is left.
    """
    if selection.all_pairs and selection.pairs:
        raise UsageError("--all-pairs and --pairs exclude each other.")
    named: set[Language] = set()
    pairs = defined
    try:
        if selection.pairs:
            pairs = select_pairs(selection.pairs, defined)
            named |= _named_in(selection.pairs, pairs)
        elif not selection.all_pairs and not selection.languages:
            pairs = select_pairs(spec.default_pairs, defined)
        if selection.languages:
            languages = _parse_languages(selection.languages, defined)
            named |= languages
            pairs = _restrict(pairs, defined, languages)
    except UsageError as error:
        raise UsageError(f"Task {spec.name}: {error}") from None
    if not pairs:
        asked = f"--languages {selection.languages}" + (f" and --pairs {selection.pairs}" if selection.pairs else "")
        raise UsageError(f"Task {spec.name}: no pair is left by {asked}.")
    return Wanted(pairs, frozenset(named))


def compare_counts(spec: TaskSpec, data: Dataset) -> Iterator[str]:
    """Give a sentence for every count that is not what the task file expects."""
    expected = spec.expected
    for pair in data.pairs:
        names = (str(pair), str(pair.query))
        count = _lookup(expected.queries_by, names, expected.queries)
        yield from _compare(f"{spec.name} {pair}", len(data.queries_of(pair)), "queries", count)
    for pool, pair in {pair.pool: pair for pair in data.pairs}.items():
        names = (str(pair), str(pair.passage))
        count = _lookup(expected.passages_by, names, expected.passages)
        yield from _compare(f"{spec.name} {pool}", len(data.pools[pool]), "passages", count)


def _lookup(table: Mapping[str, Count], names: tuple[str, ...], default: Count | None) -> Count | None:
    return next((table[name] for name in names if name in table), default)


def _compare(where: str, found: int, what: str, expected: Count | None) -> Iterator[str]:
    counts = (expected,) if isinstance(expected, int) else expected
    if counts is not None and found not in counts:
        yield f"{where}: {found:,} {what}, the task file expects {' or '.join(f'{count:,}' for count in counts)}"


def _named_in(patterns: str, pairs: tuple[Pair, ...]) -> set[Language]:
    """Return the languages that pair patterns name: a pattern with a `*` names only its other side."""
    named: set[Language] = set()
    for pattern in (text for text in patterns.split(",") if text.strip()):
        matches = select_pairs(pattern, pairs)
        query, passage = pattern.strip().startswith("*-"), pattern.strip().endswith("-*")
        named |= {match.query for match in matches if not query}
        named |= {match.passage for match in matches if not passage}
    return named


def _parse_languages(text: str, defined: tuple[Pair, ...]) -> set[Language]:
    known = {str(side): side for pair in defined for side in (pair.query, pair.passage)}
    languages: set[Language] = set()
    for code in (part for part in text.split(",") if part.strip()):
        language = parse_language(code)
        if str(language) not in known:
            raise UsageError(f"it has no {language}; it has {', '.join(known)}.{suggest(str(language), known)}")
        languages.add(language)
    if not languages:
        raise UsageError("--languages names no language.")
    return languages


def _restrict(pairs: tuple[Pair, ...], defined: tuple[Pair, ...], languages: set[Language]) -> tuple[Pair, ...]:
    any_query = len({pair.query for pair in defined}) == 1
    any_passage = len({pair.passage for pair in defined}) == 1
    return tuple(
        pair for pair in pairs if (any_query or pair.query in languages) and (any_passage or pair.passage in languages)
    )
