"""Language bias: scipy's tests, the definitions spelt out over whole rankings, ties, clusters."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pytest
from builders.values import require
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from clearbench.common.languages import MULTIPLE, parse_language
from clearbench.common.measures import find_measure
from clearbench.scoring.bias import has_several, judge_bias
from clearbench.scoring.compute import MEASURE_NAMES, score_run
from clearbench.search.exact import relevant_ranks_by_blocks
from clearbench.search.pool import Pool, make_pool, order_scores
from clearbench.search.scores import RowScores
from clearbench.stats.summaries import summarise_measures
from clearbench.tasks.dataset import Dataset, TaskPair, Texts


@dataclass(frozen=True)
class Scored:
    """An open pool with given scores."""

    pool: Pool
    scores: np.ndarray = field(repr=False)

    def relevant_ranks(self, queries, gold_QG):
        return relevant_ranks_by_blocks(RowScores(lambda a, b: self.scores[a:b]), gold_QG, self.pool)


def judge(ids, languages, scores, qrels, query_language="de", with_peer=True):
    passages = Texts(MULTIPLE, tuple(ids), tuple(ids), tuple(map(parse_language, languages)))
    queries = Texts(parse_language(query_language), tuple(qrels), tuple(qrels))
    pool, _ = make_pool(ids, [key.encode() for key in ids])
    scores = np.asarray(scores, dtype=np.float32)
    ranked = order_scores(scores, pool, 100)
    pair = TaskPair(queries.language, MULTIPLE, "queries", "pool", "qrels")
    data = Dataset("toy", 1, {"pool": passages}, {"queries": queries}, {"qrels": qrels}, (pair,))
    bias = judge_bias(data, pair, cast(Any, Scored(pool, scores)), ranked, with_peer)
    return bias, {name: bias.scores[:, place] for place, name in enumerate(bias.measures)}


@st.composite
def mixed_cases(draw):
    languages = draw(st.lists(st.sampled_from(["de", "en", "sw"]), min_size=2, max_size=14))
    ids = [f"{language}/{place}" for place, language in enumerate(languages)]
    num_queries = draw(st.integers(1, 3))
    row = st.lists(st.integers(0, 6).map(float), min_size=len(ids), max_size=len(ids))
    scores = draw(st.lists(row, min_size=num_queries, max_size=num_queries))
    judged = st.dictionaries(st.sampled_from(ids), st.integers(0, 2), min_size=1)
    return ids, languages, scores, {f"q{place}": draw(judged) for place in range(num_queries)}


@given(mixed_cases())
def test_every_measure_follows_its_definition_over_the_whole_ranking(case):
    ids, languages, scores, qrels = case
    language = dict(zip(ids, languages, strict=True))
    bias, measured = judge(*case)
    for row, judged in enumerate(qrels.values()):
        score = dict(zip(ids, scores[row], strict=True))
        ranking = sorted(ids, key=lambda key: (score[key], key), reverse=True)
        relevant = [key for key in ranking if judged.get(key, 0) > 0]
        own, others = ([key for key in relevant if (language[key] == "de") is same] for same in (True, False))
        value = {name: column[row] for name, column in measured.items()}

        def expect(name, number, value=value):
            assert value[name] == pytest.approx(number, nan_ok=True, abs=1e-12), name

        nothing = float("nan")
        expect("TLR@10", np.mean([key in ranking[:10] for key in others]) if others else nothing)
        expect("MAP", np.mean([n / (1 + ranking.index(key)) for n, key in enumerate(relevant, 1)] or [nothing]))
        for name, targets in (("one_target_same", own), ("one_target_other", others)):
            alone = [[key for key in ranking if key == target or key not in relevant] for target in targets]
            found = [1 / (1 + order.index(target)) for target, order in zip(targets, alone, strict=True)]
            expect(name, np.mean(found or [nothing]))
        expect("Max@R", 1 + ranking.index(relevant[-1]) if relevant else nothing)
        if own and others:
            best = [key for key in relevant if score[key] == score[relevant[0]]]
            expect("lpr_first", np.mean([key in own for key in best]))
            wins = [(score[a] > score[b]) + 0.5 * (score[a] == score[b]) for a in own for b in others]
            expect("lpr_pairwise", np.mean(wins))
            assert bias.chance[row] == len(own) / len(relevant)
        else:
            expect("lpr_first", nothing)
            expect("lpr_pairwise", nothing)
            assert np.isnan(bias.chance[row])
        gain = sum(1 / np.log2(2 + ranking.index(key)) for key in own if key in ranking[:10])
        ideal = sum(1 / np.log2(2 + place) for place in range(min(len(own), 10)))
        expect("lang_nDCG_strict@10", gain / ideal if own else nothing)
        content, side = ranking[0] in relevant, language[ranking[0]] == "de"
        classes = {f"top1_{'right' if c else 'wrong'}_{'same' if s else 'other'}" for c in (0, 1) for s in (0, 1)}
        expect(f"top1_{'right' if content else 'wrong'}_{'same' if side else 'other'}", 1.0)
        assert sum(value[name] for name in classes) == 1.0
        for place, code in enumerate(bias.languages):
            group = [key for key in relevant if language[key] == str(code)]
            tied = [1 + ranking.index(key) for key in ids if group and score[key] == score[group[0]]]
            assert bias.ranks[row, place] == pytest.approx(np.mean(tied) if group else nothing, nan_ok=True)


@given(st.permutations([(language, place) for language in ("de", "en") for place in range(4)]), st.data())
def test_every_measure_has_its_unit_and_gains_where_a_relevant_passage_moves_up(order, data):
    """A relevant passage changes places with an irrelevant one right before it, in the same language."""
    relevant = {("de", 0), ("en", 0), ("de", 1)}
    swaps = [
        n for n in range(7) if order[n] not in relevant and order[n + 1] in relevant and order[n][0] == order[n + 1][0]
    ]
    if not swaps:
        return
    place = data.draw(st.sampled_from(swaps))
    better = [*order[:place], order[place + 1], order[place], *order[place + 2 :]]
    worse, gained = (measure_order(ranking, relevant) for ranking in (order, better))
    for name, value in worse.items():
        measure = find_measure(name)
        assert 0 <= value <= 1 if measure.unit == "share" else value == int(value) >= 1, name
        if measure.better != "neither" and not name.startswith("PEER"):  # no ranking is better by PEER, only fairer
            assert measure.sign * gained[name] >= measure.sign * value - 1e-12, name


def test_each_measure_gains_somewhere_in_the_test_above():
    relevant = {("de", 0), ("en", 0), ("de", 1)}
    last = [
        ("de", 2),
        ("en", 1),
        ("en", 2),
        ("de", 3),
        ("en", 3),
        *(("en", 10 + n) for n in range(120)),
        *sorted(relevant),
    ]
    first = [*sorted(relevant), *(one for one in last if one not in relevant)]
    worse, gained = (measure_order(ranking, relevant) for ranking in (last, first))
    same = {name for name in worse if not find_measure(name).sign * (gained[name] - worse[name]) > 0}
    assert same == {"top1_right_other", "top1_wrong_other", "lpr_first", "lpr_pairwise", "PEER@10", "PEER@100"}


def measure_order(order, relevant):
    """Every measure of judgements and of mixed pools for one German query's ranking: name -> value."""
    ids = {passage: f"{passage[0]}/{passage[1]}" for passage in order}
    scores = [float(-place) for place in range(len(order))]
    qrels = {"q": {ids[passage]: 1 for passage in relevant}}
    _, columns = judge(list(ids.values()), [language for language, _ in order], [scores], qrels)
    run = {"q": dict(zip(ids.values(), scores, strict=True))}
    judged = dict(zip(MEASURE_NAMES, score_run(run, qrels, ["q"])[0].tolist(), strict=True))
    return judged | {name: float(column[0]) for name, column in columns.items()}


def test_codes_of_languages_decide_nothing_where_scores_tie():
    # German query, and no score for the passages in other languages: they tie, and ids begin with the language.
    for second, third in (("en", "sw"), ("zu", "zh"), ("ar", "zu")):
        ids = [f"{language}/p" for language in ("de", second, third)]
        bias, measured = judge(ids, ["de", second, third], [[1.0, 0.0, 0.0]], {"q": dict.fromkeys(ids, 1)})
        ranks = dict(zip(map(str, bias.languages), bias.ranks[0].tolist(), strict=True))
        assert ranks == {"de": 1.0, second: 2.5, third: 2.5}
        assert (measured["lpr_first"][0], measured["Max@R"][0]) == (1.0, 3.0)
    even = judge(ids, ["de", second, third], [[0.0, 0.0, 0.0]], {"q": dict.fromkeys(ids, 1)})[1]
    assert (even["lpr_first"][0], even["lpr_pairwise"][0]) == (pytest.approx(1 / 3), 0.5)


def test_peer_is_measured_only_where_it_can_say_something():
    ids, languages = ["de/a", "de/b", "en/a", "en/b"], ["de", "de", "en", "en"]
    passages = Texts(MULTIPLE, tuple(ids), tuple(ids), tuple(map(parse_language, languages)))
    pair = TaskPair(MULTIPLE, MULTIPLE, "queries", "pool", "qrels")
    data = Dataset("toy", 1, {"pool": passages}, {}, {"qrels": {"q": {"de/a": 1, "en/a": 1, "de/b": 0}}}, (pair,))
    assert not has_several(data)
    assert has_several(replace(data, qrels={"qrels": {"q": {"de/a": 1, "en/a": 1, "de/b": 2}}}))
    _, measured = judge(ids, languages, [[4.0, 3.0, 2.0, 1.0]], {"q": dict.fromkeys(ids, 1)})
    assert measured["PEER@10"][0] == pytest.approx(stats.kruskal([1, 2], [3, 4]).pvalue)
    assert "PEER@10" not in judge(ids, languages, [[4.0, 3.0, 2.0, 1.0]], {"q": {"de/a": 1}}, with_peer=False)[1]


def test_queries_without_a_value_are_left_out_of_a_mean_and_counted_nowhere_as_zero():
    scores = np.array([[1.0, np.nan], [0.0, np.nan], [np.nan, np.nan]])
    found = summarise_measures(["TLR@10", "lpr_first"], scores, np.arange(3))
    assert found["TLR@10"].mean == 0.5 and "lpr_first" not in found
    ranks = np.array([[7.0], [9.0]])
    upper = summarise_measures(["Max@R"], ranks, np.arange(2))["Max@R"].upper
    assert require(upper) > 9.0, "a rank is not cut to [0, 1]"
    assert summarise_measures(["TLR@10"], np.array([[1.0], [0.0]]), np.arange(2))["TLR@10"].upper == 1.0
