"""The base class of the losses: `NamedColumnsLoss.forward` computes a loss from a batch, as the package describes."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from clearbench.common.errors import TrainingError
from clearbench.training.loss.columns import Features, LossColumns
from clearbench.training.loss.encode import MiniBatches, encode, encode_cached
from clearbench.training.loss.gather import gather_rows
from clearbench.training.loss.scores import mark_repeats
from clearbench.training.loss.texts import BatchTexts, Padding, collect_texts, plan_texts, split_features, text_key

# Padded tokens per mini-batch if the caller sets no limit. Larger mini-batches are not faster.
BATCH_TOKENS = {"cpu": 2048, "accelerator": 32768}


@dataclass(frozen=True)
class LossOptions:
    """Options that every loss here takes.

    Attributes:
        scale: 1 / temperature; 20 is a temperature of 0.05.
        mini_batch_size: Largest number of texts per mini-batch. This or `mini_batch_tokens` turns on gradient caching,
            which needs the memory of one mini-batch and one more forward pass, and gives the same value and gradient.
        mini_batch_tokens: Largest number of padded tokens per mini-batch; a longer text gets a mini-batch of its own.
        gather_across_devices: Use the candidates of all processes. Each process averages over its own rows, and
            DistributedDataParallel averages gradients over processes, so the step equals that of one process on the
            joint batch. Every process needs the same number of rows.
        mask_duplicates: Exclude a candidate for a row if it repeats the row's positive (equal token ids).
        prompts: Column -> the prompt that the data collator prepends. It is needed to recognise empty texts.
    """

    scale: float = 20.0
    mini_batch_size: int | None = None
    mini_batch_tokens: int | None = None
    gather_across_devices: bool = False
    mask_duplicates: bool = True
    prompts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("mini_batch_size", "mini_batch_tokens"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise TrainingError(f"{name}={limit}: expected at least 1, or None.")
        if not 0 < self.scale < inf:
            raise TrainingError(f"scale={self.scale}: expected a positive number; scale = 1 / temperature.")

    @property
    def caches_gradients(self) -> bool:
        """Whether each mini-batch is encoded twice, to save memory."""
        return self.mini_batch_size is not None or self.mini_batch_tokens is not None


class NamedColumnsLoss(nn.Module, ABC):
    """A loss that finds its columns by name, encodes each text once, and can use the candidates of all processes.

    A subclass states which columns it reads, and computes the loss from their vectors (`score`).

    Args:
        model: The SentenceTransformer to train.
        read: The dataset's columns, and which of them the loss reads.
        options: See LossOptions.

    Attributes:
        last_parts: The parts of the last batch's loss before weighting, detached.
    """

    def __init__(self, model: Any, read: LossColumns, options: LossOptions) -> None:
        super().__init__()
        self.model = model
        self.read = read
        self.options = options
        self.last_parts: dict[str, Tensor] = {}
        self._padding = Padding.from_model(model)
        self._empty = keys_of_empty_texts(model, options.prompts.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """The dataset's columns, in order; `dataset.select_columns(loss.columns)` puts a dataset into this order."""
        return self.read.names

    def forward(self, sentence_features: Iterable[Features], labels: Tensor | None = None) -> Tensor:
        """Return the loss of a batch. Labels are not used: a row's positive is its own passage.

        Raises:
            TrainingError: The batch has other columns than the loss expects, or a query, passage or target query is
                empty.
        """
        texts = collect_texts(self.read.name_features(list(sentence_features)), self._empty)
        self._check_batch(texts)
        device, tokens = texts.device, self.options.mini_batch_tokens
        if not self.options.caches_gradients:
            tokens = BATCH_TOKENS["cpu" if device.type == "cpu" else "accelerator"]
        plan = plan_texts(texts, tokens, self.options.mini_batch_size)
        batches = MiniBatches(self.model, texts, plan, self._padding)

        def compute_loss(vectors_UD: Tensor) -> Tensor:
            with torch.autocast(device.type, enabled=False):
                # An empty text (row -1) gets the vector of another text; its scores are masked later.
                vectors = {column: vectors_UD[rows.clamp(min=0)] for column, rows in texts.rows.items()}
                loss, parts = self.score(vectors, texts)
            self.last_parts = {name: part.detach() for name, part in parts.items()}
            return loss

        if self.options.caches_gradients and torch.is_grad_enabled():
            return encode_cached(batches, compute_loss)
        return compute_loss(encode(batches))

    @abstractmethod
    def score(self, vectors: Mapping[str, Tensor], texts: BatchTexts) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and its parts for the columns' vectors, [B, D] each."""

    def candidate_vectors(self, base: str, vectors: Mapping[str, Tensor]) -> Tensor:
        """Return the unit-norm vectors of the candidates of one base column, [S, N, D]."""
        vectors_BSD = torch.stack([vectors[slot] for slot in self.read.slots[base]], dim=1)
        vectors_BSD = nn.functional.normalize(vectors_BSD, dim=2)
        return (gather_rows(vectors_BSD) if self.gathers else vectors_BSD).transpose(0, 1)

    def exclusion_mask(self, base: str, texts: BatchTexts, twin: str | None = None) -> Tensor:
        """Return the mask of the candidates that are excluded for each row, bool [B, S, N].

        Empty texts are excluded, and with `mask_duplicates` also duplicates. A candidate is a duplicate if it repeats
        the row's positive, or if its twin repeats the twin of the row's positive: a second question about the row's
        passage is not a negative for that passage, and a second passage for the row's question is not a negative for
        that question.

        Args:
            base: Base column of the candidates.
            texts: The batch's texts.
            twin: Base column with the matching slots; only slots that both columns have are compared.
        """
        key_SN, first, num_rows = self.candidate_keys(base, texts), self.first_row(texts), texts.num_rows
        empty_SN = torch.isin(key_SN, torch.tensor(self._empty, device=key_SN.device))
        if not self.options.mask_duplicates:
            return empty_SN.expand(num_rows, -1, -1)
        duplicate_BSN = mark_repeats(key_SN, first, num_rows)
        if twin is not None:
            twin_BSN = mark_repeats(self.candidate_keys(twin, texts), first, num_rows)
            shared = min(duplicate_BSN.shape[1], twin_BSN.shape[1])
            duplicate_BSN[:, :shared] |= twin_BSN[:, :shared]
        return empty_SN | duplicate_BSN

    def candidate_keys(self, base: str, texts: BatchTexts) -> Tensor:
        """Return the text keys of the candidates of one base column, int64 [S, N]."""
        key_BS = torch.stack([texts.keys[slot] for slot in self.read.slots[base]], dim=1)
        return (gather_rows(key_BS) if self.gathers else key_BS).T.contiguous()

    def first_row(self, texts: BatchTexts) -> int:
        """Return the index of this process's first row among the rows of all processes."""
        return torch.distributed.get_rank() * texts.num_rows if self.gathers else 0

    @property
    def gathers(self) -> bool:
        """Whether candidates are gathered from other processes."""
        return (
            self.options.gather_across_devices
            and torch.distributed.is_available()
            and torch.distributed.is_initialized()
            and torch.distributed.get_world_size() > 1
        )

    def get_config_dict(self) -> dict[str, Any]:
        """Return the settings that sentence-transformers writes into a model card."""
        settings = {name: value for name, value in vars(self.options).items() if name != "prompts"}
        return {"columns": list(self.columns), **settings}

    def _check_batch(self, texts: BatchTexts) -> None:
        counts = {len(rows) for rows in texts.rows.values()}
        if len(counts) > 1:
            raise TrainingError(f"The columns have different numbers of rows: {sorted(counts)}.")
        for base in self.read.slots:
            if empty := (texts.rows[base] < 0).nonzero().flatten().tolist():
                raise TrainingError(f"Column {base!r}: rows {empty} of the batch are empty.")
        if self.gathers:
            sizes = gather_rows(torch.tensor([texts.num_rows], device=texts.device)).tolist()
            if len(set(sizes)) > 1:
                raise TrainingError(f"Processes have batches of different sizes {sizes}; drop the last short batch.")


def keys_of_empty_texts(model: Any, prompts: Iterable[str] = ()) -> tuple[int, ...]:
    """Return the keys that an empty text can have, without a prompt or after one of the prompts.

    Each route of an asymmetric model has its own tokenizer, so all routes are asked.
    """
    routes = getattr(model[0], "sub_modules", None) or [None]
    keys = {
        text_key(tokens["input_ids"])
        for prompt in sorted({"", *prompts})
        for route in routes
        for tokens in split_features("", model.preprocess([""], prompt=prompt or None, task=route))
    }
    return tuple(sorted(keys))
