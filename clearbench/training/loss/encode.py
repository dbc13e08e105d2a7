"""All texts of a training batch encoded together: each distinct text once, in mini-batches of nearly equal length.

A batch of CLEAR has 13 columns of short questions and long passages. Encoding column by column pads every question to
the longest of its column and encodes a passage again in each row that holds it. Here the columns become one set of
distinct texts (equal token ids are the same text), which is sorted by length, cut into mini-batches under a budget of
padded tokens, and encoded once; every column then picks its rows.

Two ways to a gradient:

    encode          ordinary graph; memory grows with the batch
    encode_cached   GradCache: vectors without a graph, gradient of the loss at the vectors, then every mini-batch
                    again with a graph that carries its share of that gradient. Memory of one mini-batch.

Source: Gao et al. (2021), Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup, arXiv 2101.06983,
section 3.2. Shapes: B rows of the batch, U distinct texts, T tokens, D dimensions.
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
class TextEncoder:
    """A model and how it is fed; the model may be wrapped (DistributedDataParallel, compiled)."""

    model: nn.Module
    padding: Padding
    device: torch.device

    def __call__(self, texts: BatchTexts, batch: IntArray) -> Tensor:
        """Return the vectors of one mini-batch, at least float32: scores in bfloat16 step by 0.125 near 16."""
        vectors: Tensor = self.model(pad_texts(texts, batch, self.padding, self.device))["sentence_embedding"]
        return vectors.to(torch.promote_types(vectors.dtype, torch.float32))


def encode(encoder: TextEncoder, texts: BatchTexts, plan: Sequence[IntArray]) -> Tensor:
    """Return the vectors of all distinct texts, [U, D], in the order of `texts`.

    Under DistributedDataParallel only the last mini-batch is told to synchronise: processes may have different numbers
    of mini-batches, but must meet equally often.
    """
    vectors = []
    for number, batch in enumerate(plan, 1):
        with _synchronise(encoder.model, number == len(plan)):
            vectors.append(encoder(texts, batch))
    return _in_order(vectors, plan)


def encode_cached(
    encoder: TextEncoder, texts: BatchTexts, plan: Sequence[IntArray], loss_of: Callable[[Tensor], Tensor]
) -> Tensor:
    """Return the loss as a leaf whose backward pass encodes again, mini-batch by mini-batch (GradCache).

    The second pass draws the same dropout masks and runs under the same autocast as the first: a backward pass is
    usually called outside the autocast region. What comes from above (gradient scaler, accumulation) multiplies every
    mini-batch; nothing multiplies or averages by their number. Under DistributedDataParallel only the last
    mini-batch synchronises.

    Args:
        encoder: The model and how it is fed.
        texts: The distinct texts.
        plan: The mini-batches.
        loss_of: The loss as a function of the vectors of all distinct texts.
    """
    states, vectors = [], []
    with torch.no_grad():
        for batch in plan:
            states.append(RandomState(encoder.device))
            vectors.append(encoder(texts, batch))
    # Weights that autocast converted without a graph must not be reused by a forward pass that needs one.
    torch.clear_autocast_cache()
    leaf = _in_order(vectors, plan).requires_grad_()
    loss = loss_of(leaf)
    with torch.autocast(encoder.device.type, enabled=False):  # or the gradient's matrix products are in bfloat16
        (gradient,) = torch.autograd.grad(loss, leaf)
    loss = loss.detach().requires_grad_()
    again = partial(_encode_again, encoder, texts, plan, states, gradient, _same_autocast(encoder.device))
    loss.register_hook(again)  # type: ignore[no-untyped-call]
    return loss


def _encode_again(
    encoder: TextEncoder,
    texts: BatchTexts,
    plan: Sequence[IntArray],
    states: Sequence["RandomState"],
    gradient: Tensor,
    autocast: Callable[[], AbstractContextManager[object]],
    from_above: Tensor,
) -> None:
    for number, (batch, state) in enumerate(zip(plan, states, strict=True), 1):
        with _synchronise(encoder.model, number == len(plan)), torch.enable_grad():
            with state.replayed(), autocast():
                vectors = encoder(texts, batch)
            if vectors.requires_grad:
                share = gradient[torch.from_numpy(batch).to(gradient.device)] * from_above
                with torch.autocast(encoder.device.type, enabled=False):
                    torch.autograd.backward(vectors, share)


def _in_order(vectors: Sequence[Tensor], plan: Sequence[IntArray]) -> Tensor:
    joined = torch.cat(list(vectors))
    back = np.empty(len(joined), dtype=np.int64)
    back[np.concatenate(list(plan))] = np.arange(len(joined))
    return joined[torch.from_numpy(back).to(joined.device)]


def _synchronise(model: nn.Module, wanted: bool) -> AbstractContextManager[object]:
    model = getattr(model, "_orig_mod", model)  # a compiled model keeps its original there
    if wanted or not isinstance(model, DistributedDataParallel):
        return nullcontext()
    return model.no_sync()


def _same_autocast(device: torch.device) -> Callable[[], AbstractContextManager[object]]:
    return partial(
        torch.autocast,
        device.type,
        dtype=torch.get_autocast_dtype(device.type),
        enabled=torch.is_autocast_enabled(device.type),
        cache_enabled=False,
    )


class RandomState:
    """The random generators' state at one moment, to draw the same dropout masks a second time."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.states = self._read()

    @contextmanager
    def replayed(self) -> Iterator[None]:
        """Run a block in this state; afterwards the generators continue where they were."""
        before = self._read()
        self._write(self.states)
        try:
            yield
        finally:
            self._write(before)

    def _read(self) -> list[Tensor]:
        if self.device.type == "cuda":
            return [torch.get_rng_state(), torch.cuda.get_rng_state(self.device)]
        if self.device.type == "mps":
            return [torch.get_rng_state(), torch.mps.get_rng_state()]
        return [torch.get_rng_state()]

    def _write(self, states: Sequence[Tensor]) -> None:
        torch.set_rng_state(states[0])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(states[1], self.device)
        elif self.device.type == "mps":
            torch.mps.set_rng_state(states[1])
