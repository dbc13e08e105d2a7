"""Differences of dependent queries with known truth."""

import numpy as np

SIZES = [1, 1, 2, 2, 3, 5] * 10
CLUSTERS = np.repeat(np.arange(len(SIZES)), SIZES)
NUM_QUERIES = len(CLUSTERS)


def clustered(rng, columns, mean=0.0, spread=0.1):
    """Differences [Q, columns] whose truth is `mean`: half of the variance is the cluster's."""
    shared = rng.laplace(0, spread, (len(SIZES), columns))[CLUSTERS]
    return mean + shared + rng.laplace(0, spread, (NUM_QUERIES, columns))
