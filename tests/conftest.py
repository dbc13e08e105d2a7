"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder with the real data sets: CLEARBENCH_DATA, else `shared/data` beside the checkout; skips where absent."""
    folder = Path(os.environ.get("CLEARBENCH_DATA") or BESIDE)
    if not folder.is_dir():
        pytest.skip("no real data: set CLEARBENCH_DATA to a folder with xquad/, belebele/, mlqa/ and the others")
    return folder
