"""What a record says: it is read back as it was written, byte for byte, and holds no more and no less."""

import json

import pytest
from builders.records import make_record, query_scores
from builders.values import require
from pydantic import ValidationError

from clearbench.encoders.bm25 import LexicalEncoder
from clearbench.records.schema import Record
from clearbench.stats.ranks import Friedman
from clearbench.stats.summaries import BiasSummary, LanguageRank, MeasureValue

BIAS = BiasSummary(
    own_first=MeasureValue(mean=0.5, lower=0.25, upper=0.75),
    chance=0.5,
    languages={
        "de": LanguageRank(num_queries=4, mean_rank=2.5, gap=-0.5, lower=-0.75, upper=None),
        "en": LanguageRank(num_queries=4, mean_rank=1.5, gap=None, lower=None, upper=None),
    },
    friedman=Friedman(statistic=3.0, p=0.125, num_blocks=4, num_languages=2),
    left_out={"TLR@10": 2},
)
BIAS_JSON = (
    '{"own_first":{"mean":0.5,"lower":0.25,"upper":0.75},"chance":0.5,"languages":{'
    '"de":{"num_queries":4,"mean_rank":2.5,"gap":-0.5,"lower":-0.75,"upper":null},'
    '"en":{"num_queries":4,"mean_rank":1.5,"gap":null,"lower":null,"upper":null}},'
    '"friedman":{"statistic":3.0,"p":0.125,"num_blocks":4,"num_languages":2},"left_out":{"TLR@10":2}}'
)
PAIR_JSON = (
    '{"pair":"de-mul","data":"hash","num_passages":100,"num_queries":2,"num_skipped":0,"num_clusters":1,'
    '"measures":{"nDCG@10":{"mean":0.75,"lower":null,"upper":null}},"bias":'
)


@pytest.fixture
def record():
    pair = query_scores("de-mul", [0.5, 1.0]).summary.model_copy(update={"data": "hash", "bias": BIAS})
    plain = query_scores("en-mul", [0.5, 1.0]).summary
    return make_record([pair, plain]).model_copy(update={"bias": BIAS})


def test_a_record_is_the_same_json_as_ever(record):
    assert record.pairs[0].model_dump_json() == f"{PAIR_JSON}{BIAS_JSON}}}"
    text = record.model_dump_json()
    assert text.endswith(f',"bias":{BIAS_JSON}}}')
    assert list(json.loads(text)) == [
        "schema_version", "status", "identity", "model", "main_measure", "environment", "data", "coverage", "notes",
        "pairs", "averages", "timings", "bias",
    ]  # fmt: skip


def test_a_record_is_read_back_as_it_was_written(record):
    assert Record.model_validate_json(record.model_dump_json()) == record
    assert Record.model_validate(json.loads(record.model_dump_json(indent=1))) == record
    assert Record.model_validate(record.model_dump(mode="json")) == record


def test_a_pair_without_bias_says_none_and_old_records_may_leave_it_out(record):
    plain = json.loads(record.model_dump_json())
    assert plain["pairs"][1]["bias"] is None
    del plain["pairs"][1]["bias"], plain["bias"], plain["pairs"][0]["bias"]["left_out"]
    again = Record.model_validate(plain)
    assert again.bias is None and again.pairs[1].bias is None and require(again.pairs[0].bias).left_out == {}


PLACES = {
    "record": (),
    "identity": ("identity",),
    "pair": ("pairs", 0),
    "measure": ("pairs", 0, "measures", "nDCG@10"),
    "bias": ("bias",),
    "own_first": ("bias", "own_first"),
    "language": ("pairs", 0, "bias", "languages", "de"),
    "friedman": ("bias", "friedman"),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_unknown_key_is_refused_and_named_at_every_depth(record, place):
    data = json.loads(record.model_dump_json())
    part = data
    for step in PLACES[place]:
        part = part[step]
    part["surplus"] = 1
    with pytest.raises(ValidationError) as caught:
        Record.model_validate(data)
    assert caught.value.errors()[0]["loc"] == (*PLACES[place], "surplus")


@pytest.mark.parametrize("place", PLACES)
def test_a_missing_key_is_refused_and_named_at_every_depth(record, place):
    data = json.loads(record.model_dump_json())
    part = data
    for step in PLACES[place]:
        part = part[step]
    first = next(iter(part))
    del part[first]
    with pytest.raises(ValidationError) as caught:
        Record.model_validate(data)
    assert caught.value.errors()[0]["loc"] == (*PLACES[place], first)


def test_nothing_of_a_record_can_be_changed(record):
    for part, name in ((record, "status"), (record.pairs[0], "data"), (record.bias, "chance"), (BIAS.friedman, "p")):
        with pytest.raises((ValidationError, AttributeError)):
            setattr(part, name, None)


def test_a_model_that_matches_words_is_told_by_its_settings(record):
    assert not record.is_lexical
    assert record.model_copy(update={"model": dict(LexicalEncoder().settings)}).is_lexical
