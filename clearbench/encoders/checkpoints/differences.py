"""Which weights only a checkpoint's model or only its files have, as the libraries that load it find out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

# The step of `from_pretrained` that ends a model's loading, before an adapter is added: its name in transformers now,
# and in 5.0. A later version may have neither; an adapter's base is then not looked at.
LAST_STEPS = ("_finalize_model_loading", "_finalize_load_state_dict")


@dataclass(frozen=True)
class Differences:
    """Names of weights that only the model or only its files have.

    Attributes:
        missing: In no file, so transformers makes them up at random. Tied weights are not among them.
        unexpected: In a file, but not in the model. What transformers ignores for this model is not among them.
    """

    missing: set[str] = field(default_factory=set)
    unexpected: set[str] = field(default_factory=set)

    def add(self, missing: Iterable[str], unexpected: Iterable[str]) -> None:
        """Add names of both kinds."""
        self.missing.update(missing)
        self.unexpected.update(unexpected)


@contextmanager
def record_differences() -> Iterator[Differences]:
    """Collect what transformers reports about the weights that it loads, and what other modules leave unread.

    `from_pretrained` returns it where `output_loading_info` is set, but sentence-transformers, which calls it, does
    not hand it on; and where an adapter is loaded, it returns the adapter's only. The base model's differences are
    therefore noted at the step that ends a model's loading.
    """
    from transformers import PreTrainedModel

    differences = Differences()

    def record_model(original: Any) -> Any:
        def load(cls: type[Any], /, *inputs: Any, output_loading_info: bool = False, **options: Any) -> Any:
            model, info = original.__func__(cls, *inputs, output_loading_info=True, **options)
            differences.add(info["missing_keys"], info["unexpected_keys"])
            return (model, info) if output_loading_info else model

        return classmethod(load)

    def record_base(original: Any) -> Any:
        def finish(*inputs: Any, **options: Any) -> Any:
            info = original.__func__(*inputs, **options)
            differences.add(info.missing_keys, info.unexpected_keys)
            return info

        return staticmethod(finish)

    with ExitStack() as replaced:
        replaced.enter_context(_replace_method(PreTrainedModel, "from_pretrained", record_model))
        for name in LAST_STEPS:
            if name in PreTrainedModel.__dict__:
                replaced.enter_context(_replace_method(PreTrainedModel, name, record_base))
        replaced.enter_context(_record_unread(differences))
        yield differences


class _ReadWeights(dict[str, torch.Tensor]):
    """Weights of a file by name, which note the names that a module reads."""

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        super().__init__(weights)
        self.unread = set(weights)

    def __getitem__(self, name: str) -> torch.Tensor:
        self.unread.discard(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.unread.discard(name)
        return super().get(name, default)

    def items(self) -> Any:
        self.unread.clear()
        return super().items()


@contextmanager
def _record_unread(differences: Differences) -> Iterator[None]:
    """Add the weights that modules such as static embeddings, which pick theirs from a file by name, do not pick."""
    from sentence_transformers.base.modules import Module

    files: list[_ReadWeights] = []

    def record(original: Any) -> Any:
        def load(cls: type[Any], *inputs: Any, **options: Any) -> Any:
            loaded = original.__func__(cls, *inputs, **options)
            if not isinstance(loaded, dict):
                return loaded
            files.append(_ReadWeights(loaded))
            return files[-1]

        return classmethod(load)

    with _replace_method(Module, "load_torch_weights", record):
        yield
    for weights in files:
        differences.add((), weights.unread)


@contextmanager
def _replace_method(owner: type, name: str, wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Put a wrapped method in a class's place of the original, for as long as the block lasts."""
    original = owner.__dict__[name]
    setattr(owner, name, wrap(original))
    try:
        yield
    finally:
        setattr(owner, name, original)
