"""From what a user types after --model to a checkpoint folder."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from clearbench.common.errors import EncoderError, UsageError, suggest
from clearbench.common.text import first_line, join_names
from clearbench.encoders.base import EncoderOptions, Setting
from clearbench.encoders.checkpoints.identity import relevant_files
from clearbench.encoders.checkpoints.metadata import ADAPTER_CONFIG, CONFIG, read_modules, read_object
from clearbench.encoders.packaged.convert import packaged_folder
from clearbench.encoders.packaged.packages import find_installed
from clearbench.encoders.packaged.table import PACKAGED

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

WEIGHT_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk.

    Attributes:
        name: Short name for tables: the last part of the Hub id or of the folder's path.
        source: What the user typed.
        folder: Where the files are.
        layout: "sentence-transformers" (has modules.json) or "transformers" (config.json only).
        origin: What a record says about where the weights come from, where a package brought them.
    """

    name: str
    source: str
    folder: Path
    layout: str
    origin: Mapping[str, Setting] = field(default_factory=dict)


def find_checkpoint(model: str, options: EncoderOptions) -> Checkpoint:
    """Find the folder of a checkpoint: a packaged model's name, a folder, or a Hub id (downloaded unless offline).

    Raises:
        EncoderError: There is no such folder or Hub id, or the folder holds no checkpoint.
        UsageError: The name is empty, or a revision is asked of a folder.
    """
    if not model.strip():  # Path("") would be the current folder
        raise UsageError(
            f"--model is empty; expected a folder, a Hub id, or one of the short names {', '.join(PACKAGED)}, bm25."
        )
    path = Path(model).expanduser()
    origin: Mapping[str, Setting] = {}
    if model in PACKAGED and not path.exists():
        installed = find_installed(PACKAGED[model])
        folder, origin = packaged_folder(installed, options.cache_dir), installed.origin
    elif path.is_dir():
        folder = path.resolve()
    elif path.exists():
        raise EncoderError(f"{model} is a file; expected a checkpoint folder with modules.json or config.json.")
    elif HUB_ID.fullmatch(model):
        folder = _download(model, options)
    else:
        raise EncoderError(
            f"No checkpoint {model!r}: it is neither a folder, nor a Hub id (owner/name), nor one of the short names "
            f"{', '.join(PACKAGED)}, bm25.{suggest(model, [*PACKAGED, 'bm25'])} For a Python callable write "
            "module:function."
        )
    if options.revision is not None and (origin or path.is_dir()):
        raise UsageError(
            f"--revision {options.revision}: only a checkpoint from the Hub has revisions; {model} is on this machine."
        )
    name = model if origin else (folder.name if path.is_dir() else model.rsplit("/", 1)[-1])
    return Checkpoint(name=name, source=model, folder=folder, layout=_find_layout(folder, model), origin=origin)


def check_weight_format(checkpoint: Checkpoint, allow_pickle: bool) -> None:
    """Refuse a checkpoint whose weights are only there as pickles, unless the user allows them."""
    names = [file.name for file in relevant_files(checkpoint.folder)]
    if allow_pickle or any(name.endswith(".safetensors") for name in names):
        return
    pickles = sorted({name for name in names if any(fnmatch(name, pattern) for pattern in WEIGHT_PICKLES)})
    if pickles:
        raise EncoderError(
            f"{checkpoint.source}: weights only as pickles ({', '.join(pickles[:3])}), which can run code when loaded. "
            "Convert them to safetensors, or pass --allow-pickle if you trust the source."
        )


def _find_layout(folder: Path, model: str) -> str:
    if read_modules(folder):
        return "sentence-transformers"
    if read_object(folder / CONFIG):
        return "transformers"
    if base := read_object(folder / ADAPTER_CONFIG).get("base_model_name_or_path"):
        raise EncoderError(
            f"{model}: an adapter of {base!r}, without that model's configuration. Merge it into the model "
            "(`merge_and_unload` of peft) and save that in a folder, or, with sentence-transformers, load the model, "
            "call `load_adapter` and `save_pretrained`."
        )
    names = sorted(entry.name for entry in folder.iterdir()) or ["nothing"]
    raise EncoderError(
        f"{model}: no checkpoint in this folder: expected modules.json (sentence-transformers) or config.json "
        f"(transformers), found {join_names(names, 6)}."
    )


def _download(model: str, options: EncoderOptions) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    unused = ["*.onnx", "*.msgpack", "*.h5", "*.ot", "onnx/*", "openvino/*", "*.gguf"]
    if not options.allow_pickle:
        unused += list(WEIGHT_PICKLES)
    try:
        folder = snapshot_download(
            model, revision=options.revision, ignore_patterns=unused, local_files_only=options.offline
        )
    except LocalEntryNotFoundError as error:
        why = "offline was asked for" if options.offline else "the Hub could not be reached"
        raise EncoderError(
            f"{model} is neither a local folder nor in the local Hub cache, and {why}. Give a folder's path, or "
            "download it once where there is a network."
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise EncoderError(f"{model} could not be downloaded: {first_line(error)}") from error
    return Path(folder)
