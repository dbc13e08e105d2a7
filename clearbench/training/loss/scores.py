"""Score matrices, cross-entropy, and divergences between two distributions.

Shapes: B rows of this process, N rows of all processes, S slots (slot 0 is the positive, slot k the k-th negative),
D dimensions. Candidates are ordered by slot: column s * N + j of a score matrix is slot s of row j.
"""

from collections.abc import Callable, Mapping
from math import log

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy as log_loss
from torch.nn.functional import kl_div, normalize

from clearbench.common.errors import TrainingError


def cosine_scores(anchor_BD: Tensor, candidate_SND: Tensor, scale: float) -> Tensor:
    """Return scale * cosine of anchors with candidates.

    Autocast must be off, because it would compute the scores in bfloat16.

    Args:
        anchor_BD: Vectors of the rows' anchors, of any norm.
        candidate_SND: Unit-norm vectors of the candidates.
        scale: 1 / temperature.
    Returns:
        Scores in [-scale, scale], [B, S * N].
    """
    return scale * normalize(anchor_BD, dim=1) @ candidate_SND.flatten(0, 1).T


def mark_repeats(key_SN: Tensor, first: int, num_rows: int) -> Tensor:
    """Return a mask of the candidates that repeat the text of a row's own positive, bool [B, S, N].

    Args:
        key_SN: Keys of the candidates' texts.
        first: Index of this process's first row among the rows of all processes.
        num_rows: Rows of this process.
    """
    positive_B = key_SN[0, first : first + num_rows]
    same_BSN = key_SN[None] == positive_B[:, None, None]
    row = torch.arange(num_rows, device=positive_B.device)
    same_BSN[row, 0, first + row] = False
    return same_BSN


def cross_entropy(score_BC: Tensor, excluded_BSN: Tensor, first: int) -> Tensor:
    """Return the mean cross-entropy of each row's own positive among the candidates that are not excluded.

    Args:
        score_BC: Scores of all C = S * N candidates.
        excluded_BSN: Mask of the excluded candidates.
        first: Index of this process's first row among the rows of all processes.
    """
    labels = torch.arange(first, first + len(score_BC), device=score_BC.device)
    return log_loss(score_BC.masked_fill(excluded_BSN.flatten(1), -torch.inf), labels)


def _kl(target: Tensor, other: Tensor) -> Tensor:
    # log_target: the logarithm of a target that underflows to 0 is not finite and gives NaN gradients. batchmean:
    # "mean" would also divide by the number of candidates.
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
        forward: The score matrix S, [B, S * N]; each column is the same (slot, row) as in `reverse`.
        reverse: The score matrix R, of the same shape.
        excluded_BSN: Mask of the candidates that are excluded from both distributions.
    Raises:
        TrainingError: The shapes differ.
    """
    if forward.shape != reverse.shape:  # kl_div would broadcast a single column
        raise TrainingError(
            f"The divergence needs two score matrices of one shape; found {list(forward.shape)} and "
            f"{list(reverse.shape)}."
        )
    excluded = excluded_BSN.flatten(1)
    # An excluded candidate has probability 0 on both sides. Equal log-probabilities of 0 add exactly 0 to the
    # divergence, while -inf minus -inf would be NaN.
    log_s, log_r = (
        torch.log_softmax(scores.masked_fill(excluded, -torch.inf), dim=1).masked_fill(excluded, 0.0)
        for scores in (forward, reverse)
    )
    return DIVERGENCES[kind](log_s, log_r)
