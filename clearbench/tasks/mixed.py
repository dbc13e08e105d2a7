"""One pool of all languages: every query is searched among the passages of all languages at once."""

from collections.abc import Iterable

from clearbench.common.errors import DataError, UsageError
from clearbench.common.languages import MULTIPLE, Language, Pair
from clearbench.tasks.dataset import Dataset, Qrels, TaskPair, Texts

POOL = str(MULTIPLE)
"""Key of the mixed pool."""
OPTION = {"pool": "mixed"}
"""What tells a mixed set from the task's usual one."""


def mix(retrieval: Dataset) -> Dataset:
    """Put the passages of all languages into one pool, and search it with the queries of each language.

    Passage ids become `<language>/<id>`, pairs `de-mul`. A passage that is relevant to a question in one language is
    relevant to it in every language, because a query's id names the question, whatever its language; where two
    languages judge a passage differently, the higher judgement counts.

    Args:
        retrieval: A task loaded with all pairs of the wanted languages: passages that no pair searches are left out.
    Raises:
        UsageError: The task cannot be mixed; the message says why.
        DataError: One id names two texts of a language.
    """
    check_mixable(retrieval.task, retrieval.judged_by, retrieval.options.get("merge_duplicate_questions") == "True")
    pools = _union((data.pair.passage, retrieval.pools[data.pool]) for data in retrieval.pairs)
    if len(pools) < 2:
        raise UsageError(
            f"Task {retrieval.task}: a mixed pool needs passages in two languages or more; the selected pairs have "
            f"only {', '.join(map(str, pools))}. Leave out --pool mixed, or name more --languages."
        )
    queries = _union((data.pair.query, data.queries) for data in retrieval.pairs)
    rows = [(language, key, text) for language, texts in pools.items() for key, text in texts.items()]
    pool = Texts(
        MULTIPLE,
        tuple(f"{language}/{key}" for language, key, _ in rows),
        tuple(text for _, _, text in rows),
        tuple(language for language, _, _ in rows),
    )
    qrels = _judgements(retrieval)
    return Dataset(
        task=retrieval.task,
        version=retrieval.version,
        pools={POOL: pool},
        pairs=tuple(
            TaskPair(Pair(language, MULTIPLE), Texts(language, tuple(texts), tuple(texts.values())), POOL, qrels)
            for language, texts in queries.items()
        ),
        clusters=retrieval.clusters,
        notes=retrieval.notes,
        main_measure=retrieval.main_measure,
        options={**retrieval.options, **OPTION},
    )


def check_mixable(task: str, judged_by: str, merged: bool = False) -> None:
    """Refuse tasks for which a mixed pool means nothing.

    Args:
        task: Its name.
        judged_by: Its rule.
        merged: Whether equal questions of a language are merged into one.
    Raises:
        UsageError: The task is judged by answers, or the same query id is another question in another language.
    """
    if judged_by != "qrels":
        raise UsageError(
            f"Task {task} is judged by answer strings in English passages ({judged_by}), so no passage in another "
            "language could be right: --pool mixed is for tasks with relevance judgements. Leave the task out."
        )
    if merged:
        raise UsageError(
            f"Task {task}: merge_duplicate_questions merges other questions in each language, so translations of a "
            "passage would not be relevant to the same questions. Leave out the option, or --pool mixed."
        )


def _union(parts: Iterable[tuple[Language, Texts]]) -> dict[Language, dict[str, str]]:
    """Language -> id -> text, over all parts, in order of appearance."""
    found: dict[Language, dict[str, str]] = {}
    seen: set[int] = set()
    for language, part in parts:
        if id(part) in seen:
            continue
        seen.add(id(part))
        texts = found.setdefault(language, {})
        for key, text in zip(part.ids, part.texts, strict=True):
            if texts.setdefault(key, text) != text:
                raise DataError(f"{language}: id {key!r} names two texts, {texts[key][:60]!r} and {text[:60]!r}.")
    return found


def _judgements(retrieval: Dataset) -> Qrels:
    """Question -> `<language>/<id>` -> highest judgement, over the pairs of all query languages."""
    found: dict[str, dict[str, int]] = {}
    parts = {(id(data.qrels), data.pair.passage): data.qrels for data in retrieval.pairs}
    for (_, language), qrels in parts.items():
        for query, row in qrels.items():
            judged = found.setdefault(query, {})
            for passage, relevance in row.items():
                key = f"{language}/{passage}"
                judged[key] = max(judged.get(key, relevance), relevance)
    return found
