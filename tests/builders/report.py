"""Records that tests of the report share."""

from pathlib import Path

from builders.encoders import HashEncoder, parallel_set
from builders.evaluation import evaluate_sets
from clearbench.evaluation.options import EvaluationOptions

EVIL = "<script>alert(1)</script>"
NOTE = "<img src=x onerror=alert(2)> & more"


def write_records(out: Path, models=(("one", "1"), ("two", "2")), languages=("en", "de", "sw"), **changes) -> Path:
    """Evaluate hashing encoders, one per (name, salt), on a toy set of every pair of the languages."""
    sets = [parallel_set(languages, **changes)]
    for name, salt in models:
        encoder = HashEncoder(name=name, salt=salt, settings={"kind": "hash", "dtype": "fp32"})
        evaluate_sets(encoder, sets, EvaluationOptions(out))
    return out
