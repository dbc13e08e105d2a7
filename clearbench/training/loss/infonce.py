"""InfoNCE, the usual contrastive loss, as a loss for sentence-transformers."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from clearbench.common.errors import TrainingError
from clearbench.training.loss.base import LossOptions, NamedColumnsLoss
from clearbench.training.loss.columns import read_columns
from clearbench.training.loss.scores import cosine_scores, cross_entropy
from clearbench.training.loss.texts import BatchTexts


class InfoNCELoss(NamedColumnsLoss):
    """InfoNCE from questions to English passages: MultipleNegativesRankingLoss on columns found by name.

    The mean over `anchors` of CE(scale * cos(anchor_i, [passage_all; passage_negative_1_all; ...]), i). Missing
    negatives, duplicates, float32 scores and the encoding of a batch are handled as in `CLEARLoss`, so the two losses
    differ only in their formula.

    Args:
        model: The SentenceTransformer to train.
        columns: Column names in the dataset's order.
        anchors: "target_query" (cross-lingual), "query" (English), or both.
        scale: 1 / temperature.
        shared: Fields of LossOptions: mini_batch_size, mini_batch_tokens, gather_across_devices, mask_duplicates,
            prompts.
    Raises:
        TrainingError: See CLEARLoss.
    Source: van den Oord et al. (2018), arXiv 1807.03748, equation 4.
    """

    def __init__(
        self,
        model: Any,
        columns: Sequence[str],
        anchors: Sequence[str] = ("target_query",),
        scale: float = 20.0,
        **shared: Any,
    ) -> None:
        if not anchors or set(anchors) - {"query", "target_query"}:
            raise TrainingError(f"anchors={list(anchors)}: expected 'query', 'target_query', or both.")
        read = read_columns(columns, needed=("passage", *anchors), candidates=("passage",))
        super().__init__(model, read, LossOptions(scale=scale, **shared))
        self.anchors = tuple(anchors)

    def score(self, vectors: Mapping[str, Tensor], texts: BatchTexts) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the mean over the anchors, and anchor column -> its part."""
        passages_SND = self.candidate_vectors("passage", vectors)
        parts = {}
        for anchor in self.anchors:
            scores = cosine_scores(vectors[anchor], passages_SND, self.options.scale)
            parts[anchor] = cross_entropy(scores, self.exclusion_mask("passage", texts, anchor), self.first_row(texts))
        return torch.stack(list(parts.values())).mean(), parts

    def get_config_dict(self) -> dict[str, Any]:
        """Return the settings that sentence-transformers writes into a model card."""
        return {"anchors": list(self.anchors), **super().get_config_dict()}
