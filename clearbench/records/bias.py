"""The language bias of a record over the queries of all languages, from its per-query scores."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from clearbench.common.errors import RecordError
from clearbench.common.measures import OWN_FIRST
from clearbench.records.parts import read_scores
from clearbench.stats.bias import CHANCE, RANK, summarise_bias
from clearbench.stats.intervals import cluster_codes
from clearbench.stats.summaries import BiasSummary


def overall_bias(folder: Path, languages: Sequence[str]) -> BiasSummary:
    """Return the language bias over all queries of a record of a mixed pool.

    Args:
        folder: The record's folder.
        languages: The languages of the pool.
    Raises:
        RecordError: The scores cannot be read, or there are no languages: the pool is not mixed.
    """
    if not languages:
        raise RecordError(
            f"{folder}: the record has a language bias, but its pool is not mixed. Measure again with --replace."
        )
    ranks = [f"{RANK}{name}" for name in languages]
    table = read_scores(folder, columns=[OWN_FIRST, CHANCE, *ranks])
    first = table[OWN_FIRST].to_numpy()
    codes = cluster_codes(table["cluster"].astype(str).tolist())
    summary = summarise_bias(list(languages), table[ranks].to_numpy(), first, table[CHANCE].to_numpy(), codes)
    missing = int(np.isnan(first).sum())
    return replace(summary, left_out={OWN_FIRST: missing} if missing else {})
