"""What tests of the gate share: changes with a known mean, and the rule for limits as it is written down."""

import math

import numpy as np
from scipy.stats import t

from clearbench.records.select import select_model
from clearbench.verdicts.gate.compute import gate
from clearbench.verdicts.gate.options import GateOptions


def limits_by_loops(differences, clusters, confidence=0.95):
    """The rule as it is written down: sums over clusters, one by one."""
    n, mean, total = len(differences), sum(differences) / len(differences), 0.0
    names = sorted(set(clusters))
    for name in names:
        s = sum(d for d, c in zip(differences, clusters, strict=True) if c == name)
        k = sum(1 for c in clusters if c == name)
        total += (s - mean * k) ** 2
    se = math.sqrt(len(names) / (len(names) - 1) * total) / n
    reach = t.ppf(confidence, len(names) - 1) * se
    return mean - reach, mean + reach


def changes_of(size, mean, spread, seed=0):
    """Differences with exactly this mean."""
    values = np.random.default_rng(seed).normal(0, spread, size)
    return np.clip(values - values.mean() + mean, -0.9, 0.9)


def run_gate(out, base="base", candidate="cand", **options):
    """Gate one model of a results folder against another."""
    return gate(select_model(out, base), select_model(out, candidate), GateOptions(**options))
