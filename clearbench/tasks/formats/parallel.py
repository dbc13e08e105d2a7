"""Building parallel tasks, in which every language has the same questions and passages."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clearbench.common.errors import DataError
from clearbench.common.languages import Language
from clearbench.common.pairs import Pair
from clearbench.tasks.dataset import Dataset, Qrels, TaskPair, Texts
from clearbench.tasks.formats.base import WantedPairs, note_absent
from clearbench.tasks.spec import TaskSpec

SHARED = "all languages"
"""Key of the judgements that all pairs share."""


@dataclass(frozen=True)
class ParallelFile:
    """One language's file.

    Attributes:
        path: The file, for messages.
        queries: Its questions.
        passages: Its passages.
        gold: Question id -> id of its passage.
    """

    path: Path
    queries: Texts
    passages: Texts
    gold: Mapping[str, str]


def assemble(
    spec: TaskSpec, wanted: WantedPairs, parsed: Mapping[Language, ParallelFile], *, merge: bool, notes: tuple[str, ...]
) -> Dataset:
    """Build the pairs of a parallel task, with one query set and one pool per language.

    Without merging, all pairs share one set of judgements: 14,884 pairs take no more memory than one.

    Args:
        spec: The task.
        wanted: The pairs to build; those without files are left out.
        parsed: Language -> its file, for the languages that have one.
        merge: Merge equal questions into one query, to which the passages of all of them are relevant, as MTEB does.
        notes: Notes on the data so far, one sentence each.
    Raises:
        DataError: The languages are not parallel, or a file contains unusable texts.
    """
    first = next(iter(parsed.values()))
    for other in parsed.values():
        _check_parallel(first, other)
    queries = {lang: data.queries for lang, data in parsed.items()}
    shared: Qrels = {query: {passage: 1} for query, passage in first.gold.items()}
    qrels = {SHARED: shared}
    if merge:
        merged = {lang: merge_equal(texts, shared) for lang, texts in queries.items()}
        queries = {lang: texts for lang, (texts, _) in merged.items()}
        qrels = {str(lang): judged for lang, (_, judged) in merged.items()}
        changed = [lang for lang in parsed if len(queries[lang]) < len(parsed[lang].queries)]
        notes += note_absent("languages with equal questions merged into one", changed, len(parsed))
    loadable = [pair for pair in wanted.pairs if pair.query in parsed and pair.passage in parsed]
    loaded = Dataset(
        task=spec.name,
        version=spec.version,
        pools={str(lang): data.passages for lang, data in parsed.items()},
        queries={str(lang): texts for lang, texts in queries.items()},
        qrels=qrels,
        pairs=tuple(
            TaskPair(query, passage, str(query), str(passage), str(query) if merge else SHARED)
            for query, passage in loadable
        ),
        clusters=first.gold,
        notes=notes,
    )
    return loaded.select(loaded.pairs)


def all_pairs(spec: TaskSpec) -> tuple[Pair, ...]:
    """Return every ordered pair of the task's languages."""
    return tuple(Pair(query, passage) for query in spec.spellings for passage in spec.spellings)


def _check_parallel(first: ParallelFile, other: ParallelFile) -> None:
    """Raise unless two languages have the same questions, each with the same passage, and the same passages."""
    check_same_questions(first, other)
    first_ids, other_ids = set(first.passages.ids), set(other.passages.ids)
    if first_ids != other_ids:
        key = min(first_ids ^ other_ids)
        raise DataError(
            f"{other.path if key in first_ids else first.path}: passage {key!r} is missing; "
            "the languages of this task must have the same passages."
        )


def check_same_questions(first: ParallelFile, other: ParallelFile) -> None:
    """Raise DataError unless two languages have the same questions, each with the same passage.

    Args:
        first: The first language's file.
        other: Another language's file, which the message blames.
    """
    if other.gold == first.gold:
        return
    for complete, partial in ((first, other), (other, first)):
        if lacking := next((query for query in complete.gold if query not in partial.gold), None):
            raise DataError(
                f"{partial.path}: question {lacking!r} is missing, but {complete.path} has it; "
                "the languages of this task must have the same questions."
            )
    query = next(query for query in first.gold if first.gold[query] != other.gold[query])
    raise DataError(
        f"{other.path}: question {query!r} belongs to passage {other.gold[query]!r}, "
        f"but in {first.path} to {first.gold[query]!r}."
    )


def merge_equal(texts: Texts, shared: Qrels) -> tuple[Texts, Qrels]:
    """Keep the first query of each text; the passages of all queries of that text are relevant to it."""
    kept: dict[str, str] = {}
    judged: dict[str, dict[str, int]] = {}
    for key, text in zip(texts.ids, texts.texts, strict=True):
        judged.setdefault(kept.setdefault(text, key), {}).update(shared[key])
    return Texts(texts.language, tuple(kept.values()), tuple(kept)), judged
