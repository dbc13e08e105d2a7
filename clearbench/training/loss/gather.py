"""Gather rows from all processes, with gradients back to each row's process."""

from typing import Any

import torch
from torch import Tensor, distributed


def gather_rows(tensor: Tensor) -> Tensor:
    """Return the tensors of all processes, concatenated, [world * B, ...]; all must have the same shape.

    The gradient of a row is the sum of the gradients of all processes' losses. torch.distributed.nn.all_gather, which
    sentence-transformers uses, gives wrong gradients with gloo if they are not contiguous (torch 2.13).
    """
    if not tensor.is_floating_point():
        return _gather_parts(tensor)
    gathered: Tensor = _GatherRows.apply(tensor)  # type: ignore[no-untyped-call]
    return gathered


def _gather_parts(tensor: Tensor) -> Tensor:
    tensor = tensor.contiguous()
    parts = [torch.empty_like(tensor) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, tensor)
    return torch.cat(parts)


class _GatherRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        ctx.num_rows = len(tensor)
        return _gather_parts(tensor)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        first = distributed.get_rank() * ctx.num_rows
        return total[first : first + ctx.num_rows]
