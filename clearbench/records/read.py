"""Reading a record: the content of record.json is compared with the parts that it is derived from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from clearbench.common.errors import RecordError
from clearbench.common.files import RECORD_FILE
from clearbench.common.text import count, first_line, join_names, json_kind
from clearbench.common.toml import describe_problems
from clearbench.records.bias import overall_bias
from clearbench.records.derive import fields_of_pairs, fields_of_runs, pairs_of, totals_of_pairs
from clearbench.records.parts import SCORES, PartSummary, part_files, read_summary
from clearbench.records.schema import SCHEMA_VERSION, PairRecord, Provenance, Record, find_record_damage

SAME_FIGURE = 1e-9
"""Figures that differ by less, as a share of the larger one or of 1, are equal."""
REPAIR = "`clearbench verify` shows what is wrong; the same `clearbench run` again rewrites record.json."


def has_record(folder: Path) -> bool:
    """Return whether a folder is a record's."""
    return (folder / RECORD_FILE).exists()


def read_record(folder: Path) -> Record:
    """Read a record, with the figures of its parts.

    Pairs whose scores were written after record.json are part of the record too.

    Raises:
        RecordError: There is none, it is damaged, it has another schema version, or it does not follow from its parts.
    """
    written = read_document(folder)
    record = _as_record(folder, written)
    if record.status == "complete" and (damage := find_record_damage(record)):
        raise _damage_error(folder / RECORD_FILE, f"{damage}.")
    parts = read_summaries(folder, written)
    if not parts and written["pairs"]:
        raise RecordError(f"{folder} holds no per-query scores: copy the folder `{SCORES}` too.")
    if problem := find_disagreement(written, parts):
        raise RecordError(f"{folder / RECORD_FILE} does not follow from its scores: {problem}. {REPAIR}")
    if record.status != "complete":
        return record
    recorded = record.by_pair
    if later := [pair for name, pair in pairs_of(parts).items() if name not in recorded]:
        later_pairs = map(PairRecord.model_validate, later)
        record = record.model_copy(update=fields_of_pairs([*record.pairs, *later_pairs]))
    if record.bias is None:
        return record
    bias = overall_bias(folder, record.identity.pool_languages)
    if not later and not same_figures(asdict(bias), written["bias"]):
        raise RecordError(f"{folder / RECORD_FILE} does not follow from its scores: {_disagreement('bias')}. {REPAIR}")
    return record.model_copy(update={"bias": bias})


def read_document(folder: Path) -> dict[str, Any]:
    """Return the content of record.json, after checking its version and form.

    Raises:
        RecordError: There is none, it is damaged, or it has another schema version.
    """
    file = folder / RECORD_FILE
    try:
        written = from_json(file.read_bytes())
    except OSError as error:
        raise RecordError(f"Cannot read {file}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise _damage_error(file, f"{first_line(error)}.") from error
    if not isinstance(written, dict):
        raise _damage_error(file, f"it holds {json_kind(written)}, expected an object.")
    version = written.get("schema_version")
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"{file} has schema version {version}, this clearbench reads {SCHEMA_VERSION}. "
            "Use the version that wrote it, or measure again with --replace."
        )
    _as_record(folder, {**written, "pairs": []})
    return written


def read_summaries(folder: Path, written: Mapping[str, Any] | None = None) -> list[PartSummary]:
    """Read what the parts in a record's folder say of themselves, in the order of their names.

    Args:
        folder: The record's folder.
        written: The content of record.json, which alone has the provenance of parts of format 1.
    Raises:
        RecordError: One is damaged, or belongs to another measurement than the first.
    """
    parts = [read_summary(file) for file in part_files(folder)]
    for part in parts:
        if part.identity != parts[0].identity:
            raise RecordError(
                f"{part.file} belongs to another measurement than {parts[0].file.name}: delete the one that does not "
                "belong here, and run again."
            )
    if written is None or all(part.provenance for part in parts):
        return parts
    provenance = Provenance.model_validate({key: written[key] for key in Provenance.model_fields})
    return [part if part.provenance else part._replace(provenance=provenance) for part in parts]


def find_problems(written: Mapping[str, Any], parts: Sequence[PartSummary]) -> Iterator[str]:
    """Yield sentences on where record.json differs from the finished record of its parts.

    Args:
        written: The content of record.json.
        parts: The parts of its folder.
    """
    if written["status"] != "complete":
        yield "it says that a run is under way"
    if problem := find_disagreement(written, parts):
        yield problem
        return
    pairs = [PairRecord.model_validate(pair) for pair in pairs_of(parts).values()]
    if num_lacking := len(pairs) - len(written["pairs"]):
        yield f"it lacks {count(num_lacking, 'pair')} with scores"
        return
    derived = fields_of_pairs(pairs)
    yield from (
        _disagreement(key) for key in ("coverage", "averages", "data") if not same_figures(written[key], derived[key])
    )


def find_disagreement(written: Mapping[str, Any], parts: Sequence[PartSummary]) -> str | None:
    """Return in words the first point where record.json disagrees with its parts; None where they agree.

    Pairs that only the parts have do not count as a disagreement.

    Args:
        written: The content of record.json.
        parts: The parts of its folder.
    """
    pairs = pairs_of(parts)
    if problem := _find_other_pair(written["pairs"], pairs):
        return problem
    if parts and written["identity"] != parts[0].identity:
        return _disagreement("identity")
    runs = [part.provenance for part in parts if part.provenance is not None]
    if not runs:
        return None
    for key in ("model", "main_measure"):
        if written[key] not in [getattr(run, key) for run in runs]:
            return _disagreement(key)
    if {pair["pair"] for pair in written["pairs"]} == pairs.keys():
        for key, value in (fields_of_runs(runs) | totals_of_pairs(pairs.values())).items():
            if written[key] != value:
                return _disagreement(key)
    return None


def _find_other_pair(listed_pairs: Any, pairs: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return in words the first point where the `pairs` of record.json disagree with those of the parts."""
    if not isinstance(listed_pairs, list) or not all(
        isinstance(pair, Mapping) and isinstance(pair.get("pair"), str) for pair in listed_pairs
    ):
        return "`pairs` is not a list of pairs"
    own = {pair["pair"]: pair for pair in listed_pairs}
    if unscored := [name for name in own if name not in pairs]:
        return f"it lists {join_names(unscored)} without scores"
    if changed := [name for name, pair in own.items() if pair != pairs[name]]:
        return f"its entries for {join_names(changed)} differ from the scores"
    return None


def same_figures(value: Any, other: Any) -> bool:
    """Return whether two JSON values are equal, numbers up to the rounding of sums taken in another order."""
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        return value.keys() == other.keys() and all(same_figures(item, other[key]) for key, item in value.items())
    if isinstance(value, (int, float)) and isinstance(other, (int, float)):
        return abs(value - other) <= SAME_FIGURE * max(1.0, abs(other))
    return bool(value == other)


def _disagreement(key: str) -> str:
    return f"`{key}` differs from that of the scores"


def _as_record(folder: Path, written: Mapping[str, Any]) -> Record:
    try:
        return Record.model_validate(written)
    except ValidationError as error:
        raise _damage_error(folder / RECORD_FILE, describe_problems(error, most=3)) from error


def _damage_error(file: Path, reason: str) -> RecordError:
    return RecordError(f"{file} is damaged: {reason} Restore it, or measure again with --replace.")
