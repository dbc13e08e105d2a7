"""Scripts in benchmarks/: each is described, and those that are run print their help, so no name in them is gone."""

import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = sorted(FOLDER.glob("*.py"))
PEER = FOLDER / "mteb_peer.py"
"""It runs in an environment of its own, which has MTEB."""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_script_is_described(script):
    assert f"`{script.name}`" in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", [script for script in SCRIPTS if script != PEER], ids=lambda script: script.name)
def test_every_script_is_imported_and_prints_its_help(script, monkeypatch, capsys):
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setattr(sys, "argv", [script.name, "--help"])
    if "__main__" not in script.read_text(encoding="utf-8"):
        runpy.run_path(str(script), run_name=script.stem)
        return
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    assert end.value.code == 0 and capsys.readouterr().out.startswith("usage: ")
