"""How tokenizers cut and pad, which every call changes and a saved tokenizer keeps.

Without care, `tokenizer.json` of a trained checkpoint, and with it the checkpoint's identity, would depend on the last
text that happened to be tokenized.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class TokenizerSettings:
    """How a tokenizer cuts and pads.

    Attributes:
        tokenizer: A tokenizer of the package tokenizers.
        truncation: How it cuts; None leaves texts whole.
        padding: How it pads; None does not.
    """

    tokenizer: Any
    truncation: Mapping[str, Any] | None
    padding: Mapping[str, Any] | None

    def restore(self) -> None:
        """Make the tokenizer cut and pad like this again."""
        if self.truncation is None:
            self.tokenizer.no_truncation()
        else:
            self.tokenizer.enable_truncation(**self.truncation)
        if self.padding is None:
            self.tokenizer.no_padding()
        else:
            self.tokenizer.enable_padding(**self.padding)


def read_tokenizers(model: "Module") -> tuple[TokenizerSettings, ...]:
    """Return how the tokenizers of a model's modules cut and pad now; those written in Python keep nothing."""
    tokenizers = [getattr(getattr(module, "tokenizer", None), "backend_tokenizer", None) for module in model.modules()]
    distinct = {id(tokenizer): tokenizer for tokenizer in tokenizers if tokenizer is not None}
    return tuple(
        TokenizerSettings(tokenizer, tokenizer.truncation, tokenizer.padding) for tokenizer in distinct.values()
    )
