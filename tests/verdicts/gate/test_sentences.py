"""A gate in sentences: what would decide, the badge, signs."""

import re
from dataclasses import replace

from clearbench.common.measures import Measure
from clearbench.verdicts.gate import sentences


def test_sentences_say_what_would_decide(result):
    explained = sentences.explain_all(result)
    [undecided] = [sentence for sentence in explained if sentence.startswith("c ")]
    assert re.search(r"about [\d,]+ queries \([\d,]+ clusters\) would decide with a chance of 80%", undecided)
    assert "1 query in 1 cluster are too few: a decision needs 23 clusters" in next(
        s for s in explained if s.startswith("d ")
    )
    assert not any(sentence.startswith("a ") for sentence in explained)


def test_the_badge_is_one_line_about_the_tightest_verdict(result):
    passing = replace(result, verdicts=result.verdicts[:1])
    assert sentences.badge(passing).startswith("English gate: pass · a en-en +0.05 [")
    assert "\n" not in sentences.badge(result)
    assert " b en-en " in sentences.badge(replace(result, verdicts=result.verdicts[:3]))


def test_zero_has_no_sign():
    measure = Measure("nDCG@10")
    assert sentences.show_signed(-0.00001, measure) == "0.00" == sentences.show_signed(0.0, measure)
    assert (sentences.show_signed(-0.1, measure), sentences.show_signed(0.1, measure)) == ("-10.00", "+10.00")


def test_hostile_names_do_not_break_the_badge_s_line(hostile):
    assert "\n" not in sentences.badge(hostile)
