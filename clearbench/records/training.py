"""The manifest of trained weights: how they were trained, for programs; the model card is for people."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from clearbench.common.errors import ClearbenchError, RecordError
from clearbench.common.files import TRAINING_FILE, json_bytes, write_atomically
from clearbench.common.measures import MAIN_MEASURE
from clearbench.common.strict import StrictModel
from clearbench.common.toml import describe_problems

SCHEMA_VERSION = 1
WITHOUT_MANIFEST = "Leave this checkpoint out, or train again with --replace."
Status = Literal["running", "complete", "stopped", "interrupted", "failed"]


def evaluation_key(task: str, pair: object, measure: str) -> str:
    """Return the key of a figure measured in training: "xquad:de-en", or "demo-xor:fi-en R@2kt"."""
    return f"{task}:{pair}" if measure == MAIN_MEASURE else f"{task}:{pair} {measure}"


def read_evaluation_key(key: str) -> tuple[str, str, str]:
    """Return the task, the pair and the measure of a figure's key."""
    task, _, pair_and_measure = key.rpartition(":")
    pair, _, measure = pair_and_measure.partition(" ")
    return task, pair, measure or MAIN_MEASURE


class BaseCheckpoint(StrictModel):
    """The checkpoint that training started from.

    Attributes:
        source: The checkpoint as the user named it.
        weights: Hash of every file that can change a vector.
        query_prompt: Put before every query, in training and in evaluation.
        passage_prompt: Put before every passage.
        prompt_source: Where the prompts come from.
        max_length: Tokens the checkpoint reads.
    """

    source: str
    weights: str
    query_prompt: str
    passage_prompt: str
    prompt_source: str
    max_length: int | None


class RowsUsed(StrictModel):
    """The training rows.

    Attributes:
        file: The file as the user named it.
        fingerprint: Hash of the rows.
        num_rows: Rows of the chosen languages.
        num_distinct_rows: Rows that are in at least one planned batch.
        languages: Rows per target language.
        negatives: Hard negatives per row that the loss may use.
    """

    file: str
    fingerprint: str
    num_rows: int
    num_distinct_rows: int
    languages: dict[str, int]
    negatives: int


class _Versioned(BaseModel):
    """The field that every version of the file has."""

    schema_version: int


class TrainingManifest(StrictModel):
    """One training run.

    Attributes:
        schema_version: Version of the file's layout.
        status: "complete" after all steps; "stopped" early by the English limit; "running" until then.
        config: Every setting.
        base: See BaseCheckpoint.
        rows: See RowsUsed.
        formula: The loss.
        columns: The loss's columns.
        max_length: Tokens kept per text in training.
        devices: Processes that trained together.
        duplicates: What could not occur twice in a batch.
        environment: Versions of the software, and its commit where known.
        step: Steps done.
        loss_curve: Per step: loss, its parts, learning rate, gradient norm.
        evaluations: Per evaluation: step, and figures by `evaluation_key`.
        weights: Hash of the trained checkpoint; None until it is saved.
        notes: What a reader should know of the run, one sentence each.
        timings: Start and end of the run, and its seconds.
    """

    schema_version: int = SCHEMA_VERSION
    status: Status
    config: dict[str, Any]
    base: BaseCheckpoint
    rows: RowsUsed
    formula: str
    columns: list[str]
    max_length: int | None
    devices: int
    duplicates: str
    environment: dict[str, str]
    step: int = 0
    loss_curve: list[dict[str, float]] = Field(default=[])
    evaluations: list[dict[str, float]] = Field(default=[])
    weights: str | None = None
    notes: list[str] = Field(default=[])
    timings: dict[str, Any] = Field(default={})


def write_manifest(folder: Path, manifest: TrainingManifest) -> None:
    """Write the manifest.

    Raises:
        OSError: It cannot be written.
    """
    write_atomically(folder / TRAINING_FILE, json_bytes(manifest.model_dump(mode="json")))


def read_manifest(folder: Path, error: type[ClearbenchError] = RecordError) -> TrainingManifest:
    """Read a run's manifest.

    Args:
        folder: The checkpoint's folder.
        error: What to raise where it is missing, damaged or of another version.
    """
    file = folder / TRAINING_FILE
    try:
        data = file.read_bytes()
        version = _Versioned.model_validate_json(data).schema_version
        if version != SCHEMA_VERSION:
            raise error(
                f"{file}: schema_version {version}, this version of clearbench reads {SCHEMA_VERSION}. Use the version "
                "that trained the checkpoint, or train again with --replace."
            )
        return TrainingManifest.model_validate_json(data)
    except OSError as problem:
        raise error(f"{file}: {problem.strerror}. {WITHOUT_MANIFEST}") from problem
    except ValidationError as problem:
        raise error(f"{file} is damaged: {describe_problems(problem, most=1)} {WITHOUT_MANIFEST}") from None
