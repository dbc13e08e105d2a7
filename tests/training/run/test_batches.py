"""Batches are full, free of contradictions, planned once, and the same whatever the loss."""

import pandas as pd
import pytest
from builders.training import sample_rows

from clearbench.common.errors import TrainingError
from clearbench.training.run.batches import BatchRules, PlannedBatches, make_dataset, plan_training_batches


def plan(table, **changes):
    settings = {"batch_size": 4, "num_batches": 30, "negatives": 5, "seed": 1}
    return plan_training_batches(table, BatchRules(**{**settings, **changes}))


def contradictions(table, batch):
    rows = table.iloc[list(batch)]
    return sum(
        text == other.passage
        for row in rows.itertuples()
        for text in row.passage_negatives
        for other in rows.itertuples()
    )


def repeats(table, batch):
    return len(batch) - table.iloc[list(batch)]["passage"].nunique()


def test_every_batch_is_full_and_positives_are_distinct():
    table = pd.DataFrame(sample_rows(60, passages=20))
    planned = plan(table, duplicates="positives")
    assert len(planned.batches) == 30 and {len(batch) for batch in planned.batches} == {4}
    assert not any(repeats(table, batch) for batch in planned.batches)
    assert any(contradictions(table, batch) for batch in planned.batches)
    assert any(repeats(table, batch) for batch in plan(table, duplicates="allow").batches)


def test_no_hard_negative_is_another_rows_positive():
    table = pd.DataFrame(sample_rows(60, negatives=3))
    planned = plan(table)
    assert planned.duplicates == "candidates"
    assert not any(contradictions(table, batch) for batch in planned.batches)


def test_the_strict_rule_gives_way_where_it_would_leave_out_many_rows():
    table = pd.DataFrame(sample_rows(60, passages=12, negatives=8))
    planned = plan(table, batch_size=8)
    assert planned.duplicates == "positives"
    assert not any(repeats(table, batch) for batch in planned.batches)


def test_a_pass_uses_every_row_once():
    table = pd.DataFrame(sample_rows(40, negatives=0))
    planned = plan(table, num_batches=20)
    for half in (planned.batches[:10], planned.batches[10:]):
        assert sorted(row for batch in half for row in batch) == list(range(40))
    assert planned.batches[:10] != planned.batches[10:]


def test_the_seed_decides():
    table = pd.DataFrame(sample_rows(40))
    assert plan(table) == plan(table)
    assert plan(table) != plan(table, seed=2)
    assert plan(table, num_batches=10).batches == plan(table).batches[:10]


def test_batches_of_one_language():
    table = pd.DataFrame(sample_rows(24, languages=("de", "es", "vi")))
    languages = table["language"]
    kinds = [{languages[row] for row in batch} for batch in plan(table, per_language=True).batches]
    assert all(len(kind) == 1 for kind in kinds) and len(set.union(*kinds)) == 3
    mixed = plan(table).batches
    assert any(len({languages[row] for row in batch}) > 1 for batch in mixed)
    # The same question in two languages has one passage, so it is twice in a batch only where that is allowed.
    assert not any(repeats(table, batch) for batch in mixed)


def test_too_few_distinct_rows_are_named():
    table = pd.DataFrame(sample_rows(60, passages=7))
    with pytest.raises(TrainingError, match=r"60 rows with 7 distinct.* batch of 8 rows.*smaller --batch-size"):
        plan(table, batch_size=8)


def test_missing_negatives_become_empty_texts():
    rows = sample_rows(4, negatives=2)
    rows[1]["passage_negatives"], rows[1]["target_query_negatives"] = rows[1]["passage_negatives"][:1], []
    columns = ("passage", "target_query", "passage_negative_2", "target_query_negative_1")
    dataset = make_dataset(pd.DataFrame(rows), columns)
    assert dataset.column_names == [*columns, "row"]
    assert dataset["passage_negative_2"][1] == "" == dataset["target_query_negative_1"][1]
    assert dataset["passage_negative_2"][0] == rows[0]["passage_negatives"][1]


def test_the_sampler_gives_the_plan_once():
    table = pd.DataFrame(sample_rows(40))
    planned = plan(table)
    sampler = PlannedBatches(planned, make_dataset(table, ("query",)))
    assert len(sampler) == 30 and [tuple(batch) for batch in sampler] == list(planned.batches) == list(
        map(tuple, sampler)
    )
