"""What all readers share: the base class, finding one file per language, and notes on missing files."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from pydantic import field_validator

from clearbench.common.languages import Language
from clearbench.common.pairs import Pair
from clearbench.common.strict import StrictModel
from clearbench.tasks.dataset import Dataset
from clearbench.tasks.formats.gather import TextsBuilder
from clearbench.tasks.pattern import check_value
from clearbench.tasks.sources import SourceFiles
from clearbench.tasks.spec import TaskSpec

Questions = dict[Language, TextsBuilder]
"""Language -> its questions, in file order."""

Answers = dict[str, tuple[str, ...]]
"""Query id -> accepted answers."""

_NAMES_IN_NOTE = 8
"""Languages or pairs named in a note before it is cut short."""


class ReaderOptions(StrictModel):
    """Options of a reader: those of the task file's `[options]`, or those that a run gives instead.

    With options that differ from the task file's, the data of the task is different and its expected counts do not
    apply, unless all of these options are among `keep_counts`.
    """

    keep_counts: ClassVar[frozenset[str]] = frozenset()
    """Options that do not change the numbers of queries and passages."""


class SplitOptions(ReaderOptions):
    """Options of a reader whose data set has several splits.

    Attributes:
        split: Value of `{split}` in file names.
    """

    split: str = ""

    _check_split = field_validator("split")(check_value)


@dataclass(frozen=True)
class WantedPairs:
    """What to load.

    Attributes:
        pairs: The selected pairs, in the task's order.
        named: Languages that the user named: a missing file of one of these is an error. Other languages without files
            are left out, with a note.
    """

    pairs: tuple[Pair, ...]
    named: frozenset[Language] = frozenset()

    def names(self, pair: Pair) -> bool:
        """Return whether the user named both sides of a pair."""
        return pair.query in self.named and pair.passage in self.named


Options = TypeVar("Options", bound=ReaderOptions)


class Reader(ABC, Generic[Options]):
    """A reader of one task's files."""

    def __init__(self, spec: TaskSpec, files: SourceFiles, options: Options) -> None:
        """Make a reader; it reads no file yet.

        Args:
            spec: The task.
            files: Its files.
            options: What the task file or the run sets.
        """
        self._spec, self._files, self._options = spec, files, options

    @abstractmethod
    def pairs(self) -> tuple[Pair, ...]:
        """Return the pairs that the task defines, whether or not their files exist."""

    @abstractmethod
    def load(self, wanted: WantedPairs) -> Dataset:
        """Read the wanted pairs.

        Raises:
            DataError: A file is missing or broken.
        """


def one_pool_pairs(spec: TaskSpec, passage: Language) -> tuple[Pair, ...]:
    """Return the pairs of a task that has passages in one language only."""
    return tuple(Pair(language, passage) for language in spec.spellings)


def find_language_files(
    files: SourceFiles, key: str, languages: Sequence[Language], wanted: WantedPairs
) -> tuple[dict[Language, Path], tuple[str, ...]]:
    """Find one file per language; return those that exist, and a note about the others.

    Args:
        files: Files of the task.
        key: The source that has a file per language.
        languages: The languages to find.
        wanted: The pairs to load; it says which languages the user named.
    Raises:
        DataError: A language that the user named has no file, or none has.
    """
    paths: dict[Language, Path] = {}
    for language in languages:
        named = language in wanted.named
        path = files.require(key, language=language) if named else files.find(key, language=language)
        if path is not None:
            paths[language] = path
    if not paths:
        raise files.missing_error(key, language=languages[0])
    absent = [language for language in languages if language not in paths]
    return paths, note_absent("languages without files", absent, len(languages))


def note_incomplete_pool(absent: Sequence[Language]) -> tuple[str, ...]:
    """Return a note that a pool which all pairs share lacks passages, or none if nothing is absent.

    Args:
        absent: Languages of the task without files.
    """
    if not absent:
        return ()
    return (
        f"the shared pool lacks the passages of {', '.join(map(str, absent))}: figures are not comparable with those "
        "of the whole task.",
    )


def note_absent(what: str, absent: Sequence[Language | Pair], total: int) -> tuple[str, ...]:
    """Return a note such as "languages without files: fr, sw (2 of 14)", or none if nothing is absent.

    Args:
        what: Begins the note: "languages without files".
        absent: The languages or pairs that are left out.
        total: How many were asked for.
    """
    if not absent:
        return ()
    names = ", ".join(map(str, absent[:_NAMES_IN_NOTE])) + (", …" if len(absent) > _NAMES_IN_NOTE else "")
    return (f"{what}: {names} ({len(absent):,} of {total:,}).",)


def languages_of(pairs: Sequence[Pair]) -> tuple[Language, ...]:
    """Return the languages of pairs, each once, in order of appearance."""
    return tuple(dict.fromkeys(side for pair in pairs for side in (pair.query, pair.passage)))


def text_id(text: str) -> str:
    """Return an id computed from a text, for passages without ids: the same in every file that has the passage."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def join_title(title: str, text: str) -> str:
    """Return `title + " " + text` without blanks around it, as BEIR and MTEB encode passages."""
    return f"{title} {text}".strip()
