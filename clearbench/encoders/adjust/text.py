"""The text on which per-language statistics of a correction are estimated: never the evaluation's.

A whole task is loaded, all of its languages, whichever of them a run needs: the identity of an adjusted encoder then
depends on the text alone and not on the pairs that happen to be evaluated. A later run adds pairs to the same record.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from clearbench.common.hashing import content_hash
from clearbench.common.languages import Language
from clearbench.encoders.base import Role
from clearbench.tasks.dataset import Dataset, Texts
from clearbench.tasks.load import load_task
from clearbench.tasks.options import ANYWHERE, DataLocation, Selection

DEFAULT_TEXT = "demo"

Group = tuple[Role, Language]
"""A role and a language: what has statistics of its own."""

NOUNS: Mapping[Role, str] = {"query": "questions", "passage": "passages"}
"""What messages call the texts of a role."""


@dataclass(frozen=True)
class AdjustText:
    """Questions and passages per language.

    Attributes:
        task: The task that they come from.
        version: Version of its definition.
        parts: Texts by role and language; equal ids in two languages are translations of each other.
    """

    task: str
    version: int
    parts: Mapping[Group, Texts]

    @cached_property
    def fingerprint(self) -> str:
        """128-bit hash of all roles, languages, ids and texts."""
        named = sorted((role, str(language), part.fingerprint) for (role, language), part in self.parts.items())
        return content_hash(*(name for entry in named for name in entry))

    def languages(self, role: Role) -> list[Language]:
        """Return the languages that have texts in a role, in the task's order."""
        return [language for part_role, language in self.parts if part_role == role]

    def shared_ids(self, role: Role, language: Language, other: Language) -> list[str]:
        """Return the ids that two languages share: originals and their translations.

        Args:
            role: Both languages must have texts in it.
            language: Its order is kept.
            other: Where the ids are looked up.
        """
        known = self.parts[role, other].index
        return [key for key in self.parts[role, language].ids if key in known]


def load_text(task: str, location: DataLocation = ANYWHERE) -> AdjustText:
    """Load a task as text for statistics.

    Args:
        task: Task name, task file or BEIR-style folder; all its languages that have files are used.
        location: Where the files may come from.
    Raises:
        UsageError, TaskError, DataError: It cannot be loaded; see `load_task`.
    """
    return collect_text(load_task(task, Selection(all_pairs=True), location))


def collect_text(data: Dataset) -> AdjustText:
    """Collect a loaded task's questions and passages by language; an id that a language repeats counts once."""
    by_group: dict[Group, dict[str, str]] = {}
    for role, part in task_parts(data):
        for language, key, text in zip(part.each_language, part.ids, part.texts, strict=True):
            by_group.setdefault((role, language), {}).setdefault(key, text)
    parts = {group: Texts(group[1], tuple(texts), tuple(texts.values())) for group, texts in by_group.items()}
    return AdjustText(data.label, data.version, parts)


def task_parts(data: Dataset) -> Iterator[tuple[Role, Texts]]:
    """Yield the distinct query sets and passage pools that a task's pairs use."""
    yield from (("query", queries) for queries in data.used_queries())
    yield from (("passage", pool) for pool in data.used_pools())


def groups_of(datasets: Iterable[Dataset]) -> list[Group]:
    """Return the roles and languages that occur in tasks, in a fixed order."""
    parts = [entry for data in datasets for entry in task_parts(data)]
    return sorted({(role, language) for role, part in parts for language in set(part.each_language)})
