"""From the short name of a packaged encoder to a checkpoint folder: the package's own, or one made of its file."""

import shutil
from pathlib import Path

from clearbench.common.environment import default_cache
from clearbench.common.errors import EncoderError, UsageError, suggest
from clearbench.common.files import os_reason
from clearbench.common.progress import say
from clearbench.common.text import join_names
from clearbench.encoders.packaged.cached_folder import MODELS, keep_folder, list_wrong_files, stage_folder
from clearbench.encoders.packaged.folder import WEIGHTS_FILE, write_folder
from clearbench.encoders.packaged.packages import InstalledModel, check_file, find_installed
from clearbench.encoders.packaged.q4 import read_q4
from clearbench.encoders.packaged.table import PACKAGED, Conversion

CARD = """---
license: {model.licence}
base_model: {model.original}
library_name: sentence-transformers
---

# {model.title}

Made by clearbench of the package {model.package} {version}: the weights of
[{model.original}](https://huggingface.co/{model.original}) rounded to
{model.stored_as}, written out as float32, with the original's tokenizer. Licence of the weights: {model.licence}.

The pooler, which no sentence vector uses, is left out; transformers may say that it is missing.

Texts need a prompt: {prompts}. Token vectors are averaged and brought to unit norm; {length} tokens are read.

    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer("path/to/this/folder")
    model.encode_query(["..."]) @ model.encode_document(["..."]).T
"""


def packaged_folder(installed: InstalledModel, cache: Path | None = None) -> Path:
    """Return the folder of a packaged encoder, made in the cache at its first use where the package holds a file.

    Args:
        installed: From `find_installed`.
        cache: Root of all caches; None is the user's.
    Raises:
        EncoderError: The package's file is not the known one, or the folder cannot be written.
    """
    conversion = installed.model.conversion
    if conversion is None:
        return installed.path
    check_file(installed, conversion)
    key = conversion.files[WEIGHTS_FILE][:12]
    folder = (cache or default_cache()) / MODELS / f"{installed.model.name}-{key}"

    def write(temporary: Path) -> None:
        say(f"{installed.model.name}: making a checkpoint of {installed.path.name}, once, in {folder}")
        convert(installed, conversion, temporary)

    keep_folder(folder, conversion.files, write)
    return folder


def export_model(name: str, folder: Path) -> InstalledModel:
    """Write the checkpoint folder of a packaged encoder to a folder of the user's; return what it was made of.

    Raises:
        UsageError: There is no such name, or the folder is not empty.
        EncoderError: The package is missing or its file is not the known one, or the folder cannot be written.
    """
    if name not in PACKAGED:
        raise UsageError(f"No packaged model {name!r}; there are {', '.join(PACKAGED)}.{suggest(name, PACKAGED)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists already and is not an empty folder: choose another one.")
    installed = find_installed(PACKAGED[name])
    conversion = installed.model.conversion
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with stage_folder(folder) as temporary:
            if conversion is None:
                shutil.copytree(installed.path, temporary)
            else:
                check_file(installed, conversion)
                convert(installed, conversion, temporary)
            if folder.exists():
                folder.rmdir()
            temporary.rename(folder)
    except OSError as error:
        raise EncoderError(f"Cannot write {folder}: {os_reason(error)}. Choose another folder.") from error
    return installed


def convert(installed: InstalledModel, conversion: Conversion, folder: Path) -> None:
    """Write the folder that a package's file stands for, and check each of its files.

    Raises:
        EncoderError: The file has another layout, or the result is not the expected one.
        OSError: The folder cannot be written.
    """
    file = read_q4(installed.path)
    write_folder(file, folder, conversion.prompts, describe_model(installed, conversion, file.sizes.positions))
    if wrong := list_wrong_files(folder, conversion.files):
        raise EncoderError(
            f"{installed.model.name}: {join_names(wrong)} are not what was expected. Try again; if that does not help, "
            "please report it with the output of `clearbench doctor`."
        )


def describe_model(installed: InstalledModel, conversion: Conversion, length: int) -> str:
    """Return the model card.

    Args:
        installed: What the folder is made of.
        conversion: Its prompts are named.
        length: Tokens that the model reads.
    """
    model = installed.model
    return CARD.format(
        model=model,
        version=installed.version,
        length=length,
        prompts=" and ".join(f"`{prompt}` before a {role}" for role, prompt in conversion.prompts.items()),
    )
