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

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import get_device_states, set_device_states

from clearbench.encoders.base import IntArray
from clearbench.encoders.batching import plan_batches
from clearbench.errors import TrainingError

Features = Mapping[str, Any]
# What sentence-transformers puts beside the token tensors; it goes to the model as it is.
SETTINGS = ("modality", "prompt_length", "task")
UNLIMITED = 2**62


@dataclass(frozen=True)
class BatchTexts:
    """The distinct texts of a batch, and for each column which of them its rows are.

    Attributes:
        tokens: Per distinct text its unpadded token-level features (input_ids, token_type_ids, ...).
        settings: Per distinct text what else the model is told: prompt length, route of an asymmetric model.
        rows: Column -> index of each row's text, int64 [B].
        keys: Column -> 64-bit hash of each row's token ids, int64 [B]; equal texts have equal keys in every process.
    """

    tokens: tuple[Mapping[str, IntArray], ...]
    settings: tuple[Mapping[str, Any], ...]
    rows: Mapping[str, Tensor]
    keys: Mapping[str, Tensor]

    @property
    def num_tokens(self) -> IntArray:
        """Tokens per distinct text, int64 [U]."""
        return np.array([len(text["input_ids"]) for text in self.tokens], dtype=np.int64)


@dataclass(frozen=True)
class Padding:
    """How the checkpoint's tokenizer pads."""

    token: int = 0
    left: bool = False

    @classmethod
    def of(cls, model: Any) -> "Padding":
        """Read it off a SentenceTransformer's tokenizer or processor."""
        tokenizer = getattr(model.tokenizer, "tokenizer", model.tokenizer)
        token = getattr(tokenizer, "pad_token_id", None)
        return cls(int(token) if token is not None else 0, getattr(tokenizer, "padding_side", "right") == "left")


def text_key(input_ids: IntArray) -> int:
    """64-bit key of a text's token ids; Python's own hash would differ between processes."""
    digest = hashlib.blake2b(np.ascontiguousarray(input_ids, dtype=np.int64).tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def split_features(column: str, features: Features) -> Iterator[Mapping[str, IntArray]]:
    """Yield each row's token-level features without padding, from padded or from flattened features.

    Raises:
        TrainingError: The features are not those of texts.
    """
    ids = features.get("input_ids")
    if not isinstance(ids, Tensor) or ids.ndim != 2:
        raise TrainingError(f"column {column!r}: expected the token ids of texts, found features {sorted(features)}.")
    arrays = {
        name: value.cpu().numpy()
        for name, value in features.items()
        if isinstance(value, Tensor) and value.shape == ids.shape and name not in ("attention_mask", "position_ids")
    }
    if "cu_seq_lens_q" in features:  # flattened for flash attention: one long row
        bounds = features["cu_seq_lens_q"].tolist()
        arrays = {name: value for name, value in arrays.items() if name != "seq_idx"}
        for begin, end in zip(bounds, bounds[1:], strict=False):
            yield {name: value[0, begin:end] for name, value in arrays.items()}
        return
    mask = features["attention_mask"].cpu().numpy().astype(bool)
    for row, real in enumerate(mask):
        yield {name: value[row, real] for name, value in arrays.items()}


def collect_texts(features: Mapping[str, Features]) -> BatchTexts:
    """Merge the columns' features into one set of distinct texts."""
    tokens: list[Mapping[str, IntArray]] = []
    settings: list[Mapping[str, Any]] = []
    known: dict[tuple[object, ...], int] = {}
    rows, keys = {}, {}
    for column, column_features in features.items():
        told = {name: _plain(column_features[name]) for name in SETTINGS if name in column_features}
        indices, hashes = [], []
        for text in split_features(column, column_features):
            identity = (tuple(told.items()), *((name, array.tobytes()) for name, array in text.items()))
            if identity not in known:
                known[identity] = len(tokens)
                tokens.append(text)
                settings.append(told)
            indices.append(known[identity])
            hashes.append(text_key(text["input_ids"]))
        device = column_features["input_ids"].device
        rows[column] = torch.tensor(indices, device=device)
        keys[column] = torch.tensor(hashes, device=device)
    return BatchTexts(tuple(tokens), tuple(settings), rows, keys)


def _plain(value: Any) -> Any:
    # A prompt length arrives as a number or, from some collators, as a tensor of one.
    return int(value.reshape(-1)[0]) if isinstance(value, Tensor) else value


def plan_texts(texts: BatchTexts, batch_tokens: int | None, batch_size: int | None) -> list[IntArray]:
    """Return the mini-batches as index arrays: nearly equal lengths, equal settings, both limits kept."""
    num_tokens = texts.num_tokens
    groups: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for index, told in enumerate(texts.settings):
        groups.setdefault(tuple(told.items()), []).append(index)
    size = batch_size or UNLIMITED
    plan = []
    for members in groups.values():
        group = np.array(members, dtype=np.int64)
        for batch in plan_batches(num_tokens[group], batch_tokens or UNLIMITED):
            plan += [group[batch[start : start + size]] for start in range(0, len(batch), size)]
    return plan


def pad_texts(texts: BatchTexts, batch: IntArray, padding: Padding, device: torch.device) -> dict[str, Any]:
    """Return the features of one mini-batch, padded to its own longest text."""
    chosen = [texts.tokens[index] for index in batch]
    lengths = [len(text["input_ids"]) for text in chosen]
    longest = max(lengths)
    spans = [slice(longest - length, longest) if padding.left else slice(0, length) for length in lengths]
    features: dict[str, Any] = dict(texts.settings[batch[0]])
    mask = np.zeros((len(chosen), longest), dtype=np.int64)
    for row, span in enumerate(spans):
        mask[row, span] = 1
    for name in chosen[0]:
        padded = np.full(mask.shape, padding.token if name == "input_ids" else 0, dtype=np.int64)
        for row, (text, span) in enumerate(zip(chosen, spans, strict=True)):
            padded[row, span] = text[name]
        features[name] = torch.from_numpy(padded).to(device)
    features["attention_mask"] = torch.from_numpy(mask).to(device)
    return features


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
    """Return the vectors of all distinct texts, [U, D], in the order of `texts`."""
    return _in_order([encoder(texts, batch) for batch in plan], plan)


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
    leaf = _in_order(vectors, plan).requires_grad_()
    loss = loss_of(leaf)
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
                vectors.backward(gradient[torch.from_numpy(batch).to(gradient.device)] * from_above)


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
    )


class RandomState:
    """The random generators' state at one moment, to draw the same dropout masks a second time."""

    def __init__(self, device: torch.device) -> None:
        self.host = torch.get_rng_state()
        self.devices, self.states = get_device_states(torch.empty(0, device=device))

    @contextmanager
    def replayed(self) -> Iterator[None]:
        """Run a block in this state; afterwards the generators continue where they were."""
        with torch.random.fork_rng(devices=self.devices):
            torch.set_rng_state(self.host)
            set_device_states(self.devices, self.states)
            yield
