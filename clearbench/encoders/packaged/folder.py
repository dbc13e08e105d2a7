"""A sentence-transformers folder made of a 4-bit file: the weights as float32, the tokenizer, prompts, mean pooling.

Every byte is decided here and in `tokenizer.py`, not by a version of transformers or safetensors. So the folder has
the same hash, and the model the same identity in records, wherever it is made.
"""

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clearbench.encoders.packaged.q4 import Q4File
from clearbench.encoders.packaged.tokenizer import describe_loading, describe_tokenizer

WEIGHTS_FILE = "model.safetensors"

# Names in the file -> names in transformers' BertModel. The pooler, which no sentence vector uses, is in neither.
OUTSIDE = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln": "embeddings.LayerNorm",
}
IN_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
ENDINGS = {"w": "weight", "b": "bias"}

MODULES = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
"""Folder of each module -> its type."""


def write_folder(file: Q4File, folder: Path, prompts: Mapping[str, str], card: str) -> None:
    """Write the model to a folder that does not exist yet.

    Args:
        file: Weights and tokenizer.
        folder: Where to write.
        prompts: "query" and "passage" -> text put before it.
        card: The model card, in Markdown.
    Raises:
        OSError: It cannot be written.
    """
    for path in MODULES:
        (folder / path).mkdir(parents=True, exist_ok=True)
    for name, content in _describe_files(file, prompts).items():
        text = json.dumps(content, ensure_ascii=False, indent=None if name == "tokenizer.json" else 1)
        (folder / name).write_bytes(text.encode())
    (folder / "README.md").write_bytes(card.encode())
    _write_weights(file, folder / WEIGHTS_FILE)


def bert_name(name: str) -> str:
    """Return what transformers' BertModel calls a tensor of the file: `l0.q.w` -> `encoder.layer.0...query.weight`."""
    if name in OUTSIDE:
        return OUTSIDE[name]
    place, _, ending = name.rpartition(".")
    if place in OUTSIDE:
        return f"{OUTSIDE[place]}.{ENDINGS[ending]}"
    layer, _, part = place.partition(".")
    return f"encoder.layer.{layer.removeprefix('l')}.{IN_LAYER[part]}.{ENDINGS[ending]}"


def _describe_files(file: Q4File, prompts: Mapping[str, str]) -> dict[str, Any]:
    """Return the content of each JSON file, by its path in the folder."""
    length = file.sizes.positions
    return {
        "config.json": _describe_model(file),
        "tokenizer.json": describe_tokenizer(file.vocabulary),
        "tokenizer_config.json": describe_loading(file.vocabulary, length),
        "sentence_bert_config.json": {"max_seq_length": length, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {**prompts, "document": prompts["passage"]},  # the name that `encode_document` looks for
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "1_Pooling/config.json": {
            "word_embedding_dimension": file.sizes.hidden,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
        "modules.json": [
            {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{name}"}
            for number, (path, name) in enumerate(MODULES.items())
        ],
    }  # fmt: skip


def _describe_model(file: Q4File) -> dict[str, Any]:
    sizes = file.sizes
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.feed_forward,
        "vocab_size": sizes.vocabulary,
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.token_types,
        "layer_norm_eps": float(f"{sizes.epsilon:.6g}"),  # stored as float32: 9.999999960041972e-13
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "pad_token_id": file.vocabulary.pad,
        "dtype": "float32",
    }


def _write_weights(file: Q4File, path: Path) -> None:
    """Write the tensors in the form of safetensors, a few million numbers at a time.

    safetensors' own functions need all tensors in memory, 471 MB, and a copy of them.
    Source: https://github.com/huggingface/safetensors, "Format".
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in file.sizes.shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        header[bert_name(name)] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for name in file.sizes.shapes:
            for chunk in file.tensors[name].chunks():
                stream.write(chunk.astype("<f4", copy=False).data)
