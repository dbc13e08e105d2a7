"""What the losses share: columns known by name, one encoding of a whole batch, candidates of all processes.

sentence-transformers hands a loss its columns in the dataset's order and without their names. A loss here is therefore
given that order (`columns`) and checks it: the set of names when it is made, the number of columns at every batch,
and the order as far as the trainer's features betray it. `check_dataset` checks a dataset beforehand.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from clearbench.common.errors import TrainingError
from clearbench.training.loss.encode import TextEncoder, encode, encode_cached
from clearbench.training.loss.gather import gather_rows
from clearbench.training.loss.names import count_negatives
from clearbench.training.loss.scores import Candidates
from clearbench.training.loss.texts import (
    BatchTexts,
    Features,
    Padding,
    collect_texts,
    plan_texts,
    split_features,
    text_key,
)

# The trainer cuts a batch's flat names at each column's prefix, so the features of `passage` also hold those of
# `passage_negative_1`, as `negative_1_input_ids` and so on.
MIXED_IN = re.compile(r"(negative_[0-9]+)_(.+)")
# Padded tokens per mini-batch where the caller sets no limit. Beyond these sizes a device gains nothing.
BATCH_TOKENS = {"cpu": 2048, "accelerator": 32768}


class NamedColumnsLoss(nn.Module, ABC):
    """What the losses here share: columns by name, one encoding of all texts, candidates of all processes.

    A subclass says which columns it needs (`needed`) and scores them (`score`).

    Args:
        model: The SentenceTransformer to train.
        columns: Column names in the dataset's order; `dataset.select_columns(loss.columns)` gives that order.
        scale: 1 / temperature; 20 is a temperature of 0.05.
        mini_batch_size: Most texts per mini-batch. This or `mini_batch_tokens` turns gradient caching on: memory of
            one mini-batch, one more forward pass, the same value and gradient.
        mini_batch_tokens: Most padded tokens per mini-batch; a longer text gets one of its own.
        gather_across_devices: Take the candidates of all processes. Each process averages over its own rows;
            DistributedDataParallel averages gradients over processes, so the step equals one process's on the
            joint batch. Every process needs equally many rows.
        mask_duplicates: Leave a candidate out of a row whose positive it repeats word for word (equal token ids).
        prompts: Column -> prompt, as the data collator prepends them; with a prompt an empty text is not empty.

    Attributes:
        last_parts: The parts of the last batch's loss before weighting, detached.
    """

    def __init__(
        self,
        model: Any,
        columns: Sequence[str],
        *,
        needed: Sequence[str],
        scale: float = 20.0,
        mini_batch_size: int | None = None,
        mini_batch_tokens: int | None = None,
        gather_across_devices: bool = False,
        mask_duplicates: bool = True,
        prompts: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        for name, limit in (("mini_batch_size", mini_batch_size), ("mini_batch_tokens", mini_batch_tokens)):
            if limit is not None and limit < 1:
                raise TrainingError(f"{name}={limit}: expected at least 1, or None.")
        if not scale > 0:
            raise TrainingError(f"scale={scale}: expected a positive number; scale = 1 / temperature.")
        self.model = model
        self.columns = tuple(columns)
        self.needed = tuple(needed)
        self.num_negatives = count_negatives(self.columns, self.needed)
        self.scale = scale
        self.mini_batch_size = mini_batch_size
        self.mini_batch_tokens = mini_batch_tokens
        self.gather_across_devices = gather_across_devices
        self.mask_duplicates = mask_duplicates
        self.prompts = dict(prompts or {})
        self.uses_gradient_cache = mini_batch_size is not None or mini_batch_tokens is not None
        self.last_parts: dict[str, Tensor] = {}
        self._padding = Padding.of(model)
        self._empty = self._keys_of_empty_texts()

    @abstractmethod
    def score(self, vectors: Mapping[str, Tensor], texts: BatchTexts) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and its parts for the columns' vectors, [B, D] each."""

    def forward(self, sentence_features: Iterable[Features], labels: Tensor | None = None) -> Tensor:
        """Return the loss of a batch; labels are not used, the positives lie on the diagonal."""
        features = self._named(list(sentence_features))
        texts = collect_texts(features, self._empty)
        self._check_texts(texts)
        device = features[self.needed[0]]["input_ids"].device
        encoder = TextEncoder(self.model, self._padding, device)
        tokens = self.mini_batch_tokens
        if not self.uses_gradient_cache:
            tokens = BATCH_TOKENS["cpu" if device.type == "cpu" else "accelerator"]
        plan = plan_texts(texts, tokens, self.mini_batch_size)

        def loss_of(vectors_UD: Tensor) -> Tensor:
            with torch.autocast(device.type, enabled=False):
                # An empty text takes the place of any other; it is masked wherever it would be scored.
                vectors = {column: vectors_UD[rows.clamp(min=0)] for column, rows in texts.rows.items()}
                loss, parts = self.score(vectors, texts)
            self.last_parts = {name: part.detach() for name, part in parts.items()}
            return loss

        if self.uses_gradient_cache and torch.is_grad_enabled():
            return encode_cached(encoder, texts, plan, loss_of)
        return loss_of(encode(encoder, texts, plan))

    def check_dataset(self, dataset: Any) -> None:
        """Check that a dataset's columns are the loss's, in its order.

        Raises:
            TrainingError: They are not.
        """
        if tuple(dataset.column_names) != self.columns:
            raise TrainingError(
                f"the dataset's columns are {list(dataset.column_names)}, the loss expects {list(self.columns)}. "
                "Pass dataset.select_columns(loss.columns) to the trainer."
            )

    def candidates(self, base: str, vectors: Mapping[str, Tensor], texts: BatchTexts) -> Candidates:
        """Return the candidates of one side, of all processes if wanted."""
        vectors_BSD = torch.stack([vectors[slot] for slot in self.slots(base)], dim=1)
        vectors_BSD = nn.functional.normalize(vectors_BSD, dim=2)
        if self.gathers:
            vectors_BSD = gather_rows(vectors_BSD)
        keys_SN = self.keys(base, texts)
        return Candidates(vectors_BSD.transpose(0, 1), keys_SN, self.missing(keys_SN))

    def missing(self, keys: Tensor) -> Tensor:
        """Return which keys are those of an empty text."""
        return torch.isin(keys, torch.tensor(self._empty, device=keys.device))

    def keys(self, base: str, texts: BatchTexts) -> Tensor:
        """Return the keys of one side's texts, of all processes if wanted, int64 [S, N]."""
        keys_BS = torch.stack([texts.keys[slot] for slot in self.slots(base)], dim=1)
        return (gather_rows(keys_BS) if self.gathers else keys_BS).T.contiguous()

    def offset(self, num_rows: int) -> int:
        """Return where this process's rows begin among those of all."""
        return torch.distributed.get_rank() * num_rows if self.gathers else 0

    def slots(self, base: str) -> list[str]:
        """Return the columns of one side: the positive's, then the negatives'."""
        return [base, *(f"{base}_negative_{k}" for k in range(1, self.num_negatives.get(base, 0) + 1))]

    @property
    def gathers(self) -> bool:
        """Whether there are other processes to gather candidates from."""
        return (
            self.gather_across_devices
            and torch.distributed.is_available()
            and torch.distributed.is_initialized()
            and torch.distributed.get_world_size() > 1
        )

    @property
    def temperature(self) -> float:
        """1 / scale."""
        return 1.0 / self.scale

    def get_config_dict(self) -> dict[str, Any]:
        """Return the settings that sentence-transformers writes into a model card."""
        return {
            "columns": list(self.columns),
            "scale": self.scale,
            "mini_batch_size": self.mini_batch_size,
            "mini_batch_tokens": self.mini_batch_tokens,
            "gather_across_devices": self.gather_across_devices,
            "mask_duplicates": self.mask_duplicates,
        }

    def _named(self, features: list[Features]) -> dict[str, Features]:
        if len(features) != len(self.columns):
            raise TrainingError(
                f"the batch has {len(features)} text columns, the loss was told {len(self.columns)}: "
                f"{list(self.columns)}. Pass dataset.select_columns(loss.columns) to the trainer."
            )
        named = dict(zip(self.columns, features, strict=True))
        self._check_order(named)
        used = {slot for base in self.needed for slot in self.slots(base)}
        # What the trainer mixed in is dropped, or it would pass for a token-level feature where the shapes agree.
        return {
            column: {name: value for name, value in named[column].items() if not MIXED_IN.match(name)}
            for column in self.columns
            if column in used
        }

    def _check_order(self, named: Mapping[str, Features]) -> None:
        # `negative_1_input_ids` of `passage` must be the very tensor of column `passage_negative_1`.
        for column, features in named.items():
            for name, value in features.items():
                if not (match := MIXED_IN.fullmatch(name)) or match[2] != "input_ids":
                    continue
                other = f"{column}_{match[1]}"
                if other not in named or named[other]["input_ids"] is not value:
                    raise TrainingError(
                        f"the batch's columns come in another order than the loss was told: {list(self.columns)}. "
                        "Pass dataset.select_columns(loss.columns) to the trainer."
                    )

    def _check_texts(self, texts: BatchTexts) -> None:
        counts = {len(rows) for rows in texts.rows.values()}
        if len(counts) > 1:
            raise TrainingError(f"the columns have different numbers of rows: {sorted(counts)}.")
        for base in self.needed:
            empty = (texts.rows[base] < 0).nonzero().flatten().tolist()
            if empty:
                raise TrainingError(f"column {base!r}: rows {empty} of the batch are empty.")
        if self.gathers:
            sizes = gather_rows(texts.rows[base].new_tensor([len(texts.rows[base])])).tolist()
            if len(set(sizes)) > 1:
                raise TrainingError(f"processes have batches of different sizes {sizes}; drop the last short batch.")

    def _keys_of_empty_texts(self) -> tuple[int, ...]:
        # Without specials a tokenizer may give nothing at all; routes of an asymmetric model have their own tokenizers.
        routes = getattr(self.model[0], "sub_modules", None) or [None]
        keys = {
            text_key(tokens["input_ids"])
            for prompt in sorted({"", *self.prompts.values()})
            for route in routes
            for tokens in split_features("", self.model.preprocess([""], prompt=prompt or None, task=route))
        }
        return tuple(sorted(keys))
