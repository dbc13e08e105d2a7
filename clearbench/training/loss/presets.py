"""The losses that can be trained by name: CLEAR, its rivals, and its ablations, with their formulas.

S scores English questions against English passages, R English passages against target-language questions, X
target-language questions against English passages; CE takes each row's own positive. scale = 1 / temperature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clearbench.training.loss.clear import CLEARLoss, InfoNCELoss
from clearbench.training.loss.columns import NamedColumnsLoss


@dataclass(frozen=True)
class Preset:
    """A named loss.

    Attributes:
        formula: What it minimises.
        sides: Base columns it reads; of "passage" and, if `query_negatives`, "target_query" the negatives too.
        settings: Arguments of the loss.
        loss: CLEARLoss or InfoNCELoss.
        query_negatives: Whether target_query_negative_<k> are read.
    """

    formula: str
    sides: tuple[str, ...]
    settings: Mapping[str, Any]
    loss: type[NamedColumnsLoss] = CLEARLoss
    query_negatives: bool = False
    passage_negatives: bool = True

    def columns(self, num_negatives: int) -> tuple[str, ...]:
        """Return the columns to train on, in the order to train on them."""
        numbers = range(1, num_negatives + 1)
        passages = [f"passage_negative_{k}" for k in numbers if self.passage_negatives]
        queries = [f"target_query_negative_{k}" for k in numbers if self.query_negatives]
        return (*self.sides, *passages, *queries)

    def make_loss(
        self,
        model: Any,
        columns: Sequence[str],
        scale: float = 20.0,
        mini_batch_tokens: int | None = None,
        gather: bool = False,
        mini_batch_size: int | None = None,
        prompts: Mapping[str, str] | None = None,
    ) -> NamedColumnsLoss:
        """Return the loss for a model and a dataset's columns.

        Args:
            model: The SentenceTransformer to train.
            columns: The dataset's columns in its order; columns that the formula does not read are not encoded.
            scale: 1 / temperature.
            mini_batch_tokens: Padded tokens per mini-batch; with it or `mini_batch_size` gradients are cached.
            gather: Candidates of all processes.
            mini_batch_size: Texts per mini-batch.
            prompts: Column -> prompt that the data collator prepends.
        Raises:
            TrainingError: A wrong set of columns, or a limit out of range.
        """
        return self.loss(
            model,
            columns,
            scale=scale,
            mini_batch_size=mini_batch_size,
            mini_batch_tokens=mini_batch_tokens,
            gather_across_devices=gather,
            prompts=prompts,
            **self.settings,
        )


ALL = ("query", "passage", "target_query")

PRESETS: dict[str, Preset] = {
    "clear": Preset(
        "0.4 CE(S) + 0.4 CE(R) + 0.2 KL(softmax R || softmax S)",
        ALL, {"alpha": 0.4, "beta": 0.2}, query_negatives=True,
    ),
    "clear-no-kl": Preset(
        "0.6 CE(S) + 0.4 CE(R)",
        ALL, {"alpha": 0.4, "kl": "none"}, query_negatives=True,
    ),
    "clear-no-kl-half": Preset(
        "0.5 CE(S) + 0.5 CE(R)",
        ALL, {"alpha": 0.5, "kl": "none"}, query_negatives=True,
    ),
    "forward-only": Preset(
        "CE(S)",
        ("query", "passage"), {"alpha": 0.0, "kl": "none"},
    ),
    "reverse-only": Preset(
        "CE(R)",
        ("passage", "target_query"), {"alpha": 1.0, "kl": "none"}, query_negatives=True, passage_negatives=False,
    ),
    "clear-forward-reverse": Preset(
        "0.4 CE(S) + 0.4 CE(R) + 0.2 KL(softmax S || softmax R)",
        ALL, {"alpha": 0.4, "beta": 0.2, "kl": "forward_reverse"}, query_negatives=True,
    ),
    "clear-js": Preset(
        "0.4 CE(S) + 0.4 CE(R) + 0.2 JS(softmax R, softmax S)",
        ALL, {"alpha": 0.4, "beta": 0.2, "kl": "js"}, query_negatives=True,
    ),
    "clear-detached": Preset(
        "0.4 CE(S) + 0.4 CE(R) + 0.2 KL(softmax R || softmax S), softmax R a constant",
        ALL, {"alpha": 0.4, "beta": 0.2, "kl": "detached"}, query_negatives=True,
    ),
    "infonce": Preset(
        "CE(X)",
        ("target_query", "passage"), {"anchors": ("target_query",)}, InfoNCELoss,
    ),
    "infonce-en": Preset(
        "CE(S)",
        ("query", "passage"), {"anchors": ("query",)}, InfoNCELoss,
    ),
    "mixed": Preset(
        "0.5 CE(S) + 0.5 CE(X)",
        ("query", "target_query", "passage"), {"anchors": ("query", "target_query")}, InfoNCELoss,
    ),
}  # fmt: skip
