"""Fixtures that all tests share."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Examples are not timed: a busy machine must not fail a test.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# A shell that starts pytest in the background has Ctrl-C ignored, and so would the processes that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder with the real data sets: CLEARBENCH_DATA, else `shared/data` beside the checkout; skips where absent."""
    folder = Path(os.environ.get("CLEARBENCH_DATA") or BESIDE)
    if not folder.is_dir():
        pytest.skip("no real data: set CLEARBENCH_DATA to a folder with xquad/, belebele/, mlqa/ and the others")
    return folder
