"""What an encoder is to the rest of clearbench, and what a user may set about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from clearbench.common.errors import UsageError
from clearbench.common.options import CACHE_DIR, OFFLINE, Option, Range, check_numbers

if TYPE_CHECKING:
    from clearbench.common.arrays import FloatArray, IntArray

Role = Literal["query", "passage"]
"""Many models encode a text differently as a query and as a passage."""
Setting = str | int | float | bool | None
"""What a record may say about an encoder, one value per key."""

MODEL = "Model"
"""Heading of the options in `--help`."""


@dataclass(frozen=True)
class EncoderOptions:
    """Everything a user may set about an encoder; None means: as the checkpoint says."""

    pooling: Annotated[str | None, Option("cls, mean or last: for a plain transformers folder.", MODEL)] = None
    query_prompt: Annotated[str | None, Option("Put before every query.", MODEL)] = None
    passage_prompt: Annotated[str | None, Option("Put before every passage.", MODEL)] = None
    max_length: Annotated[int | None, Option("Tokens kept per text.", MODEL, range=Range(minimum=3))] = None
    dtype: Annotated[str, Option("fp32, bf16 or fp16 (mixed precision).", MODEL)] = "fp32"
    device: Annotated[str, Option("auto, cpu, cuda, cuda:N, mps.", MODEL)] = "auto"
    truncate_dim: Annotated[int | None, Option("Leading components kept.", MODEL, range=Range(minimum=1))] = None
    revision: Annotated[str | None, Option("Commit or tag of a Hub checkpoint.", MODEL)] = None
    trust_remote_code: Annotated[bool, Option("Run code that comes with the checkpoint.", MODEL)] = False
    allow_pickle: Annotated[bool, Option("Load weights stored as pickles.", MODEL)] = False
    offline: Annotated[bool, OFFLINE] = False
    cache_dir: Annotated[Path | None, CACHE_DIR] = None
    batch_tokens: Annotated[
        int | None, Option("Padded tokens per batch (default by device).", MODEL, range=Range(minimum=1))
    ] = None

    def __post_init__(self) -> None:
        check_numbers(self)


class DescribedEncoder(Protocol):
    """What every kind of encoder tells about itself: dense, adjusted or BM25."""

    @property
    def name(self) -> str:
        """What tables print."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that changes a result, as far as it can be known: 32 hexadecimal digits."""

    @property
    def settings(self) -> Mapping[str, Setting]:
        """What the record says about the encoder."""


@dataclass(frozen=True)
class AdjustOptions:
    """A training-free correction of the model's vectors; without one, the vectors stay as they are."""

    method: Annotated[
        str | None,
        Option(
            "Training-free correction of the vectors: center, shift[:alpha], lir[:k] or offset.", MODEL, flag="--adjust"
        ),
    ] = None
    text: Annotated[
        str | None,
        Option(
            "Task whose texts give the statistics for --adjust; must not be evaluated (default: demo).",
            MODEL,
            flag="--adjust-text",
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.text is not None and self.method is None:
            raise UsageError(f"--adjust-text {self.text}: it needs --adjust, such as --adjust center.")


class DenseEncoder(DescribedEncoder, Protocol):
    """Turns texts into vectors whose inner product is the similarity."""

    @property
    def complete_fingerprint(self) -> bool:
        """Whether the fingerprint is known to cover everything, so that vectors may be kept between runs."""

    @property
    def batch_tokens(self) -> int:
        """Padded tokens per batch."""

    def tag_and_prompt(self, role: Role) -> tuple[str, str]:
        """Return the tag and the prompt of a role; where both are equal, equal texts have equal vectors."""

    def count_tokens(self, texts: Sequence[str], role: Role) -> "IntArray":
        """Return the tokens of each text as the model sees it, with prompt and special tokens, truncated: int64 [N]."""

    def encode_batch(self, texts: Sequence[str], role: Role) -> "FloatArray":
        """Encode N texts in one role, without the role's prompt: float32 [N, D]."""
