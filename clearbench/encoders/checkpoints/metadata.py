"""What a checkpoint's own JSON files say; a stranger may have written them, so each value is checked before use."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from clearbench.common.errors import EncoderError
from clearbench.common.text import json_kind

MODULES = "modules.json"
CONFIG = "config.json"
SETTINGS = "config_sentence_transformers.json"
"""Prompts, similarity and kind of model, in the folder of modules.json."""
ADAPTER_CONFIG = "adapter_config.json"
ROUTER = "router_config.json"
INDEX_SUFFIX = ".index.json"
"""End of the name of a file that says which of several weight files holds which weight."""
MODULE_CONFIGS = "sentence_*_config.json"
"""Settings of a transformer module."""

BROKEN = "The checkpoint is broken or incomplete."
LARGEST = 64 * 2**20
"""Bytes of the largest such file that is read; the index of a very large model has about 10 MiB."""


@dataclass(frozen=True)
class Module:
    """One entry of modules.json.

    Attributes:
        type: Its class with the package: "sentence_transformers.models.Pooling".
        path: Its folder below the checkpoint's; "" for the checkpoint's own.
    """

    type: str
    path: str

    @property
    def class_name(self) -> str:
        """The class without its package."""
        return self.type.rpartition(".")[2]


def read_modules(folder: Path) -> tuple[Module, ...]:
    """Read modules.json; a checkpoint of transformers, which has none, has no modules.

    Raises:
        EncoderError: It is not a list of modules, each with a class and a folder inside the checkpoint.
    """
    file = folder / MODULES
    if not file.is_file():
        return ()
    entries = _read_json(file)
    if not isinstance(entries, list) or not entries:
        raise EncoderError(f"{file}: found {_describe_kind(entries)}, expected a list of modules. {BROKEN}")
    return tuple(_read_module(file, number, entry) for number, entry in enumerate(entries))


def read_object(file: Path) -> Mapping[str, Any]:
    """Read a JSON file that holds one object; an empty one where there is no such file.

    Raises:
        EncoderError: The file is not a JSON object.
    """
    if not file.is_file():
        return {}
    value = _read_json(file)
    if not isinstance(value, dict):
        raise EncoderError(f"{file}: found {_describe_kind(value)}, expected a JSON object. {BROKEN}")
    return value


def named_paths(folder: Path) -> Iterator[str]:
    """Yield every file and folder below a checkpoint's folder that its modules, routers and weight indexes name.

    Raises:
        EncoderError: One of them is outside the folder, or a file that names them is not as expected.
    """
    paths = [module.path for module in read_modules(folder)]
    yield from paths
    for own in dict.fromkeys([folder, *(folder / path for path in paths)]):
        yield from _paths_named_in(own)


def _paths_named_in(folder: Path) -> Iterator[str]:
    """Yield the paths that a module's folder names: those of a router's modules, and those of weight files."""
    routes = _read_paths(folder / ROUTER, "types", tuple) or _read_paths(folder / CONFIG, "types", tuple)
    for route in routes:
        yield route
        if (folder / route) != folder:
            yield from _paths_named_in(folder / route)
    for file in sorted(folder.glob(f"*{INDEX_SUFFIX}")):
        yield from _read_paths(file, "weight_map", lambda weights: tuple(weights.values()))


def _read_paths(file: Path, key: str, select: Callable[[dict[str, Any]], Iterable[Any]]) -> list[str]:
    """Return the paths in an object of a JSON file, each once; none if the file or the object does not exist."""
    named = read_object(file).get(key, {})
    if not isinstance(named, dict):
        raise EncoderError(f"{file}: found {_describe_kind(named)} as {key}, expected a JSON object. {BROKEN}")
    return [_check_inside(file, path) for path in dict.fromkeys(map(str, select(named)))]


def _read_module(file: Path, number: int, entry: Any) -> Module:
    kind, path = (entry.get("type"), entry.get("path", "")) if isinstance(entry, dict) else (None, None)
    if not isinstance(kind, str) or not isinstance(path, str):
        raise EncoderError(
            f'{file}: entry {number} is not a module; expected an object with "type", a class, and "path", a folder. '
            f"{BROKEN}"
        )
    return Module(kind, _check_inside(file, path))


def _check_inside(file: Path, path: str) -> str:
    """Return a path that does not lead out of the checkpoint's folder."""
    if PureWindowsPath(path).anchor or PurePosixPath(path).is_absolute() or ".." in PureWindowsPath(path).parts:
        raise EncoderError(f"{file}: the path {path!r} leads out of the checkpoint's folder, which is not allowed.")
    return path


def _read_json(file: Path) -> Any:
    try:
        if (size := file.stat().st_size) > LARGEST:
            raise EncoderError(f"{file}: {size:,} bytes, expected {LARGEST:,} at most. {BROKEN}")
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise EncoderError(f"{file}: not valid JSON ({error}). {BROKEN}") from error
    except OSError as error:
        raise EncoderError(f"Cannot read {file}: {error.strerror}.") from error


def _describe_kind(value: Any) -> str:
    return f"{json_kind(value)} with nothing in it" if value in ([], {}) else json_kind(value)
