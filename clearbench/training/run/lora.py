"""Low-rank adapters through peft: trained in place of the weights, merged into them whenever they are saved.

peft alone puts the adapters in. The integration of transformers would do it too, but each of its versions asks for
versions of peft of its own, which are not always there.
"""

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearbench.common.errors import UsageError
from clearbench.common.text import first_line

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

ADAPTERS_FILE = "lora_adapters.safetensors"
"""The adapters in a checkpoint of a run, from which the run goes on; everything else loads the merged weights."""


def check_peft() -> None:
    """Refuse --lora before any work where peft is not installed, or does not fit the other packages.

    Raises:
        UsageError: The message says what to install.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model  # noqa: F401
        from peft.tuners.tuners_utils import BaseTunerLayer  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "peft":
            raise _unfit_peft(error) from error
        raise UsageError("--lora needs the package peft: pip install 'clearbench[lora]'.") from None
    except (ImportError, AttributeError, RuntimeError) as error:
        raise _unfit_peft(error) from error


def _unfit_peft(error: Exception) -> UsageError:
    from importlib.metadata import version

    return UsageError(
        f"--lora: peft {version('peft')} does not fit transformers {version('transformers')} ({first_line(error)}). "
        "Install a newer one: pip install -U 'clearbench[lora]'."
    )


def add_lora(model: "SentenceTransformer", rank: int, seed: int) -> None:
    """Freeze the weights and add adapters to every linear layer of the transformer, scaled by 2 (alpha = 2 * rank).

    Args:
        model: The model; it is changed in place.
        rank: Rank of the adapters.
        seed: Seed of the adapters' first weights.
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
    """Return a copy with the adapters merged into the weights, which saves and loads without peft."""
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
    """Write the adapters, the only weights that are trained."""
    from safetensors.torch import save_file

    save_file(_adapters(model), folder / ADAPTERS_FILE)


def load_adapters(model: "SentenceTransformer", folder: Path) -> None:
    """Put the adapters of a checkpoint into a model that has such adapters.

    Raises:
        OSError, SafetensorError, ValueError: The file is missing, damaged, or of adapters of another shape.
    """
    import torch
    from safetensors.torch import load_file

    stored, own = load_file(folder / ADAPTERS_FILE), _adapters(model)
    if {name: weight.shape for name, weight in stored.items()} != {name: weight.shape for name, weight in own.items()}:
        raise ValueError(f"{folder / ADAPTERS_FILE} holds other adapters than the run has.")
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(stored[name])


def _adapters(model: "SentenceTransformer") -> dict[str, Any]:
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
