"""The table of all scoring rules, with their judges. A new rule needs a module and a row."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from clearbench.common.measures import ScoringRule
from clearbench.scoring.answers.judges import MkqaJudge, XorJudge
from clearbench.scoring.answers.xor import find_tokeniser
from clearbench.scoring.bitext import BitextJudge
from clearbench.scoring.judge import Judge
from clearbench.scoring.qrels import QrelsJudge
from clearbench.tasks.dataset import Dataset

JUDGES: Mapping[ScoringRule, Callable[[Dataset, bool], Judge]] = MappingProxyType(
    {
        "qrels": lambda data, offline: QrelsJudge(data),
        "bitext": lambda data, offline: BitextJudge(data),
        "xor": lambda data, offline: XorJudge(data, find_tokeniser(data.tokeniser, offline)),
        "mkqa": lambda data, offline: MkqaJudge(data),
    }
)
"""Rule, as task files name it in `judged_by` -> its judge, from the data and whether nothing may be downloaded."""


def make_judge(data: Dataset, offline: bool = False) -> Judge:
    """Return the judge of a loaded task.

    Args:
        data: The task's data.
        offline: Download nothing that the rule needs.
    Raises:
        ScoringError: The official tokeniser of XOR-Retrieve lacks its data.
    """
    return JUDGES[data.judged_by](data, offline)
