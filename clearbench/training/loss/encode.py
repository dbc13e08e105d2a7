"""Encode the distinct texts of a batch, each once, in one of two ways.

    encode          builds an ordinary graph; its memory grows with the batch
    encode_cached   GradCache: encodes without a graph, computes the gradient of the loss with respect to the vectors,
                    then encodes every mini-batch again with a graph and passes its share of that gradient back. It
                    needs the memory of one mini-batch.

A batch of CLEAR has 13 columns of short questions and long passages. Encoding column by column would pad every question
to the longest of its column, and would encode a passage again in each row that contains it.

Source: Gao et al. (2021), Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup, arXiv 2101.06983,
section 3.2. Shapes: U distinct texts, D dimensions.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from clearbench.common.arrays import IntArray
from clearbench.training.loss.texts import BatchTexts, Padding, pad_texts


@dataclass(frozen=True)
class MiniBatches:
    """The distinct texts of a batch, divided into mini-batches, and the model that encodes them.

    Attributes:
        model: The SentenceTransformer; it may be wrapped (DistributedDataParallel, compiled).
        texts: The distinct texts.
        plan: The mini-batches, as arrays of text indices.
        padding: How the model's tokenizer pads.
    """

    model: nn.Module
    texts: BatchTexts
    plan: Sequence[IntArray]
    padding: Padding

    def encode(self, number: int) -> Tensor:
        """Return the vectors of one mini-batch, at least in float32: near 16, bfloat16 scores have steps of 0.125."""
        features = pad_texts(self.texts, self.plan[number], self.padding)
        vectors: Tensor = self.model(features)["sentence_embedding"]
        return vectors.to(torch.promote_types(vectors.dtype, torch.float32))

    def join(self, vectors: Sequence[Tensor]) -> Tensor:
        """Return the mini-batches' vectors in the order of the texts, [U, D]."""
        joined = torch.cat(list(vectors))
        back = np.empty(len(joined), dtype=np.int64)
        back[np.concatenate(list(self.plan))] = np.arange(len(joined))
        return joined[torch.from_numpy(back).to(joined.device)]

    def sync_context(self, number: int) -> AbstractContextManager[object]:
        """Return the context for one mini-batch: DistributedDataParallel synchronises gradients only at the last one.

        Processes may have different numbers of mini-batches, but must synchronise equally often.
        """
        model = getattr(self.model, "_orig_mod", self.model)  # a compiled model keeps the original in _orig_mod
        last = number == len(self.plan) - 1
        return model.no_sync() if isinstance(model, DistributedDataParallel) and not last else nullcontext()


def encode(batches: MiniBatches) -> Tensor:
    """Return the vectors of all distinct texts with their graph, [U, D]."""
    vectors = []
    for number in range(len(batches.plan)):
        with batches.sync_context(number):
            vectors.append(batches.encode(number))
    return batches.join(vectors)


def encode_cached(batches: MiniBatches, compute_loss: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the loss as a leaf tensor; its backward pass encodes the mini-batches a second time (GradCache).

    The second pass uses the same dropout masks and the same autocast state as the first, because a backward pass is
    usually called outside the autocast region. The incoming gradient (scaled, or divided by accumulation steps)
    multiplies the gradient of every mini-batch. The number of mini-batches does not change the result.

    Args:
        batches: The distinct texts, in mini-batches, and the model.
        compute_loss: The loss as a function of the vectors of all distinct texts, [U, D].
    """
    device = batches.texts.device
    states, vectors = [], []
    with torch.no_grad():
        for number in range(len(batches.plan)):
            states.append(ForwardState(device))
            vectors.append(batches.encode(number))
    # Weights that autocast converted without a graph must not be reused by a forward pass that needs one.
    torch.clear_autocast_cache()
    leaf_UD = batches.join(vectors).requires_grad_()
    loss = compute_loss(leaf_UD)
    with torch.autocast(device.type, enabled=False):  # keeps the gradient's matrix products in float32
        (gradient_UD,) = torch.autograd.grad(loss, leaf_UD)
    loss = loss.detach().requires_grad_()
    loss.register_hook(partial(_backward_again, batches, states, gradient_UD))  # type: ignore[no-untyped-call]
    return loss


def _backward_again(
    batches: MiniBatches, states: Sequence["ForwardState"], gradient_UD: Tensor, from_above: Tensor
) -> None:
    for number, (indices, state) in enumerate(zip(batches.plan, states, strict=True)):
        with batches.sync_context(number), torch.enable_grad():
            with state.replay():
                vectors = batches.encode(number)
            if vectors.requires_grad:
                share = gradient_UD[torch.from_numpy(indices).to(gradient_UD.device)] * from_above
                with torch.autocast(state.device.type, enabled=False):
                    torch.autograd.backward(vectors, share)


class ForwardState:
    """The state of autocast and of the random generators at one moment, to draw the same dropout masks again."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.generators = self._read_generators()
        self.autocast = partial(
            torch.autocast,
            device.type,
            dtype=torch.get_autocast_dtype(device.type),
            enabled=torch.is_autocast_enabled(device.type),
            cache_enabled=False,
        )

    @contextmanager
    def replay(self) -> Iterator[None]:
        """Run a block in this state, then restore the generators' previous state."""
        before = self._read_generators()
        self._write_generators(self.generators)
        try:
            with self.autocast():
                yield
        finally:
            self._write_generators(before)

    def _read_generators(self) -> list[Tensor]:
        if self.device.type == "cuda":
            return [torch.get_rng_state(), torch.cuda.get_rng_state(self.device)]
        if self.device.type == "mps":
            return [torch.get_rng_state(), torch.mps.get_rng_state()]
        return [torch.get_rng_state()]

    def _write_generators(self, generators: Sequence[Tensor]) -> None:
        torch.set_rng_state(generators[0])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(generators[1], self.device)
        elif self.device.type == "mps":
            torch.mps.set_rng_state(generators[1])
