"""What a command tells a user: its verdict, its figures, and what says that it is about something else."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.process import Finished
from faults.world import CLOCK, without_times

from clearbench.training.rows.files import read_rows

FIGURE = re.compile(r"[-+]?\d+\.\d+|\b[a-z]{2}-[a-z]{2}\b|[A-Za-z0-9+/]{40,}={0,2}")
"""A number with decimals, a language pair, or packed numbers, as pages hold them."""
HASH = re.compile(r"\b[0-9a-f]{8,64}\b")


@dataclass(frozen=True)
class Seen:
    """What a command told.

    Attributes:
        code: Its exit code, which may be a verdict.
        figures: What it measured.
        identity: Of what: hashes of data and encoders.
    """

    code: int | None
    figures: tuple[Any, ...]
    identity: tuple[Any, ...] = ()


Observer = Callable[[Path, Finished], Seen]


def printed(place: Path, finished: Finished) -> Seen:
    """Take the figures that a command printed; a hash among them says of what they are."""
    text = finished.out
    return Seen(finished.code, tuple(FIGURE.findall(HASH.sub("", text))), tuple(HASH.findall(text)))


def page(name: str) -> Observer:
    """Take the figures of an HTML page."""

    def observe(place: Path, finished: Finished) -> Seen:
        text = CLOCK.sub(b"", _bytes(place / name)).decode("utf-8", "replace")
        return Seen(finished.code, tuple(FIGURE.findall(text)))

    return observe


def record_of(out: str, model: str) -> Observer:
    """Take printed figures and those of a model's records in a results folder, with what they say is measured."""

    def observe(place: Path, finished: Finished) -> Seen:
        figures: list[Any] = FIGURE.findall(finished.out)
        identity: list[Any] = []
        for file in sorted((place / out / "records").glob(f"{model}-*/*/record.json")):
            record = _json(file)
            if not record:
                figures.append(f"{file.name} cannot be read")
                continue
            identity.append(record["identity"])
            for pair in record["pairs"]:
                identity.append((pair["pair"], pair["data"]))
                figures.append((pair["pair"], pair["measures"], pair["num_queries"], pair["num_clusters"]))
        return Seen(finished.code, _frozen(figures), _frozen(identity))

    return observe


def files_in(folder: str) -> Observer:
    """Take the content of the files that a command wrote; of JSON its numbers only."""

    def observe(place: Path, finished: Finished) -> Seen:
        files = sorted(file for file in (place / folder).rglob("*") if file.is_file())
        return Seen(finished.code, tuple((file.name, _content(file)) for file in files))

    return observe


def rows_in(name: str) -> Observer:
    """Take rows by their fingerprint, and what their manifest says that they were made of."""

    def observe(place: Path, finished: Finished) -> Seen:
        manifest = json.loads(_bytes(place / f"{name}.manifest.json") or b"{}")
        made_of = [(source.get("task"), source.get("pairs")) for source in manifest.get("sources", ())] + [
            manifest.get("encoder")
        ]
        return Seen(finished.code, (read_rows(place / name).fingerprint,), _frozen(made_of))

    return observe


def training_in(folder: str) -> Observer:
    """Take loss curve and weights of a training run, and the base and rows that it says it used."""

    def observe(place: Path, finished: Finished) -> Seen:
        manifest = json.loads((place / folder / "clearbench_training.json").read_text(encoding="utf-8"))
        used = (manifest["base"]["weights"], manifest["rows"]["fingerprint"])
        return Seen(finished.code, _frozen((manifest["loss_curve"], manifest["weights"], manifest["step"])), used)

    return observe


def _json(file: Path) -> dict[str, Any]:
    """Return a JSON object; an empty one where the file holds none."""
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except ValueError:
        return {}


def _content(file: Path) -> Any:
    data = without_times(file)
    return tuple(_numbers(json.loads(data))) if file.suffix == ".json" else data


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)


def _bytes(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _frozen(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(json.dumps(value, sort_keys=True) for value in values)
