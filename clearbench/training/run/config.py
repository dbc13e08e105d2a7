"""Everything that a training run can be told, in one validated record; presets are a literal table.

Settings come, the later ones winning, from the defaults, a preset, a TOML file, the command line.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from clearbench.common.errors import UsageError, suggest

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # arXiv 2604.05821: 64 rows on each of four devices, mini-batches of 32 texts, five hard negatives.
    "paper": {
        "steps": 50,
        "batch_size": 64,
        "mini_batch_size": 32,
        "learning_rate": 5e-5,
        "schedule": "cosine",
        "warmup": 0.05,
        "max_length": 512,
        "dtype": "bf16",
        "negatives": 5,
        "scale": 20.0,
    },
    # A few minutes on two cores with a model of MiniLM's size.
    "cpu-demo": {
        "steps": 40,
        "batch_size": 16,
        "mini_batch_tokens": 2048,
        "learning_rate": 5e-5,
        "schedule": "cosine",
        "warmup": 0.05,
        "max_length": 192,
        "dtype": "fp32",
        "scale": 20.0,
    },
}

Count = Annotated[int, Field(gt=0)]
# These may change between a run and its continuation; everything else decides the weights.
MAY_CHANGE = frozenset(
    {"model", "data", "out", "preset", "save_every", "keep_checkpoints", "eval_every", "eval_tasks", "eval_pairs"}
    | {"data_dir", "report_to", "offline", "stop_english"}
)


class TrainConfig(BaseModel):
    """One training run.

    Attributes:
        model: Checkpoint to start from: folder, Hub id, bundled short name.
        data: Rows, Parquet or JSONL.
        out: Output folder; checkpoints lie in it as checkpoint-<step>.
        loss: Name in the table of losses.
        preset: Name of the preset that the settings started from.
        steps: Optimizer steps.
        batch_size: Rows per device and step.
        mini_batch_size: Texts encoded at a time (GradCache), at most `batch_size`; None leaves it to the loss.
        mini_batch_tokens: Padded tokens encoded at a time (GradCache); None leaves it to the loss.
        learning_rate: Highest learning rate.
        schedule: Learning rate after the warm-up.
        warmup: Share of the steps in which the learning rate rises.
        weight_decay: Of AdamW.
        max_grad_norm: Gradients are clipped to this norm.
        scale: 1 / temperature.
        negatives: Hard negatives per row; None takes as many as the rows have.
        languages: Only rows of these target languages, separated by commas.
        batches: "mixed", or "per-language" for batches of one target language.
        duplicates: What may occur twice in a batch: see training/batches.py.
        max_length: Tokens kept per text in training; at most what the checkpoint reads.
        dtype: "fp32", or mixed precision.
        device: "auto", "cpu" or "cuda".
        gradient_checkpointing: Less memory, more time.
        lora: Rank of low-rank adapters, which are merged into the weights at the end; None trains all weights.
        gather: Under several devices, take the candidates of all.
        seed: Of batches, dropout and adapters.
        save_every: Steps between checkpoints; None saves five times.
        keep_checkpoints: Latest checkpoints kept.
        eval_tasks: Tasks to evaluate on, separated by commas.
        eval_pairs: Their language pairs.
        eval_every: Steps between evaluations; there is always one before and one after.
        data_dir: Folder with the tasks' official files.
        stop_english: Stop when nDCG@10 of an English pair fell by more than this many points (hundredths).
        report_to: "none", "tensorboard" or "wandb".
        pooling: For a plain transformers folder.
        query_prompt: Put before every query; None as the checkpoint says.
        passage_prompt: Put before every passage; None as the checkpoint says.
        revision: Commit or tag of a Hub checkpoint.
        trust_remote_code: Run code that comes with the checkpoint.
        allow_pickle: Load weights stored as pickles.
        offline: Never use the network.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str
    data: Path
    out: Path
    loss: str = "clear"
    preset: str | None = None
    steps: Count = 50
    batch_size: Count = 32
    mini_batch_size: Count | None = None
    mini_batch_tokens: Count | None = None
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 5e-5
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    scale: Annotated[float, Field(gt=0)] = 20.0
    negatives: Annotated[int, Field(ge=0)] | None = None
    languages: str | None = None
    batches: Literal["mixed", "per-language"] = "mixed"
    duplicates: Literal["auto", "candidates", "positives", "allow"] = "auto"
    max_length: Annotated[int, Field(ge=3)] | None = None
    dtype: Literal["fp32", "bf16", "fp16"] = "fp32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    gradient_checkpointing: bool = False
    lora: Count | None = None
    gather: bool = True
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42
    save_every: Count | None = None
    keep_checkpoints: Count = 2
    eval_tasks: str | None = None
    eval_pairs: str | None = None
    eval_every: Count | None = None
    data_dir: Path | None = None
    stop_english: Annotated[float, Field(gt=0)] | None = None
    report_to: Literal["none", "tensorboard", "wandb"] = "none"
    pooling: str | None = None
    query_prompt: str | None = None
    passage_prompt: str | None = None
    revision: str | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False
    offline: bool = False

    @model_validator(mode="after")
    def _check_together(self) -> "TrainConfig":
        if self.mini_batch_size is not None and self.mini_batch_size > self.batch_size:
            raise ValueError(f"mini_batch_size {self.mini_batch_size} is larger than batch_size {self.batch_size}")
        if self.mini_batch_size is not None and self.mini_batch_tokens is not None:
            raise ValueError("mini_batch_size and mini_batch_tokens exclude each other")
        if self.eval_tasks is None and (self.eval_every or self.eval_pairs or self.stop_english):
            raise ValueError("eval_every, eval_pairs and stop_english need eval_tasks")
        return self

    @property
    def checkpoint_interval(self) -> int:
        """Steps between checkpoints."""
        return self.save_every or max(self.steps // 5, 1)

    @property
    def decisive(self) -> dict[str, Any]:
        """Settings that a continued run must share with the run it continues."""
        return self.model_dump(mode="json", exclude=set(MAY_CHANGE))


def make_config(settings: Mapping[str, Any], file: Path | None = None) -> TrainConfig:
    """Merge defaults, preset, TOML file and given settings into a validated record.

    Args:
        settings: By field name; None means not given.
        file: TOML file with the same names.
    Raises:
        UsageError: A name does not exist, a value does not fit, or settings exclude each other.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    stored = _read_toml(file) if file else {}
    preset = given.get("preset", stored.get("preset"))
    if preset is not None and preset not in PRESETS:
        raise UsageError(f"No preset {preset!r}: there are {', '.join(PRESETS)}.{suggest(str(preset), PRESETS)}")
    merged = {**(PRESETS[preset] if preset else {}), **stored, **given}
    # A mini-batch in one unit replaces the preset's or the file's in the other.
    for one, other in (("mini_batch_size", "mini_batch_tokens"), ("mini_batch_tokens", "mini_batch_size")):
        if one in given and other not in given:
            merged.pop(other, None)
    where = f"{file}: " if file else ""
    for name in merged:
        if name not in TrainConfig.model_fields:
            hint = suggest(name, TrainConfig.model_fields)
            raise UsageError(f"{where}there is no setting {name!r}.{hint}")
    missing = [name for name in ("model", "data", "out") if name not in merged]
    if missing:
        flags = ", ".join(f"--{name}" for name in missing)
        raise UsageError(f"{where}{flags} missing: a run needs a model, training rows and an output folder.")
    try:
        return TrainConfig.model_validate(merged)
    except ValidationError as error:
        raise UsageError(where + "; ".join(_explain(problem) for problem in error.errors()) + ".") from None


def parse_setting(text: str) -> tuple[str, Any]:
    """Read `name=value`, the value as TOML where it is one, else as text.

    Raises:
        UsageError: There is no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"--set {text}: expected name=value.")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--config {file}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {file}: not valid TOML ({error}).") from error


def _explain(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name} = {problem['input']!r}: {message}" if name else message
