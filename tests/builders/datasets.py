"""Retrieval sets that tests build in memory."""

from collections.abc import Sequence

from clearbench.common.languages import parse_language
from clearbench.tasks.dataset import Dataset, Qrels, TaskPair, Texts


def parallel_set(
    languages: Sequence[str] = ("en", "de"), size: int = 6, task: str = "toy", **changes: object
) -> Dataset:
    """Every pair of the languages; two questions per passage, one relevant passage each."""
    pools, queries = {}, {}
    for language in languages:
        ids = tuple(f"p{i}" for i in range(size))
        pools[language] = Texts(
            parse_language(language), ids, tuple(f"passage {i} about topic{i} in {language}" for i in range(size))
        )
        names = tuple(f"p{i}#{k}" for i in range(size) for k in (1, 2))
        texts = tuple(f"question {k} on topic{i} {language}" for i in range(size) for k in (1, 2))
        queries[language] = Texts(parse_language(language), names, texts)
    qrels: Qrels = {f"p{i}#{k}": {f"p{i}": 1} for i in range(size) for k in (1, 2)}
    pairs = tuple(TaskPair(parse_language(q), parse_language(p), q, p, "all") for p in languages for q in languages)
    clusters = {query: query.partition("#")[0] for query in qrels}
    return Dataset(task, 1, pools, queries, {"all": qrels}, pairs, clusters, **changes)  # type: ignore[arg-type]


def pair_named(data: Dataset, name: str) -> TaskPair:
    """The pair of a dataset that prints as the name."""
    return next(pair for pair in data.pairs if str(pair) == name)
