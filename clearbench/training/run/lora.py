"""Low-rank adapters through peft: trained in place of the weights, merged into them at the end."""

import copy
from typing import TYPE_CHECKING, Any

from clearbench.common.errors import UsageError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def check_peft() -> None:
    """Refuse --lora before any work where peft is not installed, or older than transformers accepts.

    Raises:
        UsageError: The message says what to install.
    """
    from transformers.integrations.peft import MIN_PEFT_VERSION
    from transformers.utils.peft_utils import check_peft_version

    try:
        import peft

        check_peft_version(MIN_PEFT_VERSION)
    except ModuleNotFoundError:
        raise UsageError("--lora needs the package peft: pip install 'clearbench[lora]'.") from None
    except ValueError:
        raise UsageError(
            f"--lora: this version of transformers needs peft {MIN_PEFT_VERSION} or newer, found {peft.__version__}: "
            f"pip install 'peft>={MIN_PEFT_VERSION}'."
        ) from None


def add_lora(model: "SentenceTransformer", rank: int, seed: int) -> None:
    """Freeze the weights and add adapters to every linear layer, scaled by 2 (alpha = 2 * rank).

    Args:
        model: The model; it is changed in place.
        rank: Rank of the adapters.
        seed: Seed of the adapters' first weights.
    """
    import torch
    from peft import LoraConfig

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model.add_adapter(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", bias="none"))


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
    inner._hf_peft_config_loaded = False
    del inner.peft_config
    for weight in merged.parameters():
        weight.requires_grad_(True)
    return merged
