"""Simulate how often the gate passes a real loss and how many queries it needs, compared with simple rules.

    python benchmarks/gate_simulation.py --results results --baseline base --candidates light,heavy

The population consists of the per-query differences of real records (a candidate against the baseline, one pair of one
task). An evaluation set is drawn from it by whole clusters, with replacement, until it has enough queries. The
population gets a true mean difference in one of two ways:

- shifted: a constant is added to every difference. Spread and clustering do not change, but no query has a difference
  of exactly 0.
- tilted: clusters are drawn with probabilities proportional to exp(lambda x their mean difference), with the lambda
  that gives the mean. The differences stay real: most of them are 0, and a few are large.

If the true loss equals the margin, passing is an error, and its rate should be at most 5%. If there is no true change,
not passing is a loss of power. Besides the gate, these rules are simulated: the gate's guarded limit without its rules
on too few clusters and too little variation, the clustered t interval alone (without the guard against skewed
differences), the t interval without clusters, "the mean may not drop", "not by more than half the margin", and "not by
more than the margin".
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import t

from clearbench.common.measures import SAME_SCORE
from clearbench.records.select import select_model, select_tasks
from clearbench.stats.intervals import mean_interval
from clearbench.verdicts.gate.bounds import guard_factor, outcome_of, pair_intervals
from clearbench.verdicts.gate.evidence import least_clusters, unseen_share
from clearbench.verdicts.matching import match

Floats = NDArray[np.float64]
SIZES = (10, 20, 60, 120, 240, 480, 900, 1190, 1800, 3600)


@dataclass(frozen=True)
class Population:
    """Differences by cluster; the rules need only their sums, sums of squares and sizes."""

    name: str
    differences: Floats
    clusters: NDArray[np.int64]

    @property
    def sums(self) -> Floats:
        return np.bincount(self.clusters, weights=self.differences).astype(np.float64)

    @property
    def squares(self) -> Floats:
        return np.bincount(self.clusters, weights=self.differences**2).astype(np.float64)

    @property
    def sizes(self) -> Floats:
        return np.bincount(self.clusters).astype(np.float64)

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Whether a query of each cluster has a difference other than the median."""
        deviates = np.abs(self.differences - np.median(self.differences)) > SAME_SCORE
        return np.bincount(self.clusters, weights=deviates) > 0


@dataclass(frozen=True)
class Setting:
    """The settings of one simulation."""

    how: str
    true: float
    size: int
    margin: float
    draws: int
    seed: int


@dataclass(frozen=True)
class Row:
    """The result for one setting: the share of drawn sets that pass each rule; the gate's `undecided` and `fail`."""

    population: str
    how: str
    true_difference: float
    num_queries: int
    num_clusters: int
    gate: float
    undecided: float
    fail: float
    guard_alone: float
    interval_alone: float
    without_clusters: float
    mean_not_lower: float
    half_margin: float
    whole_margin: float


def shift_population(population: Population, wanted: float) -> tuple[Population, Floats]:
    """Return the population with a constant added to every difference, and equal weights of its clusters."""
    change = wanted - population.differences.mean()
    moved = Population(population.name, population.differences + change, population.clusters)
    return moved, np.full(len(population.sizes), 1 / len(population.sizes))


def tilt_population(population: Population, wanted: float) -> tuple[Population, Floats] | None:
    """Return the population, and weights of its clusters that give the wanted mean; None if no weights do."""
    means = population.sums / population.sizes

    def draw_weights(strength: float) -> Floats:
        logits = strength * means
        raw = np.exp(logits - logits.max())
        unit: Floats = raw / raw.sum()
        return unit

    def mean_error(strength: float) -> float:
        w = draw_weights(strength)
        return float((w * population.sums).sum() / (w * population.sizes).sum() - wanted)

    try:
        return population, draw_weights(float(brentq(mean_error, -200.0, 200.0)))
    except ValueError:
        return None


def simulate(population: Population, weights: Floats, setting: Setting) -> Row:
    """Draw evaluation sets and apply every rule to each of them, using only sums of clusters."""
    draws, margin = setting.draws, setting.margin
    rng = np.random.default_rng([setting.seed, setting.size, len(setting.how), int(1e6 * abs(setting.true))])
    per_set = max(round(setting.size / float((weights * population.sizes).sum())), 2)
    chosen_DC = rng.choice(len(weights), size=(draws, per_set), p=weights)
    sum_DC, size_DC = population.sums[chosen_DC], population.sizes[chosen_DC]
    n_D = size_DC.sum(axis=1)
    mean_D = sum_DC.sum(axis=1) / n_D
    residual_DC = sum_DC - mean_D[:, None] * size_DC
    second, third, fourth = ((residual_DC**power).mean(axis=1) for power in (2, 3, 4))
    varies = second > 0
    scale = np.where(varies, second, 1.0)
    se_D = np.sqrt(per_set / (per_set - 1) * second * per_set) / n_D
    reach = t.ppf(0.95, per_set - 1) * se_D
    skewness, kurtosis = np.where(varies, third / scale**1.5, 0.0), np.where(varies, fourth / scale**2, 3.0)
    guarded = guard_factor(skewness, kurtosis, np.full(draws, float(per_set)), 0.95) * se_D
    unseen = unseen_share(population.varies[chosen_DC].sum(axis=1), n_D, np.full(draws, per_set), 0.95)
    spread = population.squares[chosen_DC].sum(axis=1) - n_D * mean_D**2
    naive_se = np.sqrt(np.maximum(spread, 0) / (n_D - 1) / n_D)
    enough = per_set >= least_clusters(0.95)
    passes, fails = enough & (mean_D - np.maximum(guarded, unseen) > -margin), enough & (mean_D + reach < -margin)

    def rate(decisions: NDArray[np.bool_]) -> float:
        return round(float(decisions.mean()), 4)

    return Row(
        population=population.name,
        how=setting.how,
        true_difference=setting.true,
        num_queries=round(float(n_D.mean())),
        num_clusters=per_set,
        gate=rate(passes),
        undecided=rate(~passes & ~fails),
        fail=rate(fails),
        guard_alone=rate(mean_D - guarded > -margin),
        interval_alone=rate(mean_D - reach > -margin),
        without_clusters=rate(mean_D - t.ppf(0.95, n_D - 1) * naive_se > -margin),
        mean_not_lower=rate(mean_D >= 0),
        half_margin=rate(mean_D >= -margin / 2),
        whole_margin=rate(mean_D >= -margin),
    )


def check_against_the_package(population: Population, margin: float) -> None:
    """Check on one drawn set that the formulas above give the limits of the package.

    Raises:
        SystemExit: They do not, so the simulation would describe another rule.
    """
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(population.sizes), size=50)
    members = [population.differences[population.clusters == cluster] for cluster in chosen]
    values = np.concatenate(members)
    codes = np.repeat(np.arange(50), [len(m) for m in members])
    [interval] = pair_intervals(values[:, None], codes, 0.95)
    residual = np.array([(m - values.mean()).sum() for m in members])
    se = np.sqrt(50 / 49 * (residual**2).sum()) / len(values)
    skewness, kurtosis = (np.array([(residual**n).mean() / (residual**2).mean() ** (n / 2)]) for n in (3, 4))
    guarded = values.mean() - float(guard_factor(skewness, kurtosis, np.array([50.0]), 0.95)[0]) * se
    expected = values.mean() - t.ppf(0.95, 49) * se
    if not np.allclose([interval.lower, interval.guarded], [expected, guarded], atol=1e-12):
        raise SystemExit(f"the package's limits are {interval}, the simulation's {expected} and {guarded}")
    if (outcome_of(interval, -margin, 0.95) == "pass") != (guarded > -margin):
        raise SystemExit("the package and the simulation decide differently")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--baseline", required=True)
    parser.add_argument("--candidates", required=True, help="names separated by commas")
    parser.add_argument("--task", default="xquad")
    parser.add_argument("--pair", default="en-en")
    parser.add_argument("--margin", type=float, default=1.0, help="points")
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "gate_simulation.json")
    options = parser.parse_args()
    margin = options.margin / 100
    [base] = select_tasks(select_model(options.results, options.baseline), [options.task])
    populations, rows = [], []
    makers: dict[str, Callable[[Population, float], tuple[Population, Floats] | None]]
    makers = {"shifted": shift_population, "tilted": tilt_population}
    for name in options.candidates.split(","):
        [other] = select_tasks(select_model(options.results, name), [options.task])
        matched = match(base, other, pairs=options.pair)
        population = Population(name, matched.differences[:, 0], matched.clusters)
        check_against_the_package(population, margin)
        summary = mean_interval(population.differences[:, None], population.clusters)
        facts = {
            "candidate": name,
            "num_queries": int(summary.num_queries[0]),
            "num_clusters": int(summary.num_clusters[0]),
            "mean_difference": round(float(summary.mean[0]), 5),
            "sd": round(float(summary.sd[0]), 4),
            "design_effect": round(float(summary.design_effect[0]), 3),
            "share_unchanged": round(float((population.differences == 0).mean()), 4),
        }
        populations.append(facts)
        print(facts)
        for how, make in makers.items():
            for true in (-margin, 0.0):
                drawn_from = make(population, true)
                if drawn_from is None:
                    print(f"{name}: no weights give a mean of {true}")
                    continue
                for size in SIZES:
                    setting = Setting(how, true, size, margin, options.draws, options.seed)
                    rows.append(simulate(*drawn_from, setting))
                    print(asdict(rows[-1]))
    settings = {key: str(value) for key, value in vars(options).items() if key not in ("out", "results")}
    document = {"settings": settings, "populations": populations, "rows": [asdict(row) for row in rows]}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
