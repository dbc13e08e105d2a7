"""Checkpoints loaded through sentence-transformers, and plain transformers folders with an explicit pooling."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.errors import EncoderError, UsageError
from clearbench.common.hashing import content_hash
from clearbench.encoders.base import EncoderOptions, Role, Setting
from clearbench.encoders.checkpoints.checkpoint import Checkpoint, check_weight_format, find_checkpoint, hash_checkpoint
from clearbench.encoders.checkpoints.prompts import choose_prompts
from clearbench.encoders.checkpoints.weights import load_weights

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# Measured: on a CPU batches beyond about 1,024 padded tokens fall out of the cache and get slower.
BATCH_TOKENS_CPU = 1024
BATCH_TOKENS_ACCELERATOR = 65536
ROUTES: dict[Role, str] = {"query": "query", "passage": "document"}
"""What sentence-transformers calls a role where a checkpoint treats the two differently."""


@dataclass(frozen=True)
class Configuration:
    """Everything beside the weights that changes a vector.

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
        prompt_source: Where the prompts come from, for the record.
        dimension: Components of a vector before any are cut off; None where the checkpoint does not say.
        num_parameters: Weights, as numbers.
        batch_tokens: Padded tokens per batch.
    """

    name: str
    model: "SentenceTransformer"
    weights: str
    configuration: Configuration
    prompt_source: str
    dimension: int | None
    num_parameters: int
    batch_tokens: int
    complete_fingerprint: bool = True

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights and the configuration."""
        return content_hash("transformer", self.weights, json.dumps(asdict(self.configuration), sort_keys=True))

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Weights, configuration and size, for the record."""
        return {
            "kind": "transformer",
            "weights": self.weights,
            **asdict(self.configuration),
            "prompt_source": self.prompt_source,
            "dimension": self.configuration.truncate_dim or self.dimension,
            "parameters": self.num_parameters,
        }

    @property
    def prompts(self) -> Mapping[Role, str]:
        """Text put before each text of a role."""
        return {"query": self.configuration.query_prompt, "passage": self.configuration.passage_prompt}

    @cached_property
    def routed(self) -> bool:
        """Whether the checkpoint sends queries and passages through different modules."""
        return any(type(module).__name__ == "Router" for module in self.model)

    def prompted(self, role: Role) -> tuple[str, str]:
        """See DenseEncoder; the tag tells roles apart only where the checkpoint routes them differently."""
        return (role if self.routed else "", self.prompts[role])

    def count_tokens(self, texts: Sequence[str], role: Role) -> IntArray:
        """See DenseEncoder; characters stand in for tokens where the checkpoint has no callable tokenizer."""
        prompt = self.prompts[role]
        inputs = [prompt + text for text in texts]
        tokenizer = self.model.tokenizer
        if not callable(tokenizer):  # models without one exist, whatever the annotation says
            return np.array([len(text) // 4 + 1 for text in inputs], dtype=np.int64)
        limit = self.model.max_seq_length
        encoded = tokenizer(
            inputs,
            truncation=limit is not None,
            max_length=limit,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        return np.array([len(ids) for ids in encoded["input_ids"]], dtype=np.int64)

    @torch.inference_mode()
    def encode_batch(self, texts: Sequence[str], role: Role) -> FloatArray:
        """See DenseEncoder."""
        device = self.model.device
        features = self.model.preprocess(list(texts), prompt=self.prompts[role] or None, task=ROUTES[role])
        features = {
            key: value.to(device) if isinstance(value, torch.Tensor) else value for key, value in features.items()
        }
        vectors: torch.Tensor = self.model(features, task=ROUTES[role])["sentence_embedding"].float()
        if self.configuration.truncate_dim is not None:
            vectors = vectors[:, : self.configuration.truncate_dim]
        if self.configuration.similarity == "cosine":
            vectors = torch.nn.functional.normalize(vectors, dim=1)
        return vectors.cpu().numpy()


def load_transformer(model: str, options: EncoderOptions) -> TransformerEncoder:
    """Load a checkpoint for retrieval: find its folder, load its weights, configure it.

    Raises:
        EncoderError: The checkpoint is missing, broken, has untrained or non-finite weights, or needs --pooling.
        UsageError: An option does not fit the checkpoint or the machine.
    """
    checkpoint = find_checkpoint(model, options)
    check_weight_format(checkpoint, options.allow_pickle)
    device = _choose_device(options.device)
    _check_dtype(options.dtype, device)
    loaded = load_weights(checkpoint, options, device)
    if options.max_length is not None:
        _set_max_length(loaded, options.max_length)
    if DTYPES[options.dtype] is not torch.float32:
        _compute_in(loaded[0], DTYPES[options.dtype], loaded.device.type)
    prompts = choose_prompts(loaded.prompts or {}, checkpoint, options)
    configuration = Configuration(
        pooling=options.pooling,
        query_prompt=prompts.query,
        passage_prompt=prompts.passage,
        max_length=loaded.max_seq_length,
        dtype=options.dtype,
        similarity=_similarity(loaded, checkpoint),
        truncate_dim=_truncate_dim(loaded, options.truncate_dim),
    )
    return TransformerEncoder(
        name=checkpoint.name,
        model=loaded,
        weights=hash_checkpoint(checkpoint.folder),
        configuration=configuration,
        prompt_source=prompts.source,
        dimension=loaded.get_embedding_dimension(),
        num_parameters=sum(weight.numel() for weight in loaded.parameters()),
        batch_tokens=options.batch_tokens or (BATCH_TOKENS_CPU if device == "cpu" else BATCH_TOKENS_ACCELERATOR),
    )


def _choose_device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = device.partition(":")
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind not in available or (index and not index.isdigit()):
        raise UsageError(f"--device {device}: expected auto, cpu, cuda, cuda:N or mps.")
    if not available[kind] or (kind == "cuda" and index and int(index) >= torch.cuda.device_count()):
        raise UsageError(f"--device {device}: not available here; torch {torch.__version__} sees no such device.")
    return device


def _check_dtype(dtype: str, device: str) -> None:
    if dtype not in DTYPES:
        raise UsageError(f"--dtype {dtype}: expected one of {', '.join(DTYPES)}.")
    if dtype == "fp16" and device == "cpu":
        raise UsageError("--dtype fp16 is very slow on a CPU; use fp32 or bf16.")


def _set_max_length(model: "SentenceTransformer", max_length: int) -> None:
    config = getattr(model.transformers_model, "config", None)
    limit = getattr(config, "max_position_embeddings", None)
    if max_length < 3 or (limit is not None and max_length > limit):
        raise UsageError(f"--max-length {max_length}: expected 3 to {limit or 'the length the model was made for'}.")
    model.max_seq_length = max_length


def _compute_in(module: torch.nn.Module, dtype: torch.dtype, device: str) -> None:
    """Let the checkpoint's first module (the transformer) compute in mixed precision, and what follows in float32.

    Averaging token vectors in bf16 would round each component of the result to 8 bits.
    """
    original = module.forward

    def forward(*inputs: Any, **options: Any) -> dict[str, Any]:
        with torch.autocast(device, dtype=dtype):
            features: dict[str, Any] = original(*inputs, **options)
        floats = {key: v.float() for key, v in features.items() if torch.is_tensor(v) and v.is_floating_point()}
        return {**features, **floats}

    module.forward = forward


def _similarity(model: "SentenceTransformer", checkpoint: Checkpoint) -> str:
    similarity = str(model.similarity_fn_name)
    if similarity not in ("cosine", "dot"):
        raise EncoderError(
            f"{checkpoint.source}: its similarity is {similarity!r}; only cosine and dot can be searched."
        )
    return similarity


def _truncate_dim(model: "SentenceTransformer", asked: int | None) -> int | None:
    """Return how many leading components are kept: what was asked for, else what the checkpoint says."""
    truncate_dim = model.truncate_dim if asked is None else asked
    dimension: int | None = model.get_embedding_dimension()
    if truncate_dim is not None and not 0 < truncate_dim <= (truncate_dim if dimension is None else dimension):
        raise UsageError(f"--truncate-dim {truncate_dim}: expected 1 to {dimension}.")
    return truncate_dim
