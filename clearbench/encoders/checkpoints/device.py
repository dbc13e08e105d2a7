"""Where a model computes."""

import torch

from clearbench.common.errors import UsageError


def choose_device(device: str) -> str:
    """Return the device that a user asked for, as torch names it; `auto` is the fastest that there is.

    Raises:
        UsageError: There is no such device.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = device.partition(":")
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind not in available or (index and not index.isdigit()):
        raise UsageError(f"--device {device}: expected auto, cpu, cuda, cuda:N or mps.")
    if not available[kind] or (kind == "cuda" and index and int(index) >= torch.cuda.device_count()):
        raise UsageError(f"--device {device}: not available here; torch {torch.__version__} sees no such device.")
    return device
