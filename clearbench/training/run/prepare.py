"""Prepare a run: read its rows, load its checkpoint, plan its batches, make its loss and its trainer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from clearbench.common.environment import now
from clearbench.common.errors import TrainingError, UsageError, suggest
from clearbench.common.hashing import content_hash
from clearbench.encoders.checkpoints.tokenizers import TokenizerSettings, read_tokenizers
from clearbench.encoders.checkpoints.transformer import TransformerEncoder
from clearbench.records.training import BaseCheckpoint, RowsUsed, TrainingManifest
from clearbench.training.loss.base import LossOptions
from clearbench.training.loss.named import LOSSES
from clearbench.training.rows.files import read_rows
from clearbench.training.run.batches import BatchPlan, BatchRules, make_dataset, plan_training_batches
from clearbench.training.run.callbacks import EvaluationCallback, Interruption, ProgressLines, StepGuard
from clearbench.training.run.collate import RowCollator, column_prompts
from clearbench.training.run.config import TrainConfig
from clearbench.training.run.lora import check_peft
from clearbench.training.run.model import choose_length, load_base, make_trainable
from clearbench.training.run.software import describe_software
from clearbench.training.run.trainer import RowTrainer, training_arguments

if TYPE_CHECKING:
    import pandas as pd
    from sentence_transformers import SentenceTransformerTrainingArguments

EvaluateEncoder = Callable[[TransformerEncoder], Mapping[str, float]]
"""Returns `evaluation_key` -> figure of an encoder, the same figures as `clearbench run`."""


@dataclass(frozen=True)
class ChosenRows:
    """The rows of a run.

    Attributes:
        table: The rows of the chosen languages.
        fingerprint: Hash of all rows of the file.
        negatives: Number of hard negatives per row that the loss may use.
    """

    table: "pd.DataFrame"
    fingerprint: str
    negatives: int


@dataclass(frozen=True)
class Inputs:
    """The inputs of a run.

    Attributes:
        config: All settings.
        arguments: The trainer's arguments.
        rows: The training rows.
        columns: The loss's columns in the dataset's order.
        plan: The rows of each batch.
        encoder: The base checkpoint.
        tokenizers: The truncation and padding settings of its tokenizers.
        max_length: Tokens kept per text in training.
        notes: Sentences for the manifest, such as a reduced `max_length`.
    """

    config: TrainConfig
    arguments: "SentenceTransformerTrainingArguments"
    rows: ChosenRows
    columns: tuple[str, ...]
    plan: BatchPlan
    encoder: TransformerEncoder
    tokenizers: tuple[TokenizerSettings, ...]
    max_length: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PreparedRun:
    """A run that is ready to start."""

    trainer: RowTrainer
    manifest: TrainingManifest
    interruption: Interruption


def prepare(config: TrainConfig, evaluate: EvaluateEncoder | None = None) -> PreparedRun:
    """Return a run that is ready to start; this function writes nothing.

    Raises:
        UsageError, EncoderError, TrainingError: See `train`.
    """
    if config.loss not in LOSSES:
        raise UsageError(f"No loss {config.loss!r}: there are {', '.join(LOSSES)}.{suggest(config.loss, LOSSES)}")
    if config.eval_tasks and evaluate is None:
        raise UsageError("The settings name eval_tasks, but the argument `evaluate` is missing.")
    if config.lora:
        check_peft()
    inputs = _read_inputs(config)
    make_trainable(inputs.encoder, config)
    trainer = _make_trainer(inputs)
    trainer.tokenizers = inputs.tokenizers
    interruption = Interruption()
    trainer.add_callback(ProgressLines(config))
    trainer.add_callback(StepGuard(config, interruption, trainer.explain))
    if evaluate is not None and config.eval_tasks:
        measure = partial(_evaluate_now, trainer, inputs.encoder, evaluate)
        trainer.add_callback(
            EvaluationCallback(config, measure, trainer.log)
        )  # after StepGuard, because it may cancel StepGuard's checkpoint
    return PreparedRun(trainer, _describe_run(inputs), interruption)


def _read_inputs(config: TrainConfig) -> Inputs:
    rows = _choose_rows(config)
    arguments = training_arguments(config)
    encoder = load_base(config, str(arguments.device))
    tokenizers = read_tokenizers(encoder.model)
    max_length, notes = choose_length(encoder, config)
    columns = LOSSES[config.loss].columns(rows.negatives)
    _check_size(config, columns, max_length)
    rules = BatchRules(
        batch_size=config.batch_size,
        num_batches=config.steps * arguments.world_size,
        negatives=rows.negatives,
        seed=config.seed,
        per_language=config.batches == "per-language",
        duplicates=config.duplicates,
    )
    plan = plan_training_batches(rows.table, rules)
    return Inputs(config, arguments, rows, columns, plan, encoder, tokenizers, max_length, notes)


def _make_trainer(inputs: Inputs) -> RowTrainer:
    config, encoder, table = inputs.config, inputs.encoder, inputs.rows.table
    options = LossOptions(
        scale=config.scale,
        mini_batch_size=config.mini_batch_size,
        mini_batch_tokens=config.mini_batch_tokens,
        gather_across_devices=config.gather and inputs.arguments.world_size > 1,
        prompts=column_prompts(encoder, inputs.columns),
    )
    return RowTrainer(
        config,
        inputs.plan,
        make_dataset(table, inputs.columns),
        table["query_id"].tolist(),
        model=encoder.model,
        args=inputs.arguments,
        data_collator=RowCollator(encoder, inputs.columns, inputs.max_length),
        loss=LOSSES[config.loss].make_loss(encoder.model, inputs.columns, options),
    )


def _describe_run(inputs: Inputs) -> TrainingManifest:
    config, rows, encoder = inputs.config, inputs.rows, inputs.encoder
    languages = rows.table["language"].value_counts().items()
    return TrainingManifest(
        status="running",
        config=config.model_dump(mode="json"),
        base=BaseCheckpoint(
            source=config.model,
            weights=str(encoder.settings["weights"]),
            query_prompt=encoder.prompts["query"],
            passage_prompt=encoder.prompts["passage"],
            prompt_source=str(encoder.settings["prompt_source"]),
            max_length=encoder.configuration.max_length,
        ),
        rows=RowsUsed(
            file=str(config.data),
            fingerprint=rows.fingerprint,
            num_rows=len(rows.table),
            num_distinct_rows=len({row for batch in inputs.plan.batches for row in batch}),
            languages={str(name): int(number) for name, number in sorted(languages)},
            negatives=rows.negatives,
        ),
        formula=LOSSES[config.loss].formula,
        columns=list(inputs.columns),
        max_length=inputs.max_length,
        devices=inputs.arguments.world_size,
        duplicates=inputs.plan.duplicates,
        environment=describe_software(),
        notes=list(inputs.notes),
        timings={"started": now()},
    )


def _evaluate_now(trainer: RowTrainer, encoder: TransformerEncoder, evaluate: EvaluateEncoder) -> Mapping[str, float]:
    """Evaluate the current weights as the checkpoint saved from them would be."""
    model = trainer.model
    weights = content_hash("training", encoder.weights, str(trainer.state.global_step))
    was_training = model.training
    model.eval()
    try:
        return evaluate(replace(encoder, model=model, weights=weights, complete_fingerprint=False))
    finally:
        model.train(was_training)


def _choose_rows(config: TrainConfig) -> ChosenRows:
    rows = read_rows(config.data)
    table = rows.table
    if config.languages is not None:
        wanted = [name.strip() for name in config.languages.split(",") if name.strip()]
        if not wanted or not set(wanted) <= set(rows.languages):
            raise UsageError(f"--languages {config.languages}: {config.data} has {', '.join(rows.languages)}.")
        table = table[table["language"].isin(wanted)].reset_index(drop=True)
    most = max(len(texts) for texts in table["passage_negatives"])
    if config.negatives is not None and config.negatives > most:
        raise TrainingError(
            f"--negatives {config.negatives}: the rows of {config.data} have at most {most}. Mine more with "
            f"`clearbench rows mine --negatives {config.negatives}`, or choose a smaller number."
        )
    return ChosenRows(table, rows.fingerprint, most if config.negatives is None else config.negatives)


def _check_size(config: TrainConfig, columns: tuple[str, ...], max_length: int | None) -> None:
    whole = config.batch_size * len(columns) * (max_length or 0)
    if config.mini_batch_tokens and max_length and config.mini_batch_tokens > whole:
        raise UsageError(
            f"--mini-batch-tokens {config.mini_batch_tokens} is larger than a whole batch: {config.batch_size} rows of "
            f"{len(columns)} texts of at most {max_length} tokens are {whole}."
        )
