"""Measure the cost of exact scores: ranks and rankings, compared with float32 products alone.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/exact_scores.py

Vectors are random with a common part, so their scores are as close together as those of real models (a mean cosine of
0.8). "Products alone" counts the float32 products above the relevant passage's, or takes FAISS's first 100. This is
fast, but its result depends on blocks and threads. Prints processor seconds, the least of several tries, so a busy
machine has little effect.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import faiss
import numpy as np

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.search.exact import gold_ranks_by_blocks, rank_by_vectors
from clearbench.search.pool import check_scores, make_pool
from clearbench.search.scores import InnerProducts, measure_vectors

# Name, queries, passages, dimensions, tries.
SIZES = (
    ("xquad", 1190, 240, 384, 40),
    ("xquad", 1190, 240, 768, 20),
    ("belebele", 900, 488, 384, 40),
    ("belebele", 900, 488, 1024, 15),
    ("mixed belebele", 64, 59_536, 384, 5),
)
DEPTH = 100


def main() -> None:
    """Measure each size, and print a table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"{'size':<16}{'dim.':>5}  {'ranks: products alone':>22}{'exact':>9}{'ratio':>7}", end="")
    print(f"  {'rankings: FAISS alone':>22}{'exact':>9}{'ratio':>7}")
    for name, num_queries, num_passages, dimensions, tries in SIZES:
        times = measure(num_queries, num_passages, dimensions, tries)
        plain, exact, fetched, top = (1e3 * value for value in times)
        print(f"{name:<16}{dimensions:>5}  {plain:>19.2f} ms{exact:>6.2f} ms{exact / plain:>7.2f}", end="")
        print(f"  {fetched:>19.1f} ms{top:>6.1f} ms{top / fetched:>7.2f}", flush=True)


def measure(num_queries: int, num_passages: int, dimensions: int, tries: int) -> list[float]:
    """Return the seconds of ranks from products alone, of exact ranks, of FAISS alone, and of exact rankings."""
    query_QD, passage_PD, gold_Q = make_vectors(num_queries, num_passages, dimensions)
    ids = [f"p{n:06d}" for n in range(num_passages)]
    pool, _ = make_pool(ids, [key.encode() for key in ids])
    queries, passages = measure_vectors(query_QD), measure_vectors(passage_PD)
    scores = InnerProducts(queries, passages)
    ranks = [lambda: count_above(query_QD, passage_PD, gold_Q), lambda: gold_ranks_by_blocks(scores, gold_Q, pool)]
    rankings = [
        lambda: faiss.knn(query_QD, passage_PD, DEPTH, metric=faiss.METRIC_INNER_PRODUCT),
        lambda: rank_by_vectors(queries, passages, pool, DEPTH),
    ]
    return [*least_seconds(ranks, tries), *least_seconds(rankings, max(tries // 5, 2))]


def make_vectors(num_queries: int, num_passages: int, dimensions: int) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return unit vectors of queries and passages, and each query's relevant passage."""
    rng = np.random.default_rng(0)
    shared = 2 * rng.standard_normal(dimensions, dtype=np.float32)

    def draw(count: int) -> FloatArray:
        values = shared + rng.standard_normal((count, dimensions), dtype=np.float32)
        unit: FloatArray = values / np.linalg.norm(values, axis=1, keepdims=True)
        return unit

    passage_PD, gold_Q = draw(num_passages), rng.integers(0, num_passages, num_queries)
    query_QD = passage_PD[gold_Q] + np.float32(1.5) * draw(num_queries)
    return query_QD / np.linalg.norm(query_QD, axis=1, keepdims=True), passage_PD, gold_Q


def count_above(query_QD: FloatArray, passage_PD: FloatArray, gold_Q: IntArray) -> IntArray:
    """Return ranks from float32 products alone, in blocks of the same size."""
    step = max(1_000_000 // len(passage_PD), 64)
    ranks = np.empty(len(gold_Q), dtype=np.int64)
    for start in range(0, len(gold_Q), step):
        block = slice(start, start + step)
        score_RP = query_QD[block] @ passage_PD.T
        check_scores(score_RP)
        gold_R = score_RP[np.arange(len(score_RP)), gold_Q[block]][:, None]
        above, reached = (np.count_nonzero(found, axis=1) for found in (score_RP > gold_R, score_RP >= gold_R))
        ranks[block] = above + np.maximum(reached - above, 1)
    return ranks


def least_seconds(functions: Sequence[Callable[[], object]], tries: int) -> list[float]:
    """Return the least processor seconds of each function; the functions run in turn."""
    least = [float("inf")] * len(functions)
    for _ in range(tries):
        for index, function in enumerate(functions):
            started = time.process_time()
            function()
            least[index] = min(least[index], time.process_time() - started)
    return least


if __name__ == "__main__":
    main()
