"""What the tests of training runs share: a base checkpoint with rows, and losses that can be tampered with."""

import shutil

import pytest
from builders.encoders import tiny_checkpoint
from builders.training import write_rows

from clearbench.training.loss.named import LOSSES


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture
def place(checkpoint, tmp_path):
    """A folder with a base checkpoint and rows."""
    shutil.copytree(checkpoint, tmp_path / "base")
    write_rows(tmp_path / "rows.jsonl")
    return tmp_path


@pytest.fixture
def hooked(monkeypatch):
    """Make a named loss that calls a function with the step's number and its loss."""

    originals = dict(LOSSES)

    def install(hook, name="clear"):
        usual = originals[name]

        class Hooked:
            formula = usual.formula
            columns = staticmethod(usual.columns)

            @staticmethod
            def make_loss(model, columns, options):
                loss = usual.make_loss(model, columns, options)
                forward = loss.forward
                calls: list[None] = []

                def hooked_forward(*arguments):
                    calls.append(None)
                    return hook(len(calls), forward(*arguments), model)

                monkeypatch.setattr(loss, "forward", hooked_forward)
                return loss

        monkeypatch.setitem(LOSSES, name, Hooked)

    return install
