"""The precision that weights are stored in, and the one that is computed in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from clearbench.common.errors import EncoderError, UsageError
from clearbench.encoders.checkpoints.identity import relevant_files
from clearbench.encoders.checkpoints.metadata import CONFIG, LARGEST, read_object

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""What --dtype takes."""
STORED = {
    "F64": "fp64",
    "F32": "fp32",
    "BF16": "bf16",
    "F16": "fp16",
    "float64": "fp64",
    "float32": "fp32",
    "bfloat16": "bf16",
    "float16": "fp16",
}
"""What safetensors files and config.json call a precision; others keep their name."""
COUNTS = ("I64", "I32", "BOOL")
"""Types of tensors that hold no weights but positions and masks."""
UNKNOWN = "unknown"
"""Stands for the precision of pickles, which are not opened to look."""


def stored_precisions(folder: Path) -> tuple[str, ...]:
    """Return every precision that a checkpoint's weight files and configurations name, in order: ("bf16", "fp32").

    Raises:
        EncoderError: A weight file is damaged.
    """
    files = list(relevant_files(folder))
    weights = [file for file in files if file.suffix == ".safetensors"]
    named = {name for file in weights for name in _tensor_types(file)} if weights else {UNKNOWN}
    for config in (read_object(file) for file in files if file.name == CONFIG):
        named |= {str(config[key]).removeprefix("torch.") for key in ("dtype", "torch_dtype") if config.get(key)}
    return tuple(sorted({STORED.get(name, name) for name in named}))


def check_dtype(dtype: str, device: str) -> None:
    """Refuse a precision that does not exist, or that is of no use on a device.

    Raises:
        UsageError: It is refused.
    """
    if dtype not in DTYPES:
        raise UsageError(f"--dtype {dtype}: expected one of {', '.join(DTYPES)}.")
    if dtype == "fp16" and device == "cpu":
        raise UsageError("--dtype fp16 is very slow on a CPU; use fp32 or bf16.")


def compute_in(dtype: str, module: torch.nn.Module, device: str) -> None:
    """Let a checkpoint's first module (the transformer) compute in mixed precision, and what follows in float32.

    Averaging token vectors in bf16 would round each component of the result to 8 bits.

    Args:
        dtype: One of DTYPES; fp32 changes nothing.
        module: The first module; its forward method is replaced.
        device: Where it computes, as torch names the kind: "cpu", "cuda".
    """
    original = module.forward

    def forward(*inputs: Any, **options: Any) -> dict[str, Any]:
        with torch.autocast(device, dtype=DTYPES[dtype]):
            features: dict[str, Any] = original(*inputs, **options)
        floats = {key: v.float() for key, v in features.items() if torch.is_tensor(v) and v.is_floating_point()}
        return {**features, **floats}

    if dtype != "fp32":
        module.forward = forward


def _tensor_types(file: Path) -> Iterator[str]:
    """Yield the types of the weights of a safetensors file, from the header that it begins with."""
    try:
        with file.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(min(size, LARGEST)))
        types = {entry["dtype"] for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise EncoderError(f"{file} is not a safetensors file, or is damaged: {error}.") from error
    yield from (str(name) for name in types if name not in COUNTS)
