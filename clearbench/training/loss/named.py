"""The table of losses that can be trained by name: CLEAR, its ablations and InfoNCE baselines, with their formulas.

S scores English questions against English passages, R scores English passages against target-language questions, and X
scores target-language questions against English passages. CE is the cross-entropy of each row's own positive.
scale = 1 / temperature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clearbench.training.loss.base import LossOptions, NamedColumnsLoss
from clearbench.training.loss.clear import CLEARLoss
from clearbench.training.loss.infonce import InfoNCELoss


@dataclass(frozen=True)
class NamedLoss:
    """A loss with its settings.

    Attributes:
        formula: The formula that it minimises.
        loss: The class: CLEARLoss or InfoNCELoss.
        settings: Arguments of the class.
        bases: Base columns that the loss reads.
        candidates: The base columns for which it also reads the negatives.
    """

    formula: str
    loss: type[CLEARLoss] | type[InfoNCELoss]
    settings: Mapping[str, Any]
    bases: tuple[str, ...] = ("query", "passage", "target_query")
    candidates: tuple[str, ...] = ("passage", "target_query")

    def columns(self, num_negatives: int) -> tuple[str, ...]:
        """Return the columns that the loss trains on, in their order."""
        negatives = (f"{base}_negative_{k}" for base in self.candidates for k in range(1, num_negatives + 1))
        return (*self.bases, *negatives)

    def make_loss(self, model: Any, columns: Sequence[str], options: LossOptions) -> NamedColumnsLoss:
        """Return the loss for a model and a dataset's columns.

        Args:
            model: The SentenceTransformer to train.
            columns: The dataset's columns in its order; columns that the formula does not read are not encoded.
            options: Options that every loss takes.
        Raises:
            TrainingError: The columns are not those of the loss.
        """
        return self.loss(model, columns, **self.settings, **vars(options))


ENGLISH_INFONCE = NamedLoss(
    "CE(S)", InfoNCELoss, {"anchors": ("query",)}, bases=("query", "passage"), candidates=("passage",)
)

LOSSES: dict[str, NamedLoss] = {
    "clear": NamedLoss(
        "0.4 CE(S) + 0.4 CE(R) + 0.2 KL(softmax R || softmax S)",
        CLEARLoss, {"alpha": 0.4, "beta": 0.2},
    ),
    "clear-no-kl": NamedLoss(
        "0.6 CE(S) + 0.4 CE(R)",
        CLEARLoss, {"alpha": 0.4, "kl": "none"},
    ),
    "clear-no-kl-half": NamedLoss(
        "0.5 CE(S) + 0.5 CE(R)",
        CLEARLoss, {"alpha": 0.5, "kl": "none"},
    ),
    # CLEAR with only its forward part is InfoNCE from English questions, so this loss has two names.
    "forward-only": ENGLISH_INFONCE,
    "reverse-only": NamedLoss(
        "CE(R)",
        CLEARLoss, {"alpha": 1.0, "kl": "none"}, bases=("passage", "target_query"), candidates=("target_query",),
    ),
    "clear-forward-reverse": NamedLoss(
        "0.4 CE(S) + 0.4 CE(R) + 0.2 KL(softmax S || softmax R)",
        CLEARLoss, {"alpha": 0.4, "beta": 0.2, "kl": "forward_reverse"},
    ),
    "clear-js": NamedLoss(
        "0.4 CE(S) + 0.4 CE(R) + 0.2 JS(softmax R, softmax S)",
        CLEARLoss, {"alpha": 0.4, "beta": 0.2, "kl": "js"},
    ),
    "clear-detached": NamedLoss(
        "0.4 CE(S) + 0.4 CE(R) + 0.2 KL(softmax R || softmax S), softmax R a constant",
        CLEARLoss, {"alpha": 0.4, "beta": 0.2, "kl": "detached"},
    ),
    "infonce": NamedLoss(
        "CE(X)",
        InfoNCELoss, {"anchors": ("target_query",)}, bases=("target_query", "passage"), candidates=("passage",),
    ),
    "infonce-en": ENGLISH_INFONCE,
    "mixed": NamedLoss(
        "0.5 CE(S) + 0.5 CE(X)",
        InfoNCELoss, {"anchors": ("query", "target_query")},
        bases=("query", "target_query", "passage"), candidates=("passage",),
    ),
}  # fmt: skip
