"""Notes on oddities in loaded data that do not prevent scoring, for `tasks check` and for the record."""

from collections.abc import Iterator, Sequence

from clearbench.common.text import count, join_names
from clearbench.tasks.dataset import Dataset, Qrels, Texts

# Pools whose passages of equal text are described one by one; of further ones only the names are given.
_POOLS_DESCRIBED = 4


def find_oddities(data: Dataset) -> Iterator[str]:
    """Yield a note for each pool in which even a perfect model may miss a perfect score.

    A passage may have the same text as a relevant one without being judged itself; then chance decides which of the two
    comes first.
    """
    if data.has_qrels:
        qrels_of_pool: dict[str, dict[str, None]] = {}
        for pair in data.pairs:
            qrels_of_pool.setdefault(pair.pool, {})[pair.qrels] = None
        notes = {
            key: note
            for key, pool in data.pools.items()
            for note in _describe_unjudged_twins(key, pool, [data.qrels[qrels] for qrels in qrels_of_pool.get(key, ())])
        }
        yield from list(notes.values())[:_POOLS_DESCRIBED]
        if rest := list(notes)[_POOLS_DESCRIBED:]:
            yield f"{count(len(rest), 'more pool')} with such passages: {join_names(rest)}."


def _find_twins(pool: Texts) -> dict[str, list[str]]:
    """Return passage -> all passages with its text, itself included, for texts that occur more than once."""
    if len(set(pool.texts)) == len(pool):
        return {}
    by_text: dict[str, list[str]] = {}
    for key, text in zip(pool.ids, pool.texts, strict=True):
        by_text.setdefault(text, []).append(key)
    return {key: keys for keys in by_text.values() if len(keys) > 1 for key in keys}


def _describe_unjudged_twins(name: str, pool: Texts, judgements: Sequence[Qrels]) -> Iterator[str]:
    twins = _find_twins(pool)
    unjudged: dict[str, str] = {}
    for judged in (row for qrels in judgements for row in qrels.values()) if twins else ():
        for passage, relevance in judged.items():
            if relevance > 0 and passage in twins:
                unjudged.update((twin, passage) for twin in twins[passage] if twin not in judged)
    if unjudged:
        first, like = next(iter(unjudged.items()))
        yield (
            f"{name}: {count(len(unjudged), 'passage')} with the text of a relevant passage, not judged for its "
            f"question: {join_names(unjudged)}; {first} is like {like}. They count as not relevant. In data of your "
            "own, judge both, or remove one."
        )
