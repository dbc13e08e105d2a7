"""Choosing what a run evaluates: the pairs, languages and reader options of each of its tasks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from clearbench.common.errors import UsageError, suggest
from clearbench.common.languages import Language, parse_language
from clearbench.common.pairs import Pair, select_pairs
from clearbench.common.text import join_names, split_list
from clearbench.tasks.catalogue import find_task
from clearbench.tasks.formats.base import ReaderOptions, WantedPairs
from clearbench.tasks.formats.table import FORMATS, open_files, open_reader, option_names, reader_options
from clearbench.tasks.options import ANYWHERE, Selection
from clearbench.tasks.spec import TaskSpec

_LANGUAGES_SHOWN = 20
"""Languages of a task that a message names before it is cut short."""

PairsOfTasks = Mapping[str, tuple[Pair, ...] | None]
"""Task name -> the pairs that it defines, or None if only its files define them."""


def defined_pairs(spec: TaskSpec, options: ReaderOptions | None = None) -> tuple[Pair, ...] | None:
    """Return the pairs that a task defines; None if only its files define them (a BEIR folder).

    Args:
        spec: The task.
        options: Options of its reader; by default those of the task file.
    """
    if FORMATS[spec.reader].pairs_in_files:
        return None
    return open_reader(spec, open_files(spec, ANYWHERE, options), options).pairs()


def choose_pairs(spec: TaskSpec, defined: tuple[Pair, ...], selection: Selection) -> WantedPairs:
    """Return the selected pairs of those that a task defines, in its order.

    Args:
        spec: The task.
        defined: All pairs that it defines.
        selection: What the user asked for.
    Raises:
        UsageError: A language or pair is not in the task, or no pair is left.
    """
    if selection.all_pairs and selection.pairs:
        raise UsageError("--all-pairs and --pairs exclude each other.")
    named: set[Language] = set()
    pairs = defined
    try:
        if selection.pairs:
            pairs = select_pairs(selection.pairs, defined)
            named |= _languages_named(selection.pairs, pairs)
        elif not selection.all_pairs and not selection.languages:
            pairs = select_pairs(spec.default_pairs, defined)
        if selection.languages:
            languages = _parse_languages(selection.languages, defined)
            named |= languages
            pairs = _restrict_pairs(pairs, defined, languages)
    except UsageError as error:
        raise UsageError(f"Task {spec.name}: {error}") from None
    if not pairs:
        given = f"--languages {selection.languages}" + (f" and --pairs {selection.pairs}" if selection.pairs else "")
        raise UsageError(f"Task {spec.name}: no pair is left by {given}.")
    return WantedPairs(pairs, frozenset(named))


def share_options(
    options: Mapping[str, Any] | None, names: Sequence[str], tasks_dir: Path | None = None
) -> list[dict[str, Any]]:
    """Fit reader options to several tasks: each keeps those that its reader has.

    `--tasks xor,belebele --option tokeniser=unsplit` means nothing to belebele. An option that no task has is an error;
    with a single task, that is every unknown option.

    Args:
        options: What the user asked for, by name.
        names: Task names or paths.
        tasks_dir: Folder with the user's own task definitions.
    Returns:
        One table of options per task, in the order of the names.
    Raises:
        UsageError: No task has an option of that name.
    """
    names_by_task = [option_names(find_task(name, tasks_dir)) for name in names]
    for option in options or {}:
        if not any(option in own for own in names_by_task):
            everything = sorted({name for own in names_by_task for name in own})
            owner = f"task {names[0]} has" if len(names) == 1 else "the tasks have"
            raise UsageError(
                f"No option {option!r}: {owner} {join_names(everything, len(everything))}.{suggest(option, everything)}"
            )
    return [{option: value for option, value in (options or {}).items() if option in own} for own in names_by_task]


def share_selection(
    selection: Selection,
    names: Sequence[str],
    tasks_dir: Path | None = None,
    options: Sequence[Mapping[str, Any]] | None = None,
) -> list[Selection]:
    """Fit one selection to several tasks: each keeps the pair patterns and languages that it has.

    `--tasks xor,belebele --pairs de-en,*-en` means `*-en` for xor, which has no German. With a single task nothing is
    left out, so that a typing mistake is an error.

    Args:
        selection: What the user asked for.
        names: Task names or paths.
        tasks_dir: Folder with the user's own task definitions.
        options: Reader options of each task in place of the task file's, as `share_options` gives them.
    Returns:
        One selection per task, in the order of the names.
    Raises:
        UsageError: A pattern or language fits no task, or a task has none of them.
    """
    if len(names) < 2:
        return [selection] * len(names)
    specs = [find_task(name, tasks_dir) for name in names]
    chosen = [reader_options(spec, own) for spec, own in zip(specs, options or [{}] * len(names), strict=True)]
    defined = {name: defined_pairs(spec, own) for name, spec, own in zip(names, specs, chosen, strict=True)}
    pairs = _split_by_task(selection.pairs, defined, select_pairs)
    languages = _split_by_task(selection.languages, defined, _parse_languages)
    return [replace(selection, pairs=pairs[name], languages=languages[name]) for name in names]


def _split_by_task(
    wanted: str | None, defined: PairsOfTasks, match: Callable[[str, tuple[Pair, ...]], object]
) -> dict[str, str | None]:
    """Return task -> the parts of a comma-separated list that it has; `match` raises UsageError on those it lacks."""
    if wanted is None:
        return dict.fromkeys(defined, None)
    kept: dict[str, list[str]] = {name: [] for name in defined}
    for part in split_list(wanted):
        problems = dict(_find_problems(part, defined, match))
        if len(problems) == len(defined):
            raise UsageError(f"No task has {part!r}. {next(iter(problems.values()))}")
        for name in defined.keys() - problems.keys():
            kept[name].append(part)
    for name, parts in kept.items():
        if not parts:
            raise UsageError(f"Task {name} has none of {wanted!r}; leave the task out, or ask for a pair that it has.")
    return {name: ",".join(parts) for name, parts in kept.items()}


def _find_problems(
    part: str, defined: PairsOfTasks, match: Callable[[str, tuple[Pair, ...]], object]
) -> Iterator[tuple[str, str]]:
    """Yield each task that lacks a part of a list, with the reason; a task without defined pairs accepts every part."""
    for name, pairs in defined.items():
        try:
            if pairs is not None:
                match(part, pairs)
        except UsageError as error:
            yield name, f"{name}: {error}"


def _languages_named(patterns: str, pairs: tuple[Pair, ...]) -> set[Language]:
    """Return the languages that pair patterns name: a pattern with a `*` names only its other side."""
    named: set[Language] = set()
    for pattern in split_list(patterns):
        matches = select_pairs(pattern, pairs)
        query, passage = pattern.startswith("*-"), pattern.endswith("-*")
        named |= {match.query for match in matches if not query}
        named |= {match.passage for match in matches if not passage}
    return named


def _parse_languages(text: str, defined: tuple[Pair, ...]) -> set[Language]:
    known = {str(side): side for pair in defined for side in (pair.query, pair.passage)}
    languages: set[Language] = set()
    for code in split_list(text):
        language = parse_language(code)
        if str(language) not in known:
            raise UsageError(
                f"it has no {language}; it has {join_names(known, _LANGUAGES_SHOWN)}.{suggest(str(language), known)}"
            )
        languages.add(language)
    if not languages:
        raise UsageError("--languages names no language.")
    return languages


def _restrict_pairs(pairs: tuple[Pair, ...], defined: tuple[Pair, ...], languages: set[Language]) -> tuple[Pair, ...]:
    any_query = len({pair.query for pair in defined}) == 1
    any_passage = len({pair.passage for pair in defined}) == 1
    return tuple(
        pair for pair in pairs if (any_query or pair.query in languages) and (any_passage or pair.passage in languages)
    )
