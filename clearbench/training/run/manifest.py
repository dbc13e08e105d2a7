"""What is written beside trained weights: a manifest for programs, a model card for people."""

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from clearbench.common.environment import describe_environment
from clearbench.common.errors import TrainingError
from clearbench.common.files import write_atomically
from clearbench.encoders.checkpoint import HUB_ID

SCHEMA_VERSION = 1
MANIFEST = "clearbench_training.json"
Status = Literal["running", "complete", "stopped", "interrupted", "failed"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseCheckpoint(_Frozen):
    """The checkpoint that training started from.

    Attributes:
        source: As the user gave it.
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


class RowsUsed(_Frozen):
    """The training rows.

    Attributes:
        file: As the user gave it.
        fingerprint: Hash of the rows.
        num_rows: Rows of the chosen languages.
        num_distinct_rows: Rows that stand in at least one planned batch.
        languages: Rows per target language.
        negatives: Hard negatives per row that the loss may use.
    """

    file: str
    fingerprint: str
    num_rows: int
    num_distinct_rows: int
    languages: dict[str, int]
    negatives: int


class TrainingManifest(_Frozen):
    """One training run.

    Attributes:
        schema_version: Of this file's layout.
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
        evaluations: Per evaluation: step, nDCG@10 by "task:pair".
        weights: Hash of the trained checkpoint; None until it is saved.
        notes: What was odd, one sentence each.
        timings: Start, end, seconds.
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
    loss_curve: list[dict[str, float]] = []
    evaluations: list[dict[str, float]] = []
    weights: str | None = None
    notes: list[str] = []
    timings: dict[str, Any] = {}


def describe_software() -> dict[str, str]:
    """Versions of Python and of the packages that decide trained weights."""
    found = dict(describe_environment())
    for package in ("accelerate", "datasets", "peft"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def write_manifest(folder: Path, manifest: TrainingManifest) -> None:
    """Write the manifest; OSError as the operating system says."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False)
    write_atomically(folder / MANIFEST, (text + "\n").encode())


def read_manifest(folder: Path) -> TrainingManifest:
    """Read a run's manifest.

    Raises:
        TrainingError: It is missing, damaged or of another version.
    """
    file = folder / MANIFEST
    try:
        return TrainingManifest.model_validate_json(file.read_bytes())
    except OSError as error:
        raise TrainingError(f"{file}: {error.strerror}; it tells what the run was told.") from error
    except ValidationError as error:
        raise TrainingError(
            f"{file} is damaged or of another version of clearbench ({error.errors()[0]['msg']}); start anew with "
            "--replace."
        ) from None


def model_card(manifest: TrainingManifest, name: str) -> str:
    """Text of README.md: what the checkpoint is and how it was trained."""
    config, rows, base = manifest.config, manifest.rows, manifest.base
    languages = ", ".join(f"{language} ({count:,})" for language, count in rows.languages.items())
    lines = [
        "---",
        "library_name: sentence-transformers",
        "pipeline_tag: sentence-similarity",
        *([f"base_model: {base.source}"] if HUB_ID.fullmatch(base.source) else []),
        "tags: [sentence-transformers, sentence-similarity, feature-extraction, clearbench]",
        "---",
        f"# {name}",
        "",
        f"Fine-tuned from `{base.source}` for retrieval across languages with clearbench.",
        "",
        "## Training",
        "",
        f"- Loss: `{config['loss']}`, {manifest.formula}, scale {config['scale']:g}",
        f"- Rows: {rows.num_rows:,} ({rows.num_distinct_rows:,} of them in batches), target languages {languages}, "
        f"up to {rows.negatives} hard negatives each, fingerprint {rows.fingerprint}",
        f"- {manifest.step} of {config['steps']} steps of {config['batch_size']} rows on {manifest.devices} "
        f"device{'s' if manifest.devices > 1 else ''}, {config['batches']} batches, duplicates: {manifest.duplicates}",
        f"- Learning rate {config['learning_rate']:g}, {config['schedule']}, {config['warmup']:.0%} warm-up; weight "
        f"decay {config['weight_decay']:g}; {config['dtype']}; at most {manifest.max_length} tokens a text; seed "
        f"{config['seed']}" + (f"; LoRA of rank {config['lora']}, merged" if config["lora"] else ""),
        f"- Base checkpoint hash {base.weights}",
        *(f"- Note: {note}" for note in manifest.notes),
    ]
    if manifest.loss_curve:
        lines.append(
            f"- Loss {manifest.loss_curve[0]['loss']:.4f} at first, {manifest.loss_curve[-1]['loss']:.4f} last"
        )
    if manifest.evaluations:
        first, last = manifest.evaluations[0], manifest.evaluations[-1]
        lines += ["", "nDCG@10 in training:", "", "| pair | before | after |", "|---|---|---|"]
        lines += [f"| {key} | {first[key]:.4f} | {last[key]:.4f} |" for key in last if key != "step" and key in first]
    lines += [
        "",
        "## Use",
        "",
        "```python",
        "from sentence_transformers import SentenceTransformer",
        "",
        f'model = SentenceTransformer("{name}")',
        "```",
        "",
        *(
            [f"Put {base.query_prompt!r} before queries and {base.passage_prompt!r} before passages.", ""]
            if base.query_prompt or base.passage_prompt
            else []
        ),
        f"All settings, the loss curve and software versions are in `{MANIFEST}`.",
        "",
    ]
    return "\n".join(lines)
