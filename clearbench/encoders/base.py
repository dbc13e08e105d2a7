"""What an encoder is to the rest of clearbench, and the options a user has over it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from clearbench.common.arrays import FloatArray, IntArray

Role = Literal["query", "passage"]
Setting = str | int | float | bool | None


@dataclass(frozen=True)
class EncoderOptions:
    """Everything a user may set about an encoder; None means: as the checkpoint says.

    Attributes:
        pooling: "cls", "mean" or "last"; needed for a plain transformers folder, refused for any other.
        query_prompt: Text put before every query; "" for none.
        passage_prompt: Text put before every passage; "" for none.
        max_length: Tokens kept per text, special tokens included.
        dtype: "fp32", or "bf16" / "fp16" for automatic mixed precision.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        truncate_dim: Leading components kept of each vector (before normalisation).
        revision: Commit or tag of a Hub checkpoint.
        trust_remote_code: Run Python code that comes with the checkpoint.
        allow_pickle: Load weights that are stored as pickles.
        offline: Never contact the Hub.
        batch_tokens: Padded tokens per batch; None chooses by device.
    """

    pooling: str | None = None
    query_prompt: str | None = None
    passage_prompt: str | None = None
    max_length: int | None = None
    dtype: str = "fp32"
    device: str = "auto"
    truncate_dim: int | None = None
    revision: str | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False
    offline: bool = False
    batch_tokens: int | None = None


class DenseEncoder(Protocol):
    """Turns texts into vectors whose inner product is the similarity."""

    @property
    def name(self) -> str:
        """What tables print."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that changes a vector, as far as it can be known."""

    @property
    def complete_fingerprint(self) -> bool:
        """Whether the fingerprint is known to cover everything, so that vectors may be kept between runs."""

    @property
    def settings(self) -> Mapping[str, Setting]:
        """What the record says about the encoder."""

    @property
    def batch_tokens(self) -> int:
        """Padded tokens per batch."""

    def prompted(self, role: Role) -> tuple[str, str]:
        """Return (tag, prompt) of a role; two roles with equal tag and prompt give equal vectors for equal texts."""

    def count_tokens(self, texts: Sequence[str], role: Role) -> IntArray:
        """Tokens of each text as the model sees it (prompt, special tokens, truncation), int64 [N]."""

    def encode_batch(self, texts: Sequence[str], role: Role) -> FloatArray:
        """Vectors of one batch, float32 [N, D]."""
