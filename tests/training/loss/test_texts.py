"""Texts of a batch: what is the same text, mini-batches, padding."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from builders.loss import COLUMNS, features_of, make_rows, spread

from clearbench.common.errors import TrainingError
from clearbench.training.loss.texts import Padding, collect_texts, pad_texts, plan_texts, text_key


def collected(model, rows, empty=()):
    return collect_texts(dict(zip(COLUMNS, features_of(model, rows), strict=True)), empty)


def test_rows_point_at_their_texts(model):
    rows = make_rows(5)
    texts = collected(model, rows)
    for column, cells in spread(rows).items():
        for cell, index in zip(cells, texts.rows[column].tolist(), strict=True):
            expected = model.preprocess([cell])["input_ids"][0].tolist()
            assert list(texts.tokens[index]["input_ids"]) == expected


def test_plan_keeps_both_limits_and_covers_every_text_once(model):
    texts = collected(model, make_rows(9))
    for tokens, size in ((None, None), (60, None), (None, 4), (60, 2), (1, None)):
        plan = plan_texts(texts, tokens, size)
        assert sorted(np.concatenate(plan)) == list(range(len(texts.tokens)))
        lengths = [texts.num_tokens[batch] for batch in plan]
        assert all(len(batch) <= (size or 10**9) for batch in plan)
        assert all(len(batch) == 1 or len(batch) * batch.max() <= (tokens or 10**9) for batch in lengths)
        assert all(earlier.min() >= later.max() for earlier, later in pairwise(lengths))


@pytest.mark.parametrize("left", [False, True])
def test_padding_is_where_the_tokenizer_puts_it(model, left):
    texts = collected(model, make_rows(3))
    batch = np.arange(len(texts.tokens))
    features = pad_texts(texts, batch, Padding(token=7, left=left))
    assert features["attention_mask"].shape[1] == texts.num_tokens.max()
    for row, index in enumerate(batch):
        real = features["attention_mask"][row].bool()
        assert features["input_ids"][row][real].tolist() == list(texts.tokens[index]["input_ids"])
        assert set(features["input_ids"][row][~real].tolist()) <= {7}
        assert bool(real[-1 if left else 0])


def test_left_padded_features_give_the_same_texts(model):
    right = model.preprocess(["a b c", "a"])
    left = {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in right.items()}
    for name in ("input_ids", "attention_mask", "token_type_ids"):
        left[name][1] = right[name][1].roll(2)
    one, other = (collect_texts({"query": features}) for features in (right, left))
    assert torch.equal(one.keys["query"], other.keys["query"])


def test_flattened_features_give_the_same_texts(model):
    padded = model.preprocess(["a b c", "a", "d e"])
    lengths = padded["attention_mask"].sum(1)
    ids = torch.cat([row[:length] for row, length in zip(padded["input_ids"], lengths, strict=True)])
    bounds = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)])
    flat = {"input_ids": ids[None], "position_ids": ids[None], "seq_idx": ids[None], "cu_seq_lens_q": bounds}
    one, other = (collect_texts({"query": features}) for features in (padded, flat))
    assert torch.equal(one.keys["query"], other.keys["query"])
    assert [len(text["input_ids"]) for text in other.tokens] == lengths.tolist()


def test_a_text_told_differently_is_encoded_twice_but_is_the_same_text(model):
    features = {"query": model.preprocess(["a"]) | {"task": "query"}, "passage": model.preprocess(["a"])}
    texts = collect_texts(features)
    assert len(texts.tokens) == 2
    assert torch.equal(texts.keys["query"], texts.keys["passage"])
    assert len(plan_texts(texts, None, None)) == 2


def test_features_of_no_text():
    with pytest.raises(TrainingError, match="Column 'query': expected token ids"):
        collect_texts({"query": {"pixel_values": torch.zeros(2, 3)}})


def test_keys_do_not_change():
    # Processes compare keys; Python's own hash is salted per process.
    assert text_key(np.array([1, 2, 3])) == text_key(np.array([1, 2, 3], dtype=np.int32)) == 8627237613697956788
