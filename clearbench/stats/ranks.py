"""Rank tests of whether languages are treated alike: Friedman's over blocks, Kruskal-Wallis within one ranking (PEER).

Shape letters: B blocks, L languages, N passages.
"""

from dataclasses import dataclass

import numpy as np

from clearbench.common.arrays import IntArray, Scores


@dataclass(frozen=True)
class Friedman:
    """Friedman's test.

    Attributes:
        statistic: Chi-square with num_languages - 1 degrees of freedom.
        p: Upper tail of that distribution.
        num_blocks: Number of blocks.
        num_languages: Number of languages compared.
    """

    statistic: float
    p: float
    num_blocks: int
    num_languages: int


def friedman(value_BL: Scores) -> Friedman | None:
    """Test whether values differ by language; each block is ranked by itself.

    scipy.stats.friedmanchisquare computes the same, but needs at least three languages.

    Args:
        value_BL: A value per block and language; blocks must be independent of each other.
    Returns:
        None with fewer than two blocks or languages. Where all values of every block are equal, statistic 0 and p 1.
    Source: Friedman (1937) with the correction for ties of Conover (1999), Practical Nonparametric Statistics, 5.8.
    """
    from scipy.stats import chi2, rankdata

    num_blocks, num_languages = value_BL.shape
    if num_blocks < 2 or num_languages < 2:
        return None
    rank_BL = rankdata(value_BL, axis=1)
    expected = (num_languages + 1) / 2
    between = float(((rank_BL.mean(axis=0) - expected) ** 2).sum()) * num_blocks**2
    within = float(((rank_BL - expected) ** 2).sum())
    statistic = (num_languages - 1) * between / within if within else 0.0
    return Friedman(statistic, float(chi2.sf(statistic, num_languages - 1)), num_blocks, num_languages)


def same_treatment(rank_N: IntArray, language_N: IntArray, cutoff: int) -> float:
    """Return the p-value of the Kruskal-Wallis test that one ranking treats passages of all languages alike.

    Passages below the cut were not retrieved: they share one place behind the cut. With a single language, or all
    passages at one place, nothing speaks against it: 1.

    Args:
        rank_N: Ranks of the passages of one relevance level, from 1.
        language_N: Language number of each.
        cutoff: Ranks that count.
    """
    from scipy.special import chdtrc
    from scipy.stats import rankdata

    _, group_N = np.unique(language_N, return_inverse=True)
    sizes = np.bincount(group_N)
    place_N = rankdata(np.minimum(rank_N, cutoff + 1))
    expected = (len(place_N) + 1) / 2
    total = float(((place_N - expected) ** 2).sum())
    if len(sizes) < 2 or total == 0.0:
        return 1.0
    means = np.bincount(group_N, weights=place_N) / sizes
    statistic = (len(place_N) - 1) * float((sizes * (means - expected) ** 2).sum()) / total
    return float(chdtrc(len(sizes) - 1, statistic))


def peer(rank_N: IntArray, language_N: IntArray, relevance_N: IntArray, cutoff: int) -> float:
    """Return PEER@cutoff of one query: the mean, over relevance levels, of `same_treatment`.

    Args:
        rank_N: Ranks of the query's relevant passages, from 1.
        language_N: Language number of each.
        relevance_N: Relevance of each, above 0.
        cutoff: Ranks that count.
    Returns:
        In [0, 1]; near 0 where languages are treated unlike. NaN where no language has two passages of one level:
        then the test statistic has few values, or one, and says nothing.
    Source: Yang et al. (2024), "Language Fairness in Multilingual Information Retrieval", section 3. Deviations:
        the levels that the query has weigh the same, and judged not relevant is not a level.
    """
    members = [relevance_N == level for level in np.unique(relevance_N)]
    if not any(np.unique(language_N[chosen], return_counts=True)[1].max() > 1 for chosen in members):
        return float("nan")
    return float(np.mean([same_treatment(rank_N[chosen], language_N[chosen], cutoff) for chosen in members]))
