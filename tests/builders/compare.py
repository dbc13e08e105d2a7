"""Scores of models that comparisons are tested with."""

import numpy as np

from clearbench.records.select import select_model
from clearbench.verdicts.compare.compute import compare_models
from clearbench.verdicts.compare.options import CompareOptions

PAIRS = ("de-de", "de-en", "en-de", "en-en", "en-sw", "sw-en")
SIZE = 40
TOY = CompareOptions(tasks=("toy",), flips=2000)


def sample(seed, shift=0.0, pairs=PAIRS):
    """Scores that share what is hard about a query; `shift` is added to other pairs than en-en."""
    common = np.random.default_rng(99).uniform(0.2, 0.7, SIZE)
    noise = np.random.default_rng(seed).normal(0, 0.08, (len(PAIRS), SIZE))
    moved = {pair: common + noise[PAIRS.index(pair)] + shift * (pair != "en-en") for pair in pairs}
    return {pair: np.round(np.clip(scores, 0, 1), 1) for pair, scores in moved.items()}


def model(out, name):
    return select_model(out, name)


def both(out, **options):
    """The comparisons of `tuned` and `third` with `base`."""
    return compare_models(
        model(out, "base"), [model(out, "tuned"), model(out, "third")], CompareOptions(flips=500, **options)
    )
