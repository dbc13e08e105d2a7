"""Scores side by side: the same pairs, queries and data, or an error that says what differs."""

import numpy as np
import pytest
from builders.records import write_record

from clearbench.common.errors import RecordError, UsageError
from clearbench.records.parts import read_scores
from clearbench.records.select import select_model
from clearbench.verdicts.matching import match

PAIRS = ("de-en", "en-de", "en-en")


def values(seed, pairs=PAIRS, size=8):
    rng = np.random.default_rng(seed)
    return {pair: rng.random(size) for pair in pairs}


def two(tmp_path, base=None, other=None, **changes):
    write_record(tmp_path, "base", base or values(0))
    write_record(tmp_path, "other", other or values(1), **changes)
    return select_model(tmp_path, "base")[0], select_model(tmp_path, "other")[0]


def test_scores_are_those_of_the_files_pair_by_pair(tmp_path):
    base, other = two(tmp_path)
    found = match(base, other)
    for name, entry in (("base", base), ("other", other)):
        frame = read_scores(entry.place)
        for column, pair in enumerate(found.pairs):
            own = frame[frame["pair"] == pair].set_index("query")["nDCG@10"]
            assert getattr(found, name)[:, column].tolist() == own.loc[list(found.queries)].tolist()
    assert [found.cluster_names[code] for code in found.clusters] == [f"c{number // 2}" for number in range(8)]
    assert found.pairs == PAIRS and found.only_base == found.only_other == ()
    assert found.differences == pytest.approx(found.other - found.base)


def test_pairs_with_other_queries_have_nan_elsewhere(tmp_path):
    queries = {"de-en": [f"de{n}" for n in range(8)], "en-de": [f"q{n ^ 1:05}" for n in range(8)]}
    scores = values(2)
    for name in ("base", "other"):
        write_record(tmp_path, name, scores, queries=queries)
    found = match(select_model(tmp_path, "base")[0], select_model(tmp_path, "other")[0])
    assert len(found.queries) == 16 and np.isnan(found.base).sum() == 3 * 8
    german, english = (np.flatnonzero(~np.isnan(found.base[:, found.pairs.index(pair)])) for pair in ("de-en", "en-de"))
    assert [found.queries[row] for row in german] == queries["de-en"]
    assert found.base[german, found.pairs.index("de-en")].tolist() == scores["de-en"].tolist()
    assert np.unique(found.clusters[german], return_inverse=True)[1].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert found.base[english, found.pairs.index("en-de")].tolist() == [scores["en-de"][n ^ 1] for n in range(8)]


def test_pairs_are_chosen_by_pattern_and_the_lonely_are_named(tmp_path):
    base, other = two(tmp_path, other=values(1, ("en-en", "de-en", "de-de")))
    found = match(base, other)
    assert found.pairs == ("de-en", "en-en") and found.only_base == ("en-de",) and found.only_other == ("de-de",)
    assert match(base, other, pairs="*-en").only_other == ()
    with pytest.raises(UsageError, match="No language pair matches 'fr-en'"):
        match(base, other, pairs="fr-en")
    with pytest.raises(RecordError, match="share no pair"):
        match(base, other, pairs="en-de,de-de")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "task_version 1 against 2"),
        ({"task": "tos"}, "task toy against tos"),
        ({"options": {"split": "dev"}}, "options"),
        ({"scoring": {"judged_by": "qrels", "search": "ivf"}}, "scoring"),
        ({"data": {"en-de": "changed"}}, r"different texts or judgements in 1 of 3 pairs \(en-de\)"),
        ({"queries": {"en-en": [f"x{n}" for n in range(8)]}}, "scores of different queries"),
        ({"clusters": [f"c{n // 4}" for n in range(8)]}, "different clusters"),
    ],
)
def test_records_that_differ_in_more_than_the_encoder_are_refused(tmp_path, changes, message):
    base, other = two(tmp_path, **changes)
    with pytest.raises(RecordError, match=message):
        match(base, other)


def test_other_data_of_a_pair_that_is_not_compared_does_not_matter(tmp_path):
    base, other = two(tmp_path, data={"en-de": "changed"})
    assert match(base, other, pairs="*-en").pairs == ("de-en", "en-en")


def test_a_pair_without_a_query_that_the_other_pairs_have_is_refused(tmp_path):
    queries = {"en-en": ["q00001", "q00000", *(f"q{n:05}" for n in range(2, 8))]}
    base, other = two(tmp_path, queries=queries)
    assert match(base, other).queries
    queries["en-en"][0] = "new"
    write_record(tmp_path, "third", values(1), queries=queries)
    with pytest.raises(RecordError, match="only one has 1 query such as 'new'"):
        match(base, select_model(tmp_path, "third")[0])


def test_an_unknown_measure_is_named_with_those_there_are(tmp_path):
    base, other = two(tmp_path)
    with pytest.raises(UsageError, match=r"no measure 'ndcg@10'; it has nDCG@10\..*Did you mean nDCG@10"):
        match(base, other, "ndcg@10")


def test_differences_that_are_only_rounding_are_none(tmp_path):
    scores = values(0)
    base, other = two(tmp_path, other={pair: own + 1e-13 for pair, own in scores.items()})
    assert not match(base, other).differences.any()


def test_an_empty_measure_is_not_the_main_one(tmp_path):
    for name in ("base", "other"):
        write_record(tmp_path, name, {"en-en": [0.5, 1.0]})
    with pytest.raises(UsageError, match="no measure ''"):
        match(select_model(tmp_path, "base")[0], select_model(tmp_path, "other")[0], measure="")
