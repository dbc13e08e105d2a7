"""Evaluating datasets as the commands do, in one call."""

from collections.abc import Sequence

from clearbench.evaluation.options import EvaluationOptions
from clearbench.evaluation.pipeline import Evaluation, evaluate
from clearbench.scoring.table import make_judge
from clearbench.search.engines import Encoder
from clearbench.tasks.dataset import Dataset


def evaluate_sets(encoder: Encoder, sets: Sequence[Dataset], options: EvaluationOptions) -> list[Evaluation]:
    """Evaluate an encoder on datasets, each with the judge that it names."""
    return evaluate(encoder, [make_judge(data, offline=True) for data in sets], options)
