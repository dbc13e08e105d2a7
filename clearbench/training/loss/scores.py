"""Score matrices, their masks, and the divergences between two distributions over the same candidates.

Shapes: B rows of this process, N rows of all processes, S slots (slot 0 is the positive, slot k the k-th negative),
D dimensions. Candidates lie slot by slot: column s * N + j of a score matrix is slot s of row j.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy as log_loss
from torch.nn.functional import kl_div, normalize

from clearbench.common.errors import TrainingError


@dataclass(frozen=True)
class Candidates:
    """All candidates of one side (passages or questions).

    Attributes:
        vectors: Unit-norm, [S, N, D].
        keys: Text keys, int64 [S, N].
        missing: True where a row has no text in this slot, bool [S, N].
    """

    vectors: Tensor
    keys: Tensor
    missing: Tensor


def cosine_scores(anchor_BD: Tensor, candidates: Candidates, scale: float) -> Tensor:
    """Return scale * cosine, [B, S * N]; to be called with autocast off, which would score in bfloat16."""
    return scale * normalize(anchor_BD, dim=1) @ candidates.vectors.flatten(0, 1).T


def same_text(keys_SN: Tensor, offset: int, num_rows: int) -> Tensor:
    """Return where a candidate, other than the row's own positive, is the same text as that positive, [B, S, N]."""
    positive_B = keys_SN[0, offset : offset + num_rows]
    same_BSN = keys_SN[None] == positive_B[:, None, None]
    row = torch.arange(num_rows, device=positive_B.device)
    same_BSN[row, 0, offset + row] = False
    return same_BSN


def share_duplicates(passages_BSN: Tensor, queries_BSN: Tensor) -> tuple[Tensor, Tensor]:
    """Return both masks with what either says of a slot that both have.

    Another question about the row's passage is no negative for that passage, nor is a passage that answers the row's
    own question a negative for it; and the two softmaxes then range over the same candidates.
    """
    shared = min(passages_BSN.shape[1], queries_BSN.shape[1])
    either = passages_BSN[:, :shared] | queries_BSN[:, :shared]
    return (
        torch.cat([either, passages_BSN[:, shared:]], dim=1),
        torch.cat([either, queries_BSN[:, shared:]], dim=1),
    )


def cross_entropy(scores: Tensor, excluded_BSN: Tensor, offset: int) -> Tensor:
    """Return the mean cross-entropy of each row's own positive among the candidates that are not excluded."""
    labels = torch.arange(offset, offset + len(scores), device=scores.device)
    return log_loss(scores.masked_fill(excluded_BSN.flatten(1), -torch.inf), labels)


def _kl(target: Tensor, other: Tensor) -> Tensor:
    # log_target: a target that underflows to 0 has no finite logarithm, and NaN gradients; batchmean: "mean" would
    # divide by the number of candidates too.
    return kl_div(other, target, reduction="batchmean", log_target=True)


def _jensen_shannon(log_s: Tensor, log_r: Tensor) -> Tensor:
    middle = torch.logaddexp(log_s, log_r) - log(2.0)
    return 0.5 * _kl(log_s, middle) + 0.5 * _kl(log_r, middle)


# Name -> divergence of (log softmax S, log softmax R). S: English question -> passages; R: passage -> questions.
DIVERGENCES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "reverse_forward": lambda log_s, log_r: _kl(log_r, log_s),
    "forward_reverse": lambda log_s, log_r: _kl(log_s, log_r),
    "js": _jensen_shannon,
    "detached": lambda log_s, log_r: _kl(log_r.detach(), log_s),
}


def divergence(kind: str, forward: Tensor, reverse: Tensor, excluded_BSN: Tensor) -> Tensor:
    """Return the divergence between the softmaxes of two score matrices, mean over rows.

    Args:
        kind: A name of `DIVERGENCES`.
        forward: S, [B, S * N], column by column the same (slot, row) as `reverse`.
        reverse: R, of the same shape.
        excluded_BSN: Candidates out of both distributions.
    Raises:
        TrainingError: The two do not have the same candidates.
    """
    if forward.shape != reverse.shape:  # kl_div would broadcast a single column
        raise TrainingError(f"divergence of {list(forward.shape)} against {list(reverse.shape)} candidates.")
    excluded = excluded_BSN.flatten(1)
    # An excluded candidate has probability 0 on both sides; written as log-probability 0 it adds exactly nothing,
    # where -inf minus -inf would be NaN.
    log_s, log_r = (
        torch.log_softmax(scores.masked_fill(excluded, -torch.inf), dim=1).masked_fill(excluded, 0.0)
        for scores in (forward, reverse)
    )
    return DIVERGENCES[kind](log_s, log_r)
