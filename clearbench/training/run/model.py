"""Load the checkpoint that training starts from, in the same way as evaluation does, and make it trainable."""

from typing import TYPE_CHECKING, Any

from clearbench.common.errors import EncoderError, UsageError
from clearbench.common.progress import say
from clearbench.encoders.base import EncoderOptions, Role
from clearbench.encoders.checkpoints.prompts import names_for
from clearbench.encoders.checkpoints.tokens import num_positions
from clearbench.encoders.checkpoints.transformer import TransformerEncoder, load_transformer
from clearbench.training.run.config import TrainConfig
from clearbench.training.run.lora import add_lora

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def load_base(config: TrainConfig, device: str) -> TransformerEncoder:
    """Load the checkpoint that training starts from.

    Raises:
        UsageError, EncoderError: The checkpoint has no weights to train, or cannot be loaded.
    """
    if config.model == "bm25":
        raise UsageError("--model bm25 has no weights to train; give a checkpoint.")
    encoder = load_transformer(
        config.model,
        EncoderOptions(
            pooling=config.pooling,
            query_prompt=config.query_prompt,
            passage_prompt=config.passage_prompt,
            revision=config.revision,
            trust_remote_code=config.trust_remote_code,
            allow_pickle=config.allow_pickle,
            offline=config.offline,
            device=device,
        ),
    )
    if encoder.model.transformers_model is None:
        modules = ", ".join(type(module).__name__ for module in encoder.model)
        raise EncoderError(
            f"{config.model} has no transformer ({modules}), so it can be evaluated but not trained here. Give a "
            "checkpoint with a transformer."
        )
    return encoder


def choose_length(encoder: TransformerEncoder, config: TrainConfig) -> tuple[int | None, tuple[str, ...]]:
    """Return the number of tokens kept per text in training, and notes for the manifest.

    The number is limited by the checkpoint's own maximum length and by its number of positions.
    """
    limits = (encoder.configuration.max_length, num_positions(encoder.model))
    limit = min((number for number in limits if number is not None), default=None)
    asked = config.max_length or encoder.configuration.max_length
    if asked is None or limit is None or asked <= limit:
        return asked, ()
    note = f"max_length {asked} was reduced to {limit}, the limit of {config.model}."
    say(note)
    return limit, (note,)


def make_trainable(encoder: TransformerEncoder, config: TrainConfig) -> None:
    """Make the loaded model trainable, in place."""
    encoder.model.float()  # optimizer steps are too small for half-precision weights
    _store_prompts(encoder)
    if config.gradient_checkpointing:
        _checkpoint_gradients(encoder.model)
    if config.lora:
        add_lora(encoder.model, config.lora, config.seed)


def _store_prompts(encoder: TransformerEncoder) -> None:
    """Store the prompts in the checkpoint, so that later evaluations use the prompts of training."""
    stored = dict(encoder.model.prompts or {})
    canonical: dict[Role, str] = {"query": "query", "passage": "document"}
    for role, name in canonical.items():
        prompt = encoder.prompts[role]
        names = names_for(role, stored)
        if prompt or any(stored[known] for known in names):
            stored |= dict.fromkeys([*names, name], prompt)
    encoder.model.prompts = stored


def _checkpoint_gradients(model: "SentenceTransformer") -> None:
    inner: Any = model.transformers_model
    settings = {"use_reentrant": False}
    if hasattr(inner, "activation_checkpointing_enable"):
        inner.activation_checkpointing_enable(activation_checkpointing_kwargs=settings)
    else:
        inner.gradient_checkpointing_enable(gradient_checkpointing_kwargs=settings)
