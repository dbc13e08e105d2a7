"""Checkpoints loaded through sentence-transformers, and plain transformers folders with an explicit pooling."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.errors import ClearbenchError, EncoderError, UsageError
from clearbench.common.hashing import content_hash
from clearbench.common.progress import say
from clearbench.common.text import count, first_line
from clearbench.encoders.base import EncoderOptions, Role, Setting
from clearbench.encoders.checkpoints.checkpoint import Checkpoint, check_weight_format, find_checkpoint
from clearbench.encoders.checkpoints.device import choose_device
from clearbench.encoders.checkpoints.identity import hash_loaded
from clearbench.encoders.checkpoints.kinds import refuse_other_kinds
from clearbench.encoders.checkpoints.metadata import SETTINGS
from clearbench.encoders.checkpoints.precision import check_dtype, compute_in, stored_precisions
from clearbench.encoders.checkpoints.prompts import ROLES, check_stored, choose_prompts
from clearbench.encoders.checkpoints.tokenizers import read_tokenizers
from clearbench.encoders.checkpoints.tokens import (
    FEWEST_TOKENS,
    check_tokenizers,
    num_positions,
    set_max_length,
    token_limit,
)
from clearbench.encoders.checkpoints.weights import load_weights

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Measured: on a CPU batches beyond about 1,024 padded tokens fall out of the cache and get slower.
BATCH_TOKENS_CPU = 1024
BATCH_TOKENS_ACCELERATOR = 65536
ROUTES: dict[Role, str] = {"query": "query", "passage": "document"}
"""What sentence-transformers calls a role where a checkpoint treats the two differently."""
ROLE_SETTINGS = ("query_length", "document_length", "query_expansion")
"""Settings of a transformer module that hold for one role."""
TRIAL = ("a river", "a somewhat longer text about the bridge over it")
"""Encoded once when a checkpoint is loaded, so that one which cannot encode is refused before any work is done."""


@dataclass(frozen=True)
class Configuration:
    """Everything except the weights that changes a vector.

    Attributes:
        pooling: What the user chose for a plain transformers folder; None where modules.json says it.
        query_prompt: Text put before every query.
        passage_prompt: Text put before every passage.
        max_length: Tokens kept per text, special tokens included; None where the checkpoint sets no limit.
        dtype: "fp32", "bf16" or "fp16".
        similarity: "cosine" (vectors get unit norm) or "dot".
        truncate_dim: Leading components kept of each vector before normalisation; None keeps all.
    """

    pooling: str | None
    query_prompt: str
    passage_prompt: str
    max_length: int | None
    dtype: str
    similarity: str
    truncate_dim: int | None


@dataclass(frozen=True)
class TransformerEncoder:
    """A loaded checkpoint; vectors are float32, unit-norm where the checkpoint's similarity is the cosine.

    Attributes:
        name: Short name for tables.
        model: The checkpoint's modules with their weights.
        weights: Hash of the checkpoint's files.
        configuration: What else changes a vector.
        stored_precisions: What the weights are stored in, such as "bf16"; they are loaded as float32.
        prompt_source: Where the prompts come from, for the record.
        prompt_note: What the record says of prompts that the checkpoint has and that are not used.
        dimension: Components of a vector before any are cut off; None where the checkpoint does not say.
        num_parameters: How many numbers the weights have.
        batch_tokens: Padded tokens per batch.
        origin: Where the weights come from, for the record, where a package brought them.
    """

    name: str
    model: "SentenceTransformer"
    weights: str
    configuration: Configuration
    stored_precisions: tuple[str, ...]
    prompt_source: str
    prompt_note: str | None
    dimension: int | None
    num_parameters: int
    batch_tokens: int
    complete_fingerprint: bool = True
    origin: Mapping[str, Setting] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights and the configuration.

        Weights that are not stored in float32 have a part of their own in the hash, so that vectors cached by versions
        that computed in the stored precision are not used.
        """
        configuration = json.dumps(asdict(self.configuration), sort_keys=True)
        return content_hash("transformer", self.weights, configuration, *self._widened_precisions)

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Weights, configuration and size, for the record."""
        return {
            "kind": "transformer",
            "weights": self.weights,
            **asdict(self.configuration),
            "prompt_source": self.prompt_source,
            **({"prompt_note": self.prompt_note} if self.prompt_note else {}),
            **({"stored_dtype": ", ".join(self.stored_precisions)} if self._widened_precisions else {}),
            "dimension": self.configuration.truncate_dim or self.dimension,
            "parameters": self.num_parameters,
            **self.origin,
        }

    @property
    def _widened_precisions(self) -> list[str]:
        """Precisions that are not float32, in which weights are stored."""
        return [f"stored in {name}, loaded as fp32" for name in self.stored_precisions if name != "fp32"]

    @property
    def prompts(self) -> Mapping[Role, str]:
        """Text put before each text of a role."""
        return {"query": self.configuration.query_prompt, "passage": self.configuration.passage_prompt}

    @cached_property
    def is_routed(self) -> bool:
        """Whether the checkpoint treats queries and passages differently, apart from their prompts."""
        from sentence_transformers.sentence_transformer.modules import Router

        accepted = self.model.module_kwargs or {}
        return any(
            isinstance(module, Router)
            or "task" in (*accepted.get(name, ()), *getattr(module, "forward_kwargs", ()))
            or any(getattr(module, setting, None) is not None for setting in ROLE_SETTINGS)
            for name, module in self.model.named_modules()
        )

    def tag_and_prompt(self, role: Role) -> tuple[str, str]:
        """See DenseEncoder; the tag tells roles apart only where the checkpoint routes them differently."""
        return (role if self.is_routed else "", self.prompts[role])

    def count_tokens(self, texts: Sequence[str], role: Role) -> IntArray:
        """See DenseEncoder; characters stand in for tokens where the checkpoint has no callable tokenizer."""
        prompt = self.prompts[role]
        inputs = [prompt + text for text in texts]
        tokenizer = self.model.tokenizer
        if not callable(tokenizer):  # models without one exist, whatever the annotation says
            return np.array([len(text) // 4 + 1 for text in inputs], dtype=np.int64)
        limit = token_limit(self.model)
        try:
            encoded = tokenizer(
                inputs,
                truncation=limit is not None,
                max_length=limit,
                return_attention_mask=False,
                return_token_type_ids=False,
            )
        except Exception as error:  # a checkpoint's tokenizer raises anything; the user gets one message
            raise self._encoding_error(error, len(texts), None) from error
        return np.array([len(ids) for ids in encoded["input_ids"]], dtype=np.int64)

    @torch.inference_mode()
    def encode_batch(self, texts: Sequence[str], role: Role) -> FloatArray:
        """See DenseEncoder.

        Raises:
            EncoderError: The checkpoint cannot encode a text, or does not give one vector per text.
        """
        num_tokens = None
        try:
            features = self.model.preprocess(list(texts), prompt=self.prompts[role] or None, task=ROUTES[role])
            num_tokens = _longest_text(features)
            device = self.model.device
            moved = {key: v.to(device) if isinstance(v, torch.Tensor) else v for key, v in features.items()}
            vectors = self.model(moved, task=ROUTES[role]).get("sentence_embedding")
        except Exception as error:  # a checkpoint's modules raise anything; the user gets one message
            raise self._encoding_error(error, len(texts), num_tokens) from error
        return self._finish_vectors(vectors, len(texts))

    def _finish_vectors(self, vectors: object, num_texts: int) -> FloatArray:
        """Return the last module's vectors, cut off and normalised: float32 [N, D]."""
        if not isinstance(vectors, torch.Tensor) or vectors.ndim != 2 or len(vectors) != num_texts:
            shape = f"an array of shape {tuple(vectors.shape)}" if isinstance(vectors, torch.Tensor) else "no vector"
            raise EncoderError(
                f"{self.name}: its modules ({', '.join(type(module).__name__ for module in self.model)}) give {shape} "
                f"for {count(num_texts, 'text')}, expected one vector each. A pooling module is missing from "
                "modules.json, or this is not a dense model."
            )
        vectors = vectors.float()
        if self.configuration.truncate_dim is not None:
            vectors = vectors[:, : self.configuration.truncate_dim]
        if self.configuration.similarity == "cosine":
            vectors = torch.nn.functional.normalize(vectors, dim=1)
        return vectors.cpu().numpy()

    def _encoding_error(self, error: Exception, num_texts: int, num_tokens: int | None) -> EncoderError:
        """Return the error for whatever a checkpoint's modules raised."""
        positions = num_positions(self.model)
        if num_tokens is not None and positions is not None and num_tokens > positions:
            return EncoderError(
                f"{self.name} has positions for {positions} tokens, but its tokenizer gave {num_tokens}: pass "
                f"--max-length {positions}, or set max_seq_length in the checkpoint's sentence_bert_config.json."
            )
        hint = " Try a smaller --batch-tokens." if isinstance(error, torch.OutOfMemoryError) else ""
        return EncoderError(
            f"{self.name} cannot encode {count(num_texts, 'text')}: {type(error).__name__}: {first_line(error)}{hint}"
        )


def _longest_text(features: Mapping[str, Any]) -> int | None:
    """Return the number of tokens of the longest text of a batch."""
    ids = features.get("input_ids")
    return int(ids.shape[1]) if isinstance(ids, torch.Tensor) and ids.ndim == 2 else None


def load_transformer(model: str, options: EncoderOptions) -> TransformerEncoder:
    """Load a checkpoint for retrieval: find its folder, load its weights, configure it.

    Raises:
        EncoderError: The checkpoint is missing, broken, has untrained or non-finite weights, or needs --pooling.
        UsageError: An option does not fit the checkpoint or the machine.
    """
    checkpoint = find_checkpoint(model, options)
    refuse_other_kinds(checkpoint.folder, checkpoint.source)
    check_weight_format(checkpoint, options.allow_pickle)
    check_stored(checkpoint.folder)
    device = choose_device(options.device)
    check_dtype(options.dtype, device)
    loaded = load_weights(checkpoint, options, device)
    try:
        encoder = _configure(checkpoint, loaded, options)
    except ClearbenchError:
        raise
    except Exception as error:  # values of any type that the checkpoint's files hold; the user gets one message
        raise EncoderError(
            f"{checkpoint.source} cannot be used: {type(error).__name__}: {first_line(error)}. One of its "
            "configuration files says something unexpected."
        ) from error
    tokenizers = read_tokenizers(loaded)
    for role in ROLES:
        encoder.encode_batch(TRIAL, role)
    for tokenizer in tokenizers:
        tokenizer.restore()
    if encoder.prompt_note:
        say(encoder.prompt_note)
    return encoder


def _configure(checkpoint: Checkpoint, loaded: "SentenceTransformer", options: EncoderOptions) -> TransformerEncoder:
    """Set what the user asked for, and collect what the record says."""
    check_tokenizers(loaded, checkpoint.source)
    weights = hash_loaded(checkpoint.folder, loaded)
    if options.max_length is not None:
        set_max_length(loaded, options.max_length)
    limit = token_limit(loaded)
    if limit is not None and limit < FEWEST_TOKENS:
        raise EncoderError(
            f"{checkpoint.source}: its maximum length is {limit} tokens; expected {FEWEST_TOKENS} or more. Pass "
            "--max-length, or set max_seq_length in the checkpoint's sentence_bert_config.json."
        )
    compute_in(options.dtype, loaded[0], loaded.device.type)
    prompts = choose_prompts(loaded.prompts or {}, loaded.default_prompt_name, checkpoint, options)
    batch_tokens = BATCH_TOKENS_CPU if loaded.device.type == "cpu" else BATCH_TOKENS_ACCELERATOR
    return TransformerEncoder(
        name=checkpoint.name,
        model=loaded,
        weights=weights,
        configuration=Configuration(
            pooling=options.pooling,
            query_prompt=prompts.query,
            passage_prompt=prompts.passage,
            max_length=limit,
            dtype=options.dtype,
            similarity=_similarity(loaded, checkpoint),
            truncate_dim=_truncate_dim(loaded, options.truncate_dim, checkpoint.source),
        ),
        stored_precisions=stored_precisions(checkpoint.folder),
        prompt_source=prompts.source,
        prompt_note=prompts.note,
        dimension=loaded.get_embedding_dimension(),
        num_parameters=sum(weight.numel() for weight in loaded.parameters()),
        batch_tokens=options.batch_tokens or batch_tokens,
        origin=checkpoint.origin,
    )


def _similarity(model: "SentenceTransformer", checkpoint: Checkpoint) -> str:
    similarity = str(model.similarity_fn_name)
    if similarity not in ("cosine", "dot"):
        raise EncoderError(
            f"{checkpoint.source}: its similarity is {similarity!r}; only cosine and dot can be searched."
        )
    return similarity


def _truncate_dim(model: "SentenceTransformer", asked: int | None, source: str) -> int | None:
    """Return how many leading components are kept: what was asked for, else what the checkpoint says."""
    dimension: int | None = model.get_embedding_dimension()
    stored = model.truncate_dim
    if stored is not None and (not isinstance(stored, int) or isinstance(stored, bool) or stored < 1):
        raise EncoderError(f"{source}: {SETTINGS} says truncate_dim is {stored!r}; expected a whole number from 1.")
    truncate_dim = stored if asked is None else asked
    if truncate_dim is not None and not 0 < truncate_dim <= (truncate_dim if dimension is None else dimension):
        raise UsageError(f"--truncate-dim {truncate_dim}: expected 1 to {dimension}.")
    return truncate_dim
