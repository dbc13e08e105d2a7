"""Cross-lingual retrieval evaluation per language pair, with a built-in CLEAR fine-tuning stage.

The Python interface is in clearbench/api.py. Its names are also available here, and are imported at their first use.
"""

from importlib import import_module

TYPE_CHECKING = False  # importing it from typing would take longer than the rest of the start
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
