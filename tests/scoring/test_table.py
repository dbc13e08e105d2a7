"""The table of judges."""

from builders.datasets import parallel_set

from clearbench.common.measures import RULES
from clearbench.scoring.qrels import QrelsJudge
from clearbench.scoring.table import JUDGES, make_judge


def test_every_rule_has_a_judge_and_the_measures_of_the_rule():
    assert JUDGES.keys() == RULES.keys()
    assert isinstance(make_judge(parallel_set()), QrelsJudge)
