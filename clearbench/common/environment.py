"""What a record says about the software it was made with, and the time."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from platformdirs import user_cache_path

PACKAGES = (
    "clearbench",
    "torch",
    "transformers",
    "sentence-transformers",
    "faiss-cpu",
    "numpy",
    "pytrec-eval-terrier",
    "nltk",
    "bm25s",
)


@cache
def describe_environment() -> dict[str, str]:
    """Return the versions of Python and of the packages that compute results, and clearbench's commit in a checkout."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    commit = _commit()
    return {**versions, "commit": commit} if commit else versions


def default_cache() -> Path:
    """Return the folder of all caches: CLEARBENCH_CACHE, else the platform's user cache."""
    return Path(os.environ.get("CLEARBENCH_CACHE") or user_cache_path("clearbench"))


def now() -> str:
    """Return the UTC time, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _commit() -> str | None:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        result = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"],
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() or None
