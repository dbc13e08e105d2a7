"""Checkpoints that tests load, and ways to damage them."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.transformer import TransformerEncoder, load_transformer

TEXTS = ["short", "a somewhat longer text about rivers", "third", "a b c d e f g h i j k l m n o p q r s t"]
"""Texts of several lengths, the last of as many tokens as words."""


def load_on_cpu(path: Path | str, **options: Any) -> TransformerEncoder:
    """Load a checkpoint with these options, on the CPU."""
    return load_transformer(str(path), EncoderOptions(device="cpu", **options))


def drop_weights(folder: Path, part: str, name: str = "model.safetensors") -> int:
    """Take the weights out of a checkpoint that have a text in their names; return how many were taken."""
    weights = load_file(folder / name)
    kept = {key: value for key, value in weights.items() if part not in key}
    save_file(kept, folder / name, metadata={"format": "pt"})
    return len(weights) - len(kept)
