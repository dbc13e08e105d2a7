"""One pool of all languages: every query is searched among the passages of all languages at once."""

from collections.abc import Iterable, Mapping

from clearbench.common.errors import DataError, UsageError
from clearbench.common.languages import MULTIPLE, Language
from clearbench.common.measures import RULES
from clearbench.common.text import join_words
from clearbench.tasks.dataset import Dataset, Qrels, TaskPair, Texts
from clearbench.tasks.options import MERGE, MIXED_POOL

POOL = str(MULTIPLE)
"""Key of the mixed pool, and of the judgements that all its pairs share."""


def mix(data: Dataset) -> Dataset:
    """Put the passages of all languages into one pool, and search it with the queries of each language.

    A task that has such a pool already is returned unchanged.

    Passage ids become `<language>/<id>`, pairs `de-mul`. A passage that is relevant to a question in one language is
    relevant to it in every language, because a query's id names the question, whatever its language; where two
    languages judge a passage differently, the higher judgement counts.

    The result is judged by `qrels`, also where the task is judged by `bitext`: the measure that only bitext has, f1,
    needs exactly one relevant passage per query.

    Args:
        data: A task loaded with all pairs of the wanted languages: passages that no pair searches are left out.
    Raises:
        UsageError: The task cannot be mixed; the message says why.
        DataError: One id names two texts of a language.
    """
    if data.is_mixed:
        return data
    check_mixable(data.task, data.has_qrels, data.options.get(MERGE) == "True", bool(data.own_passages))
    if data.main_measure not in (*RULES["qrels"].measures, *RULES["qrels"].mixed_measures):
        raise UsageError(
            f"Task {data.task}: its main measure {data.main_measure} needs one relevant passage per query, and a mixed "
            "pool has one in each language. Leave out --pool mixed, or give the task another main_measure."
        )
    pools = _merge_texts({(pair.passage, pair.pool): data.passages_of(pair) for pair in data.pairs})
    if len(pools) < 2:
        raise UsageError(
            f"Task {data.task}: a mixed pool needs passages in two languages or more; the selected pairs have "
            f"only {join_words([*map(str, pools)])}. Leave out --pool mixed, or name more --languages."
        )
    queries = _merge_texts({(pair.query, pair.queries): data.queries_of(pair) for pair in data.pairs})
    rows = [(language, key, text) for language, texts in pools.items() for key, text in texts.items()]
    pool = Texts(
        MULTIPLE,
        tuple(f"{language}/{key}" for language, key, _ in rows),
        tuple(text for _, _, text in rows),
        tuple(language for language, _, _ in rows),
    )
    return Dataset(
        task=data.task,
        version=data.version,
        pools={POOL: pool},
        queries={str(lang): Texts(lang, tuple(texts), tuple(texts.values())) for lang, texts in queries.items()},
        qrels={POOL: _merge_judgements(data)},
        pairs=tuple(TaskPair(language, MULTIPLE, str(language), POOL, POOL) for language in queries),
        clusters=data.clusters,
        left_out={str(language): _queries_left_out(data, language, texts) for language, texts in queries.items()},
        notes=data.notes,
        main_measure=data.main_measure,
        options={**data.options, **MIXED_POOL},
    )


def check_mixable(task: str, has_qrels: bool, merged: bool = False, skips_self: bool = False) -> None:
    """Refuse tasks for which a mixed pool makes no sense.

    Args:
        task: Its name.
        has_qrels: Whether it has relevance judgements.
        merged: Whether equal questions of a language are merged into one.
        skips_self: Whether rankings leave out passages that are the queries themselves.
    Raises:
        UsageError: The task is judged by answers, a query id names different questions in different languages,
            or rankings leave passages out.
    """
    if skips_self:
        raise UsageError(f"Task {task}: skip_self leaves passages out of a pool of one language, not of a mixed one.")
    if not has_qrels:
        raise UsageError(
            f"Task {task} is judged by answer strings in English passages, so no passage in another language "
            "could be right: --pool mixed is for tasks with relevance judgements. Leave the task out."
        )
    if merged:
        raise UsageError(
            f"Task {task}: {MERGE} merges different questions in each language, so translations of a "
            "passage would not be relevant to the same questions. Leave out the option, or --pool mixed."
        )


def _merge_texts(parts: dict[tuple[Language, str], Texts]) -> dict[Language, dict[str, str]]:
    """Return language -> id -> text, over all parts, in order of appearance."""
    by_language: dict[Language, dict[str, str]] = {}
    for (language, _), part in parts.items():
        texts = by_language.setdefault(language, {})
        for key, text in zip(part.ids, part.texts, strict=True):
            if texts.setdefault(key, text) != text:
                raise DataError(f"{language}: id {key!r} names two texts, {texts[key][:60]!r} and {text[:60]!r}.")
    return by_language


def _queries_left_out(data: Dataset, language: Language, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the queries of a language that are in no pair."""
    everything = (data.left_out.get(pair.queries, ()) for pair in data.pairs if pair.query == language)
    return tuple(dict.fromkeys(query for queries in everything for query in queries if query not in texts))


def _merge_judgements(data: Dataset) -> Qrels:
    """Return question -> `<language>/<id>` -> highest judgement, over the pairs of all query languages."""
    judgements: dict[str, dict[str, int]] = {}
    sources: Iterable[tuple[str, Language]] = dict.fromkeys((pair.qrels, pair.passage) for pair in data.pairs)
    for qrels, language in sources:
        for query, row in data.qrels[qrels].items():
            merged = judgements.setdefault(query, {})
            for passage, relevance in row.items():
                key = f"{language}/{passage}"
                merged[key] = max(merged.get(key, relevance), relevance)
    return judgements
