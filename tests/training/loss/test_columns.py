"""The columns of a loss: found by name, complete, and in the expected order."""

import pytest
from builders.loss import COLUMNS, assert_same, features_of, make_rows

from clearbench.common.errors import TrainingError
from clearbench.training.loss.clear import CLEARLoss


@pytest.mark.parametrize("base", ["query", "passage", "target_query"])
def test_an_empty_text_where_there_must_be_one(model, base):
    rows = make_rows(3)
    rows[1][base] = " "
    with pytest.raises(TrainingError, match=rf"Column '{base}': rows \[1\]"):
        CLEARLoss(model, COLUMNS)(features_of(model, rows))


def test_columns_are_known_by_name(model):
    rows = make_rows(5)
    shuffled = tuple(reversed(COLUMNS))
    loss = CLEARLoss(model, shuffled)(features_of(model, rows, shuffled))
    assert_same(loss.detach(), CLEARLoss(model, COLUMNS)(features_of(model, rows)).detach())


@pytest.mark.parametrize(
    "columns, message",
    [
        (("query", "passage"), "no column 'target_query'"),
        (("query", "positive", "target_query"), "unknown column 'positive'"),
        (("query", "pasage", "target_query"), "Did you mean passage"),
        ((*COLUMNS, "label"), "unknown column 'label'"),
        ((*COLUMNS[:3], "passage_negative_2"), "'passage' are not numbered"),
        ((*COLUMNS[:3], "passage_negative_0"), "unknown column 'passage_negative_0'"),
        ((*COLUMNS, "query"), "twice"),
        ((), "no column"),
    ],
)
def test_a_wrong_set_of_columns_names_them(model, columns, message):
    with pytest.raises(TrainingError, match=message) as caught:
        CLEARLoss(model, columns)
    assert "expected" in str(caught.value)
    assert str(list(columns)) in str(caught.value)


def test_a_wrong_number_of_columns_in_the_batch(model):
    with pytest.raises(TrainingError, match="has 3 text columns, the loss expects 7"):
        CLEARLoss(model, COLUMNS)(features_of(model, make_rows(2), COLUMNS[:3]))


def test_the_mixed_in_features_of_negatives_do_not_reach_the_model(model):
    # As the trainer of sentence-transformers hands them over; equal lengths, so that the shapes agree.
    rows = make_rows(4, negatives=1)
    for row in rows:
        row["passage_negatives"] = [row["passage"][::-1]]
    columns = (*COLUMNS[:3], "passage_negative_1", "target_query_negative_1")
    features = features_of(model, rows, columns)
    expected = CLEARLoss(model, columns)(features).detach()
    for base, negative in ((1, 3), (2, 4)):
        features[base] |= {f"negative_1_{name}": value for name, value in features[negative].items()}
    assert features[1]["negative_1_input_ids"].shape == features[1]["input_ids"].shape
    seen = []
    model[0].register_forward_pre_hook(lambda module, args: seen.extend(args[0]))
    assert_same(CLEARLoss(model, columns, mini_batch_size=3)(features).detach(), expected)
    assert not any(name.startswith("negative") for name in seen)
    features[1], features[2] = features[2], features[1]
    with pytest.raises(TrainingError, match="not in the order"):
        CLEARLoss(model, columns)(features)
