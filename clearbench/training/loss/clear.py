"""The CLEAR loss, and InfoNCE as its rival, as losses of sentence-transformers; columns are known by name."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clearbench.common.errors import TrainingError, suggest
from clearbench.training.loss.columns import NamedColumnsLoss
from clearbench.training.loss.scores import (
    DIVERGENCES,
    cosine_scores,
    cross_entropy,
    divergence,
    same_text,
    share_duplicates,
)
from clearbench.training.loss.texts import BatchTexts

KL_FORMS = (*DIVERGENCES, "none")
# Part of the loss -> its anchor and its candidates.
SIDES = {"forward": ("query", "passage"), "reverse": ("passage", "target_query")}


class CLEARLoss(NamedColumnsLoss):
    r"""CLEAR: English retrieval, passages back to target-language questions, and a divergence that aligns the two.

    With cosines times `scale` (= 1 / temperature),

        S[i, :] = scale * cos(query_i,   [passage_all; passage_negative_1_all; ...; passage_negative_n_all])
        R[i, :] = scale * cos(passage_i, [target_query_all; target_query_negative_1_all; ...])

        L = (1 - alpha - beta) * CE(S, i) + alpha * CE(R, i) + beta * KL(softmax R || softmax S)
        without KL: (1 - alpha) * CE(S, i) + alpha * CE(R, i)

    Column (slot, row) of S and of R belong together: target_query_negative_k must be the question of
    passage_negative_k. Both sides of the KL receive gradient, except with kl="detached".

    Inputs:
        +-------------------------------------------------------------------+--------+
        | Columns (by name)                                                 | Labels |
        +===================================================================+========+
        | query, passage, target_query                                      | none   |
        +-------------------------------------------------------------------+--------+
        | the same, passage_negative_1..n                                   | none   |
        +-------------------------------------------------------------------+--------+
        | the same, passage_negative_1..n, target_query_negative_1..m       | none   |
        +-------------------------------------------------------------------+--------+

    Numbers of negatives. With n != m the cross-entropies take all their candidates, the divergence the slots that
    both sides have. An empty string is no candidate: it is left out of that side's cross-entropy, and of the
    divergence where either side lacks it. So rows may have fewer negatives than others, or none.

    Duplicates (`mask_duplicates`). A candidate whose passage, or whose question, is the same text as the row's positive
    is no negative for the row: left out on both sides. Otherwise a copy of the positive keeps the cross-entropy above
    log 2, and a hard negative that is another row's positive counts against that row.

    Relations: alpha = beta = 0 is InfoNCE from English questions (MultipleNegativesRankingLoss); alpha = 1 is InfoNCE
    from passages to target-language questions. A cross-lingual rival is `InfoNCELoss` with anchor target_query.

    Precision: cosines and everything after them in float32 also under autocast (float64 for a float64 model).

    Args:
        model: The SentenceTransformer to train.
        columns: Column names in the dataset's order.
        alpha: Weight of the reverse cross-entropy.
        beta: Weight of the divergence; without meaning for kl="none".
        scale: 1 / temperature.
        kl: "reverse_forward", KL(softmax R || softmax S), as published; "forward_reverse", KL(softmax S || softmax R);
            "js", Jensen-Shannon; "detached", the published one with its target softmax R taken as a constant, so that
            it moves S alone; "none".
        shared: See NamedColumnsLoss: mini_batch_size, mini_batch_tokens, gather_across_devices, mask_duplicates,
            prompts.
    Raises:
        TrainingError: A wrong set of columns or a weight out of range; in training, a batch that does not fit.
    Source: CLEAR (2026), arXiv 2604.05821. Deviations: a text that is in a batch twice is encoded once, hence with one
    dropout mask; duplicates are masked; the cached gradient equals the plain one, where the published code multiplies
    it by the number of mini-batches.

    Example:
        >>> columns = ("query", "passage", "target_query", "passage_negative_1", "target_query_negative_1")
        >>> loss = CLEARLoss(model, columns, mini_batch_tokens=4096)                                # doctest: +SKIP
        >>> SentenceTransformerTrainer(
        ...     model, train_dataset=dataset.select_columns(columns), loss=loss).train()            # doctest: +SKIP
    """

    def __init__(
        self,
        model: Any,
        columns: Sequence[str],
        alpha: float = 0.4,
        beta: float = 0.2,
        scale: float = 20.0,
        kl: str = "reverse_forward",
        **shared: Any,
    ) -> None:
        if kl not in KL_FORMS:
            raise TrainingError(f"kl={kl!r}: expected one of {', '.join(KL_FORMS)}.{suggest(kl, KL_FORMS)}")
        beta = 0.0 if kl == "none" else beta
        forward = 1.0 - alpha - beta
        # 1 - 0.7 - 0.3 is not quite 0 in floating point
        weights = {"forward": forward if abs(forward) > 1e-9 else 0.0, "reverse": alpha, "kl": beta}
        if min(weights.values()) < 0:
            raise TrainingError(f"alpha={alpha}, beta={beta}: expected both at least 0 and their sum at most 1.")
        anchors = {"query": "forward", "target_query": "reverse"}
        used = [column for column, part in anchors.items() if weights[part] or beta]
        super().__init__(model, columns, needed=("passage", *used), scale=scale, **shared)
        self.alpha, self.beta, self.kl = alpha, beta, kl
        self.weights = weights

    def score(self, vectors: Mapping[str, Tensor], texts: BatchTexts) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum and the parts "forward", "reverse", "kl" as far as they have a weight."""
        num_rows = len(vectors["passage"])
        offset = self.offset(num_rows)
        scores, duplicate, missing = {}, {}, {}
        for part, (anchor, base) in SIDES.items():
            if {anchor, base} <= set(self.needed):
                pool = self.candidates(base, vectors, texts)
                scores[part] = cosine_scores(vectors[anchor], pool, self.scale)
                missing[part] = pool.missing
                duplicate[part] = same_text(pool.keys, offset, num_rows)
        if len(scores) == len(SIDES):
            duplicate["forward"], duplicate["reverse"] = share_duplicates(duplicate["forward"], duplicate["reverse"])
        excluded = {part: missing[part] | (duplicate[part] & self.mask_duplicates) for part in scores}
        parts = {part: cross_entropy(scores[part], excluded[part], offset) for part in scores if self.weights[part] > 0}
        if self.weights["kl"] > 0:
            slots = min(excluded["forward"].shape[1], excluded["reverse"].shape[1])
            width = slots * excluded["forward"].shape[2]
            either = excluded["forward"][:, :slots] | excluded["reverse"][:, :slots]
            parts["kl"] = divergence(self.kl, scores["forward"][:, :width], scores["reverse"][:, :width], either)
        return torch.stack([self.weights[name] * part for name, part in parts.items()]).sum(), parts

    def get_config_dict(self) -> dict[str, Any]:
        """Return the settings that sentence-transformers writes into a model card."""
        return {"alpha": self.alpha, "beta": self.beta, "kl": self.kl, **super().get_config_dict()}

    @property
    def citation(self) -> str:
        """BibTeX, for the model card."""
        return "@misc{clear2026,\n    title={CLEAR},\n    year={2026},\n    eprint={2604.05821},\n}\n"


class InfoNCELoss(NamedColumnsLoss):
    """InfoNCE from questions to English passages: MultipleNegativesRankingLoss on columns known by name.

    The mean over `anchors` of CE(scale * cos(anchor_i, [passage_all; passage_negative_1_all; ...]), i). The formula is
    sentence-transformers' own; rows that lack negatives, duplicates, float32 scores and the encoding of a batch are
    treated as in `CLEARLoss`, so that the two differ in nothing but the formula.

    Args:
        model: The SentenceTransformer to train.
        columns: Column names in the dataset's order.
        anchors: "target_query" (cross-lingual), "query" (English), or both.
        scale: 1 / temperature.
        shared: See NamedColumnsLoss.
    Raises:
        TrainingError: As CLEARLoss.
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
        from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

        if not anchors or set(anchors) - {"query", "target_query"}:
            raise TrainingError(f"anchors={list(anchors)}: expected 'query', 'target_query', or both.")
        super().__init__(model, columns, needed=("passage", *anchors), scale=scale, **shared)
        self.num_negatives["target_query"] = 0  # questions are anchors here, never candidates
        self.anchors = tuple(anchors)
        self.ranking = MultipleNegativesRankingLoss(
            model, scale=scale, gather_across_devices=self.gather_across_devices
        )

    def score(self, vectors: Mapping[str, Tensor], texts: BatchTexts) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the mean over anchors, and each anchor's part under its column's name."""
        passages = [vectors[slot] for slot in self.slots("passage")]
        num_rows = len(passages[0])
        keys_SN, offset = self.keys("passage", texts), self.offset(num_rows)
        labels = torch.arange(num_rows)  # not read: the positives lie on the diagonal
        parts = {}
        for anchor in self.anchors:
            duplicate, _ = share_duplicates(
                same_text(keys_SN, offset, num_rows), same_text(self.keys(anchor, texts), offset, num_rows)
            )
            excluded = self.missing(keys_SN) | (duplicate & self.mask_duplicates)
            self.ranking.similarity_fct = partial(_masked_cosines, excluded.flatten(1))
            parts[anchor] = self.ranking.compute_loss_from_embeddings([vectors[anchor], *passages], labels)
        return torch.stack(list(parts.values())).mean(), parts

    def get_config_dict(self) -> dict[str, Any]:
        """Return the settings that sentence-transformers writes into a model card."""
        return {"anchors": list(self.anchors), **super().get_config_dict()}


def _masked_cosines(excluded: Tensor, anchors: Tensor, passages: Tensor) -> Tensor:
    cosines = normalize(anchors, dim=1) @ normalize(passages, dim=1).T
    return cosines.masked_fill(excluded, -torch.inf)
