"""What `run --pool mixed` says in words about the language of a passage."""

from dataclasses import replace

from clearbench.cli.show.bias import bias_sentences
from clearbench.common.measures import OWN_FIRST
from clearbench.stats.ranks import Friedman
from clearbench.stats.summaries import BiasSummary, LanguageRank, MeasureValue

BIAS = BiasSummary(
    own_first=MeasureValue(0.75, 0.7, 0.8),
    chance=0.5,
    languages={
        "de": LanguageRank(10, 1.5, -0.25, -0.5, 0.0),
        "en": LanguageRank(10, 3.0, 0.5, 0.1, 0.9),
        "sw": LanguageRank(10, 2.0, -0.125, None, None),
    },
    friedman=Friedman(4.0, 0.02, 9, 3),
    left_out={OWN_FIRST: 200},
)


def test_the_share_is_over_the_queries_that_have_a_value_and_beside_what_chance_gives():
    first, _ = bias_sentences(BIAS, 1_500)
    assert "75.0% of 1,300 queries (95% interval 70.0 to 80.0%)" in first
    assert "A ranking that ignores language would give 50.0%." in first
    assert first.endswith("Result: the model prefers the query's language.")


def test_each_side_of_chance_is_said_and_too_few_questions_too():
    def preference(own_first):
        return next(bias_sentences(replace(BIAS, own_first=own_first), 1_500)).rpartition(": ")[2]

    assert preference(MeasureValue(0.25, 0.2, 0.3)) == "the model prefers other languages to the query's language."
    assert preference(MeasureValue(0.5, 0.4, 0.6)) == "no preference for the query's language is seen."
    assert preference(MeasureValue(0.9, None, None)) == "there are too few independent questions to decide."


def test_the_languages_that_come_first_and_last_are_named_with_their_gaps():
    _, second = bias_sentences(BIAS, 1_500)
    assert "German is ranked highest (-0.25 places from the mean)" in second
    assert "and English lowest (+0.50). Friedman's test over 9 independent blocks: p = 0.020." in second
    untested = list(bias_sentences(replace(BIAS, friedman=None), 1_500))[1]
    assert "Friedman's test needs two independent questions" in untested


def test_nothing_is_said_of_what_was_not_measured():
    only = {"de": BIAS.languages["de"]}
    assert list(bias_sentences(replace(BIAS, own_first=None, chance=None, languages=only), 9)) == []
