"""The CLEAR loss, as a loss of sentence-transformers."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from clearbench.common.errors import TrainingError, suggest
from clearbench.training.loss.base import LossOptions, NamedColumnsLoss
from clearbench.training.loss.columns import read_columns
from clearbench.training.loss.scores import DIVERGENCES, cosine_scores, cross_entropy, divergence
from clearbench.training.loss.texts import BatchTexts

KL_FORMS = (*DIVERGENCES, "none")
# Part of the loss -> its anchor and its candidates.
SIDES = {"forward": ("query", "passage"), "reverse": ("passage", "target_query")}


class CLEARLoss(NamedColumnsLoss):
    r"""CLEAR: English retrieval, retrieval of target-language questions by passages, and a divergence between the two.

    With cosines times `scale` (= 1 / temperature),

        S[i, :] = scale * cos(query_i,   [passage_all; passage_negative_1_all; ...; passage_negative_n_all])
        R[i, :] = scale * cos(passage_i, [target_query_all; target_query_negative_1_all; ...])

        L = (1 - alpha - beta) * CE(S, i) + alpha * CE(R, i) + beta * KL(softmax R || softmax S)
        without KL: (1 - alpha) * CE(S, i) + alpha * CE(R, i)

    Each column (slot, row) of S matches the same column of R, so target_query_negative_k must be the question of
    passage_negative_k. Both S and R receive gradient from the KL, except with kl="detached".

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

    Numbers of negatives. If n != m, each cross-entropy uses all its candidates, and the divergence uses the slots that
    both sides have. An empty string is not a candidate: it is excluded from the cross-entropy of its side and from the
    divergence. So a row may have fewer negatives than other rows, or none.

    Duplicates (`mask_duplicates`). A candidate is not a negative for a row if its passage or its question equals the
    row's own. It is excluded on both sides. Without this rule a copy of the positive would keep the cross-entropy above
    log 2, and a hard negative that is another row's positive would count against that row.

    Related losses: alpha = beta = 0 is InfoNCE from English questions (MultipleNegativesRankingLoss); alpha = 1 is
    InfoNCE from passages to target-language questions. `InfoNCELoss` with the anchor target_query is the cross-lingual
    baseline.

    Precision: cosines and everything after them are computed in float32, even under autocast (in float64 for a float64
    model).

    Args:
        model: The SentenceTransformer to train.
        columns: Column names in the dataset's order.
        alpha: Weight of the reverse cross-entropy.
        beta: Weight of the divergence; not used with kl="none".
        scale: 1 / temperature.
        kl: "reverse_forward", KL(softmax R || softmax S), as published; "forward_reverse", KL(softmax S || softmax R);
            "js", Jensen-Shannon; "detached", the published one without gradient through its target softmax R, so it
            moves only S; "none".
        shared: Fields of LossOptions: mini_batch_size, mini_batch_tokens, gather_across_devices, mask_duplicates,
            prompts.
    Raises:
        TrainingError: The columns are not those of the loss, or a weight is out of range; in training, a batch does
            not fit.
    Source: CLEAR (2026), arXiv 2604.05821. Deviations: a text that occurs twice in a batch is encoded once, with one
    dropout mask; duplicates are masked; the cached gradient equals the plain one, while the published code multiplies
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
        weights = weigh_parts(alpha, 0.0 if kl == "none" else beta)
        used = [part for part in SIDES if weights[part] > 0 or weights["kl"] > 0]
        read = read_columns(
            columns,
            needed=tuple(dict.fromkeys(["passage", *(column for part in used for column in SIDES[part])])),
            candidates=[SIDES[part][1] for part in used],
        )
        super().__init__(model, read, LossOptions(scale=scale, **shared))
        self.weights, self.kl = weights, kl
        self.sides = {part: SIDES[part] for part in used}

    def score(self, vectors: Mapping[str, Tensor], texts: BatchTexts) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum of the parts, and the unweighted parts ("forward", "reverse", "kl")."""
        both = len(self.sides) == len(SIDES)
        twins = {"passage": "target_query", "target_query": "passage"} if both else {}
        scores, excluded, parts = {}, {}, {}
        for part, (anchor, base) in self.sides.items():
            scores[part] = cosine_scores(vectors[anchor], self.candidate_vectors(base, vectors), self.options.scale)
            excluded[part] = self.exclusion_mask(base, texts, twins.get(base))
            if self.weights[part] > 0:
                parts[part] = cross_entropy(scores[part], excluded[part], self.first_row(texts))
        if self.weights["kl"] > 0:
            slots = min(mask.shape[1] for mask in excluded.values())  # the slots that both sides have
            either = excluded["forward"][:, :slots] | excluded["reverse"][:, :slots]
            width = either[0].numel()
            parts["kl"] = divergence(self.kl, scores["forward"][:, :width], scores["reverse"][:, :width], either)
        return torch.stack([self.weights[name] * part for name, part in parts.items()]).sum(), parts

    def get_config_dict(self) -> dict[str, Any]:
        """Return the settings that sentence-transformers writes into a model card."""
        weights = {"alpha": self.weights["reverse"], "beta": self.weights["kl"]}
        return {**weights, "kl": self.kl, **super().get_config_dict()}

    @property
    def citation(self) -> str:
        """BibTeX, for the model card."""
        return "@misc{clear2026,\n    title={CLEAR},\n    year={2026},\n    eprint={2604.05821},\n}\n"


def weigh_parts(alpha: float, beta: float) -> dict[str, float]:
    """Return the weights of the parts "forward", "reverse" and "kl".

    Raises:
        TrainingError: A weight is negative or NaN.
    """
    forward = 1.0 - alpha - beta
    # 1 - 0.7 - 0.3 is not quite 0 in floating point
    weights = {"forward": forward if abs(forward) > 1e-9 else 0.0, "reverse": alpha, "kl": beta}
    if not all(weight >= 0 for weight in weights.values()):  # NaN is not
        raise TrainingError(f"alpha={alpha}, beta={beta}: expected both at least 0 and their sum at most 1.")
    return weights
