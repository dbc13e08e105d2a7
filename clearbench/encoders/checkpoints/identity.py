"""The identity of a checkpoint: a hash of everything that loading it used, wherever that was.

Files of the folder count, through links to other folders too; so do the files of an adapter's base. Where loading may
have read something else (code that comes with a checkpoint, settings that name other files), the code and the loaded
state itself are hashed as well: every tensor, the configuration and the tokenizer.
"""

import hashlib
import inspect
import json
import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import torch

from clearbench.common.errors import EncoderError
from clearbench.common.files import TRAINING_FILE
from clearbench.common.hashing import content_hash, file_sha256
from clearbench.encoders.checkpoints.metadata import ADAPTER_CONFIG, MODULE_CONFIGS, named_paths, read_object

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Written to a checkpoint's folder by trainers, model cards and version control; none of them changes a vector.
IRRELEVANT_FILES = (
    "*.md", ".*", "optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state*.pth", "trainer_state.json",
    "training_args.bin", "checkpoint_files.json", "lora_adapters.safetensors", TRAINING_FILE, "all_results.json",
    "eval_results.json", "train_results.json",
)  # fmt: skip
IRRELEVANT_FOLDERS = (".*", "checkpoint-*", "onnx", "openvino", "runs", "eval", "__pycache__")
"""The identity leaves these files and folders out, unless a module, a router or a weight index names them."""
MOST_LINKED_FILES = 10_000
"""If there are more files behind a checkpoint's links, a link leads to something else, such as a whole disk."""

TOKENIZER_CONFIG = "tokenizer_config.json"
KNOWN_PACKAGES = ("sentence_transformers", "transformers", "tokenizers", "torch", "peft")
"""Packages whose classes load nothing but the files of the folder that they are given."""
# Settings of a transformer module that make it read no other file; any other one might.
PLAIN_SETTINGS = frozenset(
    {"max_seq_length", "do_lower_case", "transformer_task", "modality_config", "module_output_name", "unpad_inputs"}
)
# What a configuration says of where it came from and how it is computed with, which changes no vector.
ORIGINS = ("_name_or_path", "_commit_hash", "transformers_version", "dtype", "torch_dtype")


def hash_checkpoint(folder: Path) -> str:
    """Hash every file below a checkpoint's folder that can change a vector: names and contents, in a fixed order.

    Folder names, time stamps, model cards and training leftovers do not count, so a copy has the same hash
    and two different checkpoints that are both called `final` do not. A link counts as what it leads to.

    Raises:
        EncoderError: A file cannot be read, or a link leads in a circle or to too many files.
    """
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(relevant_files(folder)):
        digest.update(f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\0".encode())
        try:
            digest.update(bytes.fromhex(file_sha256(file)))
        except OSError as error:
            raise EncoderError(f"Cannot read {file}: {error.strerror}.") from error
    return digest.hexdigest()


def hash_loaded(folder: Path, model: "SentenceTransformer") -> str:
    """Hash everything that a loaded checkpoint was made of; `hash_checkpoint` where nothing else was read.

    Args:
        folder: The checkpoint's folder.
        model: The checkpoint as it was loaded, before anything is changed.
    Raises:
        EncoderError: A file cannot be read, or an adapter's base is not found.
    """
    files = hash_checkpoint(folder)
    bases = [hash_checkpoint(base) for base in _adapter_bases(folder)]
    foreign = _foreign_code(model)
    state = [_hash_state(model)] if foreign or _names_other_files(folder) else []
    return content_hash("checkpoint", files, *bases, *foreign, *state) if bases or state else files


def relevant_files(folder: Path) -> Iterator[Path]:
    """Yield every file below a checkpoint's folder that can change a vector, through links to other folders too.

    Raises:
        EncoderError: A link leads in a circle, or to too many files.
    """
    named = {part for path in named_paths(folder) for part in PurePosixPath(path).parts}
    num_linked = 0
    for file in _walk(folder, named, (folder.resolve(),)):
        num_linked += folder.resolve() not in file.resolve().parents
        if num_linked > MOST_LINKED_FILES:
            raise EncoderError(
                f"{folder}: more than {MOST_LINKED_FILES:,} files behind links, the last of them {file}. Remove the "
                "link that leads to something other than the checkpoint's files."
            )
        yield file


def _walk(folder: Path, named: set[str], above: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the files below a folder; `above` are the folders that lead to it, without links."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise EncoderError(f"Cannot read {folder}: {error.strerror}.") from error
    for entry in entries:
        path = folder / entry.name
        if path.is_dir():
            if entry.name not in named and _matches(entry.name, IRRELEVANT_FOLDERS):
                continue
            if (target := path.resolve()) in above:
                raise EncoderError(f"{path}: this link leads back to a folder that contains it. Remove it.")
            yield from _walk(path, named, (*above, target))
        elif path.is_file() and (entry.name in named or not _matches(entry.name, IRRELEVANT_FILES)):
            yield path


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _adapter_bases(folder: Path) -> Iterator[Path]:
    """Yield the folder of the base model of each adapter in a checkpoint."""
    for file in sorted(relevant_files(folder)):
        if file.name == ADAPTER_CONFIG:
            base = read_object(file).get("base_model_name_or_path")
            if not isinstance(base, str) or not base:
                raise EncoderError(f"{file} names no base model; expected it as base_model_name_or_path.")
            yield Path(base).resolve() if Path(base).is_dir() else _hub_folder(file, base)


def _hub_folder(file: Path, base: str) -> Path:
    """Return the folder of a base model that loading took from the Hub, and so left in the local cache."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(base, local_files_only=True))
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"{file}: the base model {base!r} is neither a folder nor in the local Hub cache, so the adapter's "
            "identity cannot be known. Merge the adapter into its base, or name the base's folder there."
        ) from error


def _names_other_files(folder: Path) -> bool:
    """Return whether a module's or tokenizer's settings may have made loading read other files."""
    for file in relevant_files(folder):
        if fnmatch(file.name, MODULE_CONFIGS):
            if any(value for key, value in read_object(file).items() if key not in PLAIN_SETTINGS):
                return True
        elif file.name == TOKENIZER_CONFIG and any(
            isinstance(value, str) for key, value in read_object(file).items() if key.endswith("_file")
        ):
            return True
    return False


def _foreign_code(model: "SentenceTransformer") -> list[str]:
    """Return names and file hashes of all classes in a loaded checkpoint that are not of a known package."""
    parts = [part for module in model.modules() for part in (module, *_companions(module))]
    classes = {type(part) for part in parts}
    foreign = [kind for kind in classes if kind.__module__.partition(".")[0] not in KNOWN_PACKAGES]
    sources = {Path(inspect.getfile(kind)).resolve() for kind in foreign}
    names = sorted(kind.__qualname__ for kind in foreign)
    code = sorted({file_sha256(neighbour) for source in sources for neighbour in source.parent.glob("*.py")})
    return [*names, *code]


def _companions(module: Any) -> Iterator[Any]:
    """Yield what a module uses and torch does not know: its configuration and its tokenizer."""
    for name in ("config", "processor", "tokenizer"):
        companion = getattr(module, name, None)
        if companion is not None and not isinstance(companion, (Mapping, str)):
            yield companion


def _hash_state(model: "SentenceTransformer") -> str:
    """Hash what was loaded: tensors, the modules' settings and configurations, and tokenizers."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    for name, module in model.named_modules():
        parts = [type(module).__qualname__, *map(_serialise, _companions(module))]
        if hasattr(module, "get_config_dict"):
            parts.append(json.dumps(module.get_config_dict(), sort_keys=True, default=str))
        digest.update(content_hash(name, *parts).encode())
    return digest.hexdigest()


def _serialise(companion: Any) -> str:
    """Return a configuration or tokenizer as text, with everything that changes a vector."""
    if hasattr(companion, "to_dict"):
        content = {key: value for key, value in companion.to_dict().items() if key not in ORIGINS}
        return json.dumps(content, sort_keys=True, default=str)
    backend = getattr(companion, "backend_tokenizer", companion)
    if hasattr(backend, "to_str"):
        content = json.loads(backend.to_str())
        return json.dumps({key: value for key, value in content.items() if key not in ("truncation", "padding")})
    vocabulary = sorted(companion.get_vocab().items()) if hasattr(companion, "get_vocab") else []
    return json.dumps(
        [type(companion).__qualname__, vocabulary, getattr(companion, "special_tokens_map", {})], default=str
    )
