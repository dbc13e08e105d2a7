"""InfoNCE: the ranking loss of sentence-transformers, and the loop over pairs where rows are ragged."""

import torch
from builders.loss import (
    COLUMNS,
    assert_same,
    clear_by_loops,
    count_encoded,
    features_of,
    gradients,
    make_rows,
    one_by_one,
    ragged_rows,
    spread,
)

from clearbench.training.loss.clear import CLEARLoss
from clearbench.training.loss.infonce import InfoNCELoss


def test_infonce_is_multiple_negatives_ranking(model):
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    rows = make_rows(6)
    passages = ("passage", "passage_negative_1", "passage_negative_2")
    features = features_of(model, rows)
    expected = {
        anchor: MultipleNegativesRankingLoss(model)(features_of(model, rows, (anchor, *passages)), None)
        for anchor in ("query", "target_query")
    }
    mean = gradients(model, sum(expected.values()) / 2)
    mixed = InfoNCELoss(model, COLUMNS, anchors=("query", "target_query"), mini_batch_size=5)
    assert_same(gradients(model, mixed(features)), mean)
    for anchor, value in expected.items():
        loss = InfoNCELoss(model, COLUMNS, anchors=(anchor,))(features)
        assert_same(loss.detach(), value.detach())
        assert_same(mixed.last_parts[anchor], value.detach())
    assert_same(
        CLEARLoss(model, COLUMNS, alpha=0.0, beta=0.0)(features).detach(), expected["query"].detach()
    )  # fmt: skip


def test_infonce_of_ragged_rows_scores_what_is_there(model):
    rows = ragged_rows()
    as_english = [{**row, "query": row["target_query"], "target_query_negatives": []} for row in rows]
    _, parts = clear_by_loops(as_english, one_by_one(model), kl="none")
    found = InfoNCELoss(model, COLUMNS)(features_of(model, rows))
    assert_same(found.detach(), parts["forward"].detach())
    assert torch.isfinite(gradients(model, found)).all()


def test_columns_that_the_formula_does_not_read_are_not_encoded(model):
    rows = make_rows(4)
    encoded = count_encoded(model)
    InfoNCELoss(model, COLUMNS, anchors=("query",))(features_of(model, rows))
    assert sum(encoded) == len({text for name in ("query", *COLUMNS[1:2], *COLUMNS[3:5])
                                for text in spread(rows)[name]})  # fmt: skip
