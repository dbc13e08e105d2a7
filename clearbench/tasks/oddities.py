"""What is odd in loaded data although it can be measured: notes for `tasks check` and for the record."""

from collections.abc import Iterator, Sequence

from clearbench.common.text import count, listed
from clearbench.tasks.dataset import Dataset, Qrels, Texts

# Pools whose passages of equal text are described one by one; of further ones only the names are given.
_POOLS_DESCRIBED = 4


def find_oddities(data: Dataset) -> Iterator[str]:
    """Yield a note for each pool that keeps a perfect model from a perfect score.

    A passage may have the text of a relevant one and not be judged itself, so that chance decides which of the two
    comes first.
    """
    if data.has_qrels:
        used: dict[str, dict[str, None]] = {}
        for pair in data.pairs:
            used.setdefault(pair.pool, {})[pair.qrels] = None
        notes = {
            key: note
            for key, pool in data.pools.items()
            for note in _unjudged_twins(key, pool, [data.qrels[qrels] for qrels in used.get(key, ())])
        }
        yield from list(notes.values())[:_POOLS_DESCRIBED]
        if rest := list(notes)[_POOLS_DESCRIBED:]:
            yield f"{count(len(rest), 'more pool')} with such passages: {listed(rest)}."


def _twins(pool: Texts) -> dict[str, list[str]]:
    """Return passage -> all passages with its text, itself included, for texts that occur more than once."""
    if len(set(pool.texts)) == len(pool):
        return {}
    by_text: dict[str, list[str]] = {}
    for key, text in zip(pool.ids, pool.texts, strict=True):
        by_text.setdefault(text, []).append(key)
    return {key: keys for keys in by_text.values() if len(keys) > 1 for key in keys}


def _unjudged_twins(name: str, pool: Texts, judgements: Sequence[Qrels]) -> Iterator[str]:
    twins = _twins(pool)
    found: dict[str, str] = {}
    for judged in (row for qrels in judgements for row in qrels.values()) if twins else ():
        for passage, relevance in judged.items():
            if relevance > 0 and passage in twins:
                found.update((twin, passage) for twin in twins[passage] if twin not in judged)
    if found:
        first, like = next(iter(found.items()))
        yield (
            f"{name}: {count(len(found), 'passage')} with the text of a relevant passage, not judged for its question: "
            f"{listed(found)}; {first} is like {like}. Judge both, or take one away."
        )
