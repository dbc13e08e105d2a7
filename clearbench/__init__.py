"""Cross-lingual retrieval evaluation per language pair, with a built-in CLEAR fine-tuning stage.

The Python interface is in clearbench/api.py; its names are here too, imported when they are first used.
"""

from importlib import import_module

TYPE_CHECKING = False  # as typing says; importing it takes longer than all that the program does before `cli.start`
if TYPE_CHECKING:
    from typing import Any

    from clearbench.api import compare, evaluate, load_encoder, load_task
    from clearbench.training.loss.clear import CLEARLoss

__all__ = ["CLEARLoss", "compare", "evaluate", "load_encoder", "load_task"]

_HOME = dict.fromkeys(__all__, "clearbench.api") | {"CLEARLoss": "clearbench.training.loss.clear"}


def __getattr__(name: str) -> "Any":
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)
