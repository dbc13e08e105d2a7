"""Which models of a leaderboard can be told apart: paired sign flips of clusters on the overall mean.

The overall mean of a model is a weighted sum of its per-query scores, so the difference of two models is a sum over
clusters of dependent questions. A flip turns the sign of a whole cluster, over all pairs and all comparisons at once.
One record's scores are in memory at a time; of each only the cluster sums are kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clearbench.common.arrays import Scores
from clearbench.records.matrix import scores_matrix
from clearbench.records.select import Entry
from clearbench.stats.flips import holm, sign_flip_test
from clearbench.stats.intervals import cluster_sums

Cluster = tuple[str, str]
"""Task label and cluster: questions of two tasks are taken to be independent."""


@dataclass(frozen=True)
class Separability:
    """Two families of two-sided paired tests, each adjusted by Holm; models in order of rank, NaN for the first.

    Attributes:
        best: p of the difference to the first model.
        above: p of the difference to the model one above.
        num_clusters: Clusters that were flipped.
    """

    best: Scores
    above: Scores
    num_clusters: int


def cluster_contributions(
    entries: Sequence[Entry], shared: Mapping[str, Sequence[str]], measures: Mapping[str, str]
) -> dict[Cluster, float]:
    """Split one model's overall mean into what each cluster adds to it.

    The overall mean is the mean over tasks of the mean over a task's shared pairs of the mean over a pair's queries.

    Args:
        entries: The model's records, one per task of `shared`.
        shared: Task label -> pairs that count.
        measures: Task label -> measure.
    Raises:
        RecordError: The per-query scores cannot be read, or are not those that record.json averages.
    """
    sums: dict[Cluster, float] = {}
    for entry in entries:
        matrix = scores_matrix(entry, measures[entry.label], shared[entry.label])
        weight_P = 1 / (len(shared) * len(matrix.pairs) * (~np.isnan(matrix.scores)).sum(axis=0))
        for name, total in zip(matrix.names, cluster_sums(matrix.scores, matrix.clusters) @ weight_P, strict=True):
            sums[entry.label, name] = float(total)
    return sums


def separate(models: Sequence[Mapping[Cluster, float]], flips: int, seed: int) -> Separability:
    """Test every model against the first and against the one above it.

    Args:
        models: Cluster contributions of each, in order of rank.
        flips: Sign flips, shared by all comparisons.
        seed: Seed of the flips.
    """
    best, above = np.full(len(models), np.nan), np.full(len(models), np.nan)
    if len(models) < 2:
        return Separability(best, above, 0)
    clusters = sorted(set().union(*models))
    sums_CM = np.array([[model.get(cluster, 0.0) for model in models] for cluster in clusters])
    differences_CP = np.hstack([sums_CM[:, :1] - sums_CM[:, 1:], sums_CM[:, :-1] - sums_CM[:, 1:]])
    p = sign_flip_test(differences_CP, flips=flips, seed=seed).p
    best[1:], above[1:] = holm(p[: len(models) - 1]), holm(p[len(models) - 1 :])
    return Separability(best, above, len(clusters))
