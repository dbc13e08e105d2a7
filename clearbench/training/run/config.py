"""All settings of a training run, validated together, and the table of presets.

Settings come from the defaults, a preset, a TOML file and the command line. A later source overrides an earlier one.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from clearbench.common.errors import UsageError, suggest
from clearbench.common.measures import MAIN_MEASURE
from clearbench.common.options import DATA_DIR, OFFLINE, TASKS_DIR, Option, find_option, split_setting
from clearbench.common.pairs import ENGLISH_PAIR
from clearbench.common.toml import describe_problems, read_toml
from clearbench.encoders.base import EncoderOptions

RUN, METHOD, EVALUATION, MACHINE = "Run", "Method", "Evaluation", "Machine"
"""Headings of the options in `--help`."""

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # The settings of arXiv 2604.05821, for four devices.
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
    # Takes a few minutes on two cores with a model of MiniLM's size.
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

MOST_STEPS = 1_000_000
"""A limit, because the batches of all steps are planned before the first step."""
Count = Annotated[int, Field(gt=0)]
MAY_CHANGE = frozenset(
    {"model", "data", "out", "preset", "save_every", "keep_checkpoints", "eval_every", "eval_tasks", "eval_pairs"}
    | {"data_dir", "tasks_dir", "report_to", "offline", "stop_english"}
)
"""Settings that may change when a run is resumed; all others decide the weights."""


class TrainConfig(BaseModel):
    """One training run.

    If `max_length` is larger than the checkpoint's own limit of tokens, the checkpoint's limit applies. With
    `eval_tasks` there is always an evaluation before the first step and one after the last.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Annotated[str, Option("Checkpoint to start from: folder, Hub id, `e5-small`, `minilm`.", RUN)]
    data: Annotated[Path, Option("Rows of `clearbench rows build` or `rows mine`: .parquet, .jsonl.", RUN)]
    out: Annotated[Path, Option("Output folder, also for the checkpoints (checkpoint-<step>).", RUN)]
    save_every: Annotated[Count | None, Option("Steps between checkpoints (default: a fifth of the steps).", RUN)] = (
        None
    )
    keep_checkpoints: Annotated[Count, Option("Number of latest checkpoints to keep.", RUN)] = 2

    loss: Annotated[str, Option("clear, infonce, mixed, ...; a wrong name lists them all.", METHOD)] = "clear"
    preset: Annotated[str | None, Option("Settings to start from: paper or cpu-demo.", METHOD)] = None
    steps: Annotated[int, Field(gt=0, le=MOST_STEPS), Option("Optimizer steps.", METHOD)] = 50
    batch_size: Annotated[Count, Option("Rows per device and step.", METHOD)] = 32
    learning_rate: Annotated[float, Field(gt=0, le=1), Option("Highest learning rate.", METHOD, flag="--lr")] = 5e-5
    schedule: Annotated[Literal["cosine", "linear", "constant"], Option("Learning rate after the warm-up.", METHOD)] = (
        "cosine"
    )
    warmup: Annotated[float, Field(ge=0, lt=1), Option("Share of the steps in which the rate rises.", METHOD)] = 0.05
    weight_decay: Annotated[float, Field(ge=0), Option("Weight decay of AdamW.", METHOD)] = 0.0
    max_grad_norm: Annotated[float, Field(gt=0), Option("Gradients are clipped to this norm.", METHOD)] = 1.0
    scale: Annotated[float, Field(gt=0), Option("1 / temperature.", METHOD)] = 20.0
    negatives: Annotated[
        Annotated[int, Field(ge=0)] | None, Option("Hard negatives per row (default: all).", METHOD)
    ] = None
    languages: Annotated[str | None, Option("Train only on these target languages: de,es.", METHOD)] = None
    batches: Annotated[
        Literal["mixed", "per-language"], Option("per-language: one target language per batch.", METHOD)
    ] = "mixed"
    duplicates: Annotated[
        Literal["auto", "candidates", "positives", "allow"], Option("What may occur twice in a batch.", METHOD)
    ] = "auto"
    max_length: Annotated[Annotated[int, Field(ge=3)] | None, Option("Tokens kept per text in training.", METHOD)] = (
        None
    )
    lora: Annotated[
        Count | None, Option("Train adapters of this rank, and merge them into the weights at the end.", METHOD)
    ] = None
    seed: Annotated[int, Field(ge=0, lt=2**32), Option("Seed of batches, dropout and adapters.", METHOD)] = 42

    eval_tasks: Annotated[
        str | None, Option("Held-out tasks, separated by commas.", EVALUATION, flag="--eval-task")
    ] = None
    eval_pairs: Annotated[str | None, Option("Pairs of the held-out tasks: 'de-en,en-en'.", EVALUATION)] = None
    eval_every: Annotated[Count | None, Option("Steps between evaluations.", EVALUATION)] = None
    stop_english: Annotated[
        Annotated[float, Field(gt=0)] | None,
        Option(
            f"Stop if {MAIN_MEASURE} (or the task's main measure) of {ENGLISH_PAIR} falls by more points than this.",
            EVALUATION,
        ),
    ] = None
    data_dir: Annotated[Path | None, replace(DATA_DIR, panel=EVALUATION)] = None
    tasks_dir: Annotated[Path | None, replace(TASKS_DIR, panel=EVALUATION)] = None

    dtype: Annotated[Literal["fp32", "bf16", "fp16"], Option("bf16 and fp16: mixed precision.", MACHINE)] = "fp32"
    device: Annotated[Literal["auto", "cpu", "cuda"], Option("Where to train.", MACHINE)] = "auto"
    mini_batch_size: Annotated[Count | None, Option("Texts encoded at a time, to save memory.", MACHINE)] = None
    mini_batch_tokens: Annotated[Count | None, Option("Padded tokens encoded at a time, to save memory.", MACHINE)] = (
        None
    )
    gradient_checkpointing: Annotated[bool, Option("Less memory, more time.", MACHINE)] = False
    gather: bool = True
    """Whether each device also uses the candidates of the other devices."""
    report_to: Annotated[
        Literal["none", "tensorboard", "wandb"],
        Option("Package that receives the curves; it must be installed.", MACHINE),
    ] = "none"
    offline: Annotated[bool, replace(OFFLINE, panel=MACHINE)] = False

    pooling: Annotated[str | None, find_option(EncoderOptions, "pooling")] = None
    query_prompt: Annotated[str | None, find_option(EncoderOptions, "query_prompt")] = None
    passage_prompt: Annotated[str | None, find_option(EncoderOptions, "passage_prompt")] = None
    revision: Annotated[str | None, find_option(EncoderOptions, "revision")] = None
    trust_remote_code: Annotated[bool, find_option(EncoderOptions, "trust_remote_code")] = False
    allow_pickle: Annotated[bool, find_option(EncoderOptions, "allow_pickle")] = False

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
    def decisive_settings(self) -> dict[str, Any]:
        """The settings that a resumed run must share with the original run."""
        return self.model_dump(mode="json", exclude=set(MAY_CHANGE))


def make_config(settings: Mapping[str, Any], file: Path | None = None) -> TrainConfig:
    """Return the validated settings, merged from defaults, preset, TOML file and given values.

    Args:
        settings: Field name -> value; None means not given.
        file: TOML file with the same field names.
    Raises:
        UsageError: A name does not exist, a value does not fit, or settings exclude each other.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    stored = read_toml(file, UsageError, "--config ") if file else {}
    preset = given.get("preset", stored.get("preset"))
    if preset is not None and preset not in PRESETS:
        raise UsageError(f"No preset {preset!r}: there are {', '.join(PRESETS)}.{suggest(str(preset), PRESETS)}")
    merged = {**(PRESETS[preset] if preset else {}), **stored, **given}
    # A given mini-batch limit replaces the preset's or the file's limit in the other unit.
    for one, other in (("mini_batch_size", "mini_batch_tokens"), ("mini_batch_tokens", "mini_batch_size")):
        if one in given and other not in given:
            merged.pop(other, None)
    where = f"{file}: " if file else ""
    if missing := [f"--{name}" for name in ("model", "data", "out") if name not in merged]:
        raise UsageError(
            f"{where}{', '.join(missing)} missing: a run needs a model, training rows and an output folder."
        )
    try:
        return TrainConfig.model_validate(merged)
    except ValidationError as error:
        raise UsageError(where + describe_problems(error, TrainConfig.model_fields)) from None


def read_typed_settings(texts: list[str], flag: str) -> dict[str, Any]:
    """Return name -> value of settings written as `name=value`; a value that is not valid TOML is kept as text.

    Raises:
        UsageError: A setting has no name or no `=`.
    """
    return {name: _parse_value(value) for name, value in (split_setting(text, flag) for text in texts)}


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
