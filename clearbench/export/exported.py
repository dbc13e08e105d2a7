"""What every export returns."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Exported:
    """What an export wrote, and what its reader has to know."""

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
