"""What cannot be trained is refused before anything is written; all losses get the same batches."""

import json
from typing import Any

import pytest
from builders.training import make_settings, sample_rows

from clearbench.common.errors import EncoderError, TrainingError, UsageError
from clearbench.training.run.prepare import prepare
from clearbench.training.run.train import train

BAD: dict[str, Any] = {
    "unknown loss": ({"loss": "claer"}, UsageError, "clear"),
    "no such model": ({"model": "no such model"}, EncoderError, "neither a folder"),
    "bm25": ({"model": "bm25"}, UsageError, "no weights"),
    "no such rows": ({"data": "nowhere.parquet"}, Exception, "nowhere.parquet"),
    "too many negatives": ({"negatives": 2}, TrainingError, "at most 1"),
    "unknown language": ({"languages": "fr"}, UsageError, "has de"),
    "batch too large": ({"batch_size": 64}, TrainingError, "batch of 64"),
    "mini-batch larger than batch": ({"mini_batch_tokens": 10**6}, UsageError, "larger than a whole batch"),
    "fp16 without a GPU": ({"dtype": "fp16"}, UsageError, "only on a GPU"),
    "evaluation without a function": ({"eval_tasks": "xquad"}, UsageError, "eval_tasks"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(place, case):
    changes, kind, message = BAD[case]
    with pytest.raises(kind, match=message):
        train(make_settings(place, **changes))
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("SparseEncoder", "is a sparse"),
        ("MultiVectorEncoder", "is a late-interaction"),
        ("CrossEncoder", "is a cross-encoder"),
        ("NewEncoder", "calls the model 'NewEncoder'"),
    ],
)
def test_a_model_of_another_kind_is_not_trained_as_a_dense_one(place, kind, message):
    file = place / "base" / "config_sentence_transformers.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_type": kind}))
    with pytest.raises(EncoderError, match=message):
        train(make_settings(place))
    assert not (place / "out").exists()


def test_broken_rows_are_refused(place):
    rows = sample_rows()
    del rows[3]["passage"]
    (place / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(TrainingError, match=r"rows.jsonl.*4.*'passage' is missing"):
        train(make_settings(place))


def test_all_losses_see_the_same_batches(place):
    plans = [prepare(make_settings(place, loss=loss)).trainer.plan for loss in ("clear", "infonce", "mixed")]
    assert plans[0] == plans[1] == plans[2]
