"""What the tests of commands share."""

import pytest


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to work in, with a cache of its own; nothing of the user's environment reaches a command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLEARBENCH_CACHE", str(tmp_path / "cache"))
    for name in ("CLEARBENCH_DATA", "CLEARBENCH_TASKS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
