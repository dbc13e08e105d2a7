"""What a run needs before its first step: checked rows, a loaded checkpoint, a plan of batches, a loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from clearbench.common.environment import now
from clearbench.common.errors import TrainingError, UsageError, suggest
from clearbench.common.hashing import content_hash
from clearbench.common.progress import say
from clearbench.encoders.base import EncoderOptions, Role
from clearbench.encoders.prompts import PROMPT_NAMES
from clearbench.encoders.transformer import TransformerEncoder, load_transformer
from clearbench.training.loss.base import LossOptions
from clearbench.training.loss.named import LOSSES
from clearbench.training.rows.row import Rows, read_rows
from clearbench.training.run.batches import make_dataset, plan_training_batches
from clearbench.training.run.callbacks import Evaluations, Interruption, ProgressLines, StepGuard
from clearbench.training.run.collate import RowCollator, column_prompts
from clearbench.training.run.config import TrainConfig
from clearbench.training.run.lora import add_lora, check_peft
from clearbench.training.run.manifest import BaseCheckpoint, RowsUsed, TrainingManifest, describe_software
from clearbench.training.run.trainer import RowTrainer, make_trainer, training_arguments

if TYPE_CHECKING:
    import pandas as pd
    from sentence_transformers import SentenceTransformer

EvaluateEncoder = Callable[[TransformerEncoder], Mapping[str, float]]
"""nDCG@10 by "task:pair" of an encoder, as `clearbench run` would measure it."""


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to start."""

    trainer: RowTrainer
    encoder: TransformerEncoder
    manifest: TrainingManifest
    interruption: Interruption


def prepare(config: TrainConfig, evaluate: EvaluateEncoder | None = None) -> Prepared:
    """Read the rows, load the checkpoint, plan the batches; nothing is written.

    Raises:
        UsageError, EncoderError, TrainingError: As `train`.
    """
    if config.loss not in LOSSES:
        raise UsageError(f"No loss {config.loss!r}: there are {', '.join(LOSSES)}.{suggest(config.loss, LOSSES)}")
    if config.eval_tasks and evaluate is None:
        raise UsageError("The settings name eval_tasks, but no function to evaluate with was given.")
    if config.lora:
        check_peft()
    rows = read_rows(config.data)
    table = _select(rows, config)
    arguments = training_arguments(config)
    encoder = _load(config, str(arguments.device))
    negatives = _num_negatives(table, config)
    notes: list[str] = []
    max_length = _max_length(encoder, config, notes)
    loss_spec = LOSSES[config.loss]
    columns = loss_spec.columns(negatives)
    _check_size(config, columns, max_length)
    plan = plan_training_batches(
        table,
        batch_size=config.batch_size,
        num_batches=config.steps * arguments.world_size,
        negatives=negatives,
        seed=config.seed,
        per_language=config.batches == "per-language",
        duplicates=config.duplicates,
    )
    model = encoder.model.float()  # optimizer steps are too small for half-precision weights
    _keep_prompts(model, encoder)
    if config.gradient_checkpointing:
        _checkpoint_gradients(model)
    if config.lora:
        add_lora(model, config.lora, config.seed)
    options = LossOptions(
        scale=config.scale,
        mini_batch_size=config.mini_batch_size,
        mini_batch_tokens=config.mini_batch_tokens,
        gather_across_devices=config.gather and arguments.world_size > 1,
        prompts=column_prompts(encoder, columns),
    )
    loss = loss_spec.make_loss(model, columns, options)
    collator = RowCollator(encoder, columns, max_length)
    interruption = Interruption()

    def callbacks(trainer: RowTrainer) -> list[Any]:
        first: list[Any] = [ProgressLines(config)]
        if evaluate is not None and config.eval_tasks:
            first.append(Evaluations(config, lambda: _evaluate_now(trainer, encoder, evaluate), trainer.log))
        return [*first, StepGuard(config, interruption, trainer.explain)]

    trainer = make_trainer(
        config, plan, make_dataset(table, columns), table["query_id"].tolist(), collator, loss, arguments, callbacks
    )
    manifest = TrainingManifest(
        status="running",
        config=config.model_dump(mode="json"),
        base=BaseCheckpoint(
            source=config.model,
            weights=str(encoder.settings["weights"]),
            query_prompt=encoder.prompts["query"],
            passage_prompt=encoder.prompts["passage"],
            prompt_source=str(encoder.settings["prompt_source"]),
            max_length=model.max_seq_length,
        ),
        rows=RowsUsed(
            file=str(config.data),
            fingerprint=rows.fingerprint,
            num_rows=len(table),
            num_distinct_rows=len({row for batch in plan.batches for row in batch}),
            languages={str(name): int(count) for name, count in sorted(table["language"].value_counts().items())},
            negatives=negatives,
        ),
        formula=loss_spec.formula,
        columns=list(columns),
        max_length=max_length,
        devices=arguments.world_size,
        duplicates=plan.duplicates,
        environment=describe_software(),
        notes=notes,
        timings={"started": now()},
    )
    return Prepared(trainer, encoder, manifest, interruption)


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


def _load(config: TrainConfig, device: str) -> TransformerEncoder:
    if config.model == "bm25":
        raise UsageError("--model bm25 has no weights to train; give a checkpoint.")
    return load_transformer(
        config.model,
        EncoderOptions(
            pooling=config.pooling,
            query_prompt=config.query_prompt,
            passage_prompt=config.passage_prompt,
            revision=config.revision,
            trust_remote_code=config.trust_remote_code,
            allow_pickle=config.allow_pickle,
            offline=config.offline,
            device=device,
        ),
    )


def _select(rows: Rows, config: TrainConfig) -> "pd.DataFrame":
    table = rows.table
    if config.languages is None:
        return table
    wanted = [name.strip() for name in config.languages.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in rows.languages]
    if unknown or not wanted:
        raise UsageError(f"--languages {config.languages}: {config.data} has {', '.join(rows.languages)}.")
    return table[table["language"].isin(wanted)].reset_index(drop=True)


def _num_negatives(table: "pd.DataFrame", config: TrainConfig) -> int:
    most = max(len(texts) for texts in table["passage_negatives"])
    if config.negatives is None:
        return most
    if config.negatives > most:
        raise TrainingError(
            f"--negatives {config.negatives}: the rows of {config.data} have at most {most}. Mine them with "
            f"`clearbench rows mine --negatives {config.negatives}`, or ask for fewer."
        )
    return config.negatives


def _max_length(encoder: TransformerEncoder, config: TrainConfig, notes: list[str]) -> int | None:
    """Tokens kept in training; never more than the checkpoint reads in evaluation."""
    limit = encoder.model.max_seq_length
    if config.max_length is None or limit is None:
        return config.max_length or limit
    if config.max_length > limit:
        notes.append(f"max_length {config.max_length} was cut to {limit}, what {config.model} reads.")
        say(notes[-1])
    return min(config.max_length, int(limit))


def _check_size(config: TrainConfig, columns: tuple[str, ...], max_length: int | None) -> None:
    whole = config.batch_size * len(columns) * (max_length or 0)
    if config.mini_batch_tokens and max_length and config.mini_batch_tokens > whole:
        raise UsageError(
            f"--mini-batch-tokens {config.mini_batch_tokens} is larger than a whole batch: {config.batch_size} rows of "
            f"{len(columns)} texts of at most {max_length} tokens are {whole}."
        )


def _keep_prompts(model: "SentenceTransformer", encoder: TransformerEncoder) -> None:
    """Store the prompts in the checkpoint, so that it is evaluated with those it is trained with."""
    stored = dict(model.prompts or {})
    canonical: dict[Role, str] = {"query": "query", "passage": "document"}
    for role, name in canonical.items():
        prompt = encoder.prompts[role]
        names = [known for known in PROMPT_NAMES[role] if known in stored]
        if prompt or any(stored[known] for known in names):
            stored |= dict.fromkeys([*names, name], prompt)
    model.prompts = stored


def _checkpoint_gradients(model: "SentenceTransformer") -> None:
    inner: Any = model.transformers_model
    settings = {"use_reentrant": False}
    if hasattr(inner, "activation_checkpointing_enable"):
        inner.activation_checkpointing_enable(activation_checkpointing_kwargs=settings)
    else:
        inner.gradient_checkpointing_enable(gradient_checkpointing_kwargs=settings)
