"""Low-rank adapters (LoRA) with peft: they are trained instead of the weights, and merged into the weights on saving.

This module calls peft directly. The integration in transformers would also work, but each of its versions requires
certain versions of peft, which are often not installed.
"""

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearbench.common.errors import UsageError
from clearbench.common.text import first_line

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

ADAPTERS_FILE = "lora_adapters.safetensors"
"""The adapters in a checkpoint folder. Only a resumed run reads them; everything else loads the merged weights."""


def check_peft() -> None:
    """Refuse --lora, before any work is done, if peft is missing or incompatible with the other packages.

    Raises:
        UsageError: peft is missing or incompatible; the message says what to install.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model  # noqa: F401
        from peft.tuners.tuners_utils import BaseTunerLayer  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "peft":
            raise _unfit_peft_error(error) from error
        raise UsageError("--lora needs the package peft: pip install 'clearbench[lora]'.") from None
    except (ImportError, AttributeError, RuntimeError) as error:
        raise _unfit_peft_error(error) from error


def _unfit_peft_error(error: Exception) -> UsageError:
    from importlib.metadata import version

    return UsageError(
        f"--lora: peft {version('peft')} does not work with transformers {version('transformers')} "
        f"({first_line(error)}). Install a newer peft: pip install -U 'clearbench[lora]'."
    )


def add_lora(model: "SentenceTransformer", rank: int, seed: int) -> None:
    """Freeze the weights and add adapters to every linear layer of the transformer, scaled by 2 (alpha = 2 * rank).

    Args:
        model: The model; it is changed in place.
        rank: Rank of the adapters.
        seed: Seed of the adapters' initial weights.
    """
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    model.requires_grad_(False)
    inner: Any = model.transformers_model
    settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", bias="none")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        inject_adapter_in_model(settings, inner)


def merge_lora(model: "SentenceTransformer") -> "SentenceTransformer":
    """Return a copy of the model with the adapters merged into the weights; it does not need peft."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    merged = copy.deepcopy(model)
    for module in list(merged.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, BaseTunerLayer):
                layer: Any = child
                layer.merge()
                setattr(module, name, layer.get_base_layer())
    inner: Any = merged.transformers_model
    del inner.peft_config
    return merged.requires_grad_(True)


def save_adapters(model: "SentenceTransformer", folder: Path) -> None:
    """Write the adapters, which are the only trained weights, into a folder."""
    from safetensors.torch import save_file

    save_file(_adapter_weights(model), folder / ADAPTERS_FILE)


def load_adapters(model: "SentenceTransformer", folder: Path) -> None:
    """Copy the adapters of a checkpoint into a model with adapters of the same shapes.

    Raises:
        OSError, SafetensorError, ValueError: The file is missing or damaged, or its adapters have other shapes.
    """
    import torch
    from safetensors.torch import load_file

    stored, own = load_file(folder / ADAPTERS_FILE), _adapter_weights(model)
    if {name: weight.shape for name, weight in stored.items()} != {name: weight.shape for name, weight in own.items()}:
        raise ValueError(f"{folder / ADAPTERS_FILE} has adapters of other names or shapes than the run.")
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(stored[name])


def _adapter_weights(model: "SentenceTransformer") -> dict[str, Any]:
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
