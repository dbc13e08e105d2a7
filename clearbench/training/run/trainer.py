"""sentence-transformers' trainer, extended by planned batches, parts of the loss, safe checkpoints and clear errors."""

import math
import shutil
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from transformers import PrinterCallback, ProgressCallback

from clearbench.common.errors import TrainingError, UsageError
from clearbench.common.text import first_line, join_names
from clearbench.encoders.checkpoints.tokenizers import TokenizerSettings
from clearbench.training.run.batches import ROW, BatchPlan, PlannedBatches
from clearbench.training.run.checkpoints import (
    describe_last_checkpoint,
    prune_checkpoints,
    publish_folder,
    report_failed_load,
    report_failed_save,
    staging_folder,
)
from clearbench.training.run.collate import split_columns
from clearbench.training.run.config import TrainConfig
from clearbench.training.run.lora import load_adapters, merge_lora, save_adapters

if TYPE_CHECKING:
    from datasets import Dataset

SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
# Number of query ids that a message names.
IDS_SHOWN = 8


def training_arguments(config: TrainConfig) -> SentenceTransformerTrainingArguments:
    """Return the trainer's arguments; under torchrun this also connects the processes.

    Raises:
        UsageError: The settings require a device or a package that this machine does not have.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"--device cuda: torch {torch.__version__} sees no such device.")
    if config.dtype == "fp16" and (config.device == "cpu" or not torch.cuda.is_available()):
        raise UsageError("--dtype fp16 trains only on a GPU; use bf16 or fp32.")
    if config.report_to != "none" and find_spec(config.report_to) is None:
        raise UsageError(f"report_to {config.report_to}: the package is not installed: pip install {config.report_to}.")
    try:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=str(config.out),
            max_steps=config.steps,
            per_device_train_batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            lr_scheduler_type=SCHEDULES[config.schedule],
            warmup_steps=math.ceil(config.steps * config.warmup),
            weight_decay=config.weight_decay,
            max_grad_norm=config.max_grad_norm,
            seed=config.seed,
            bf16=config.dtype == "bf16",
            fp16=config.dtype == "fp16",
            use_cpu=config.device == "cpu",
            logging_steps=1,
            logging_nan_inf_filter=False,
            save_strategy="no",
            eval_strategy="no",
            report_to=config.report_to,
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=config.device != "cpu" and torch.cuda.is_available(),
            dataloader_drop_last=True,
        )
    except (ValueError, ImportError, RuntimeError) as error:
        raise UsageError(f"This machine cannot train with these settings: {first_line(error)}") from error
    # Without torchrun, the trainer would use several GPUs by DataParallel, which splits a batch before the loss.
    if arguments.world_size == 1 and arguments.n_gpu > 1:
        arguments._n_gpu = 1
    return arguments


class RowTrainer(SentenceTransformerTrainer):
    """Trains on planned batches of rows.

    Args:
        config: The run's settings.
        plan: The run's batches.
        dataset: The rows, in the loss's columns and their order.
        ids: Query id of each row, for messages.
        more: Further arguments of SentenceTransformerTrainer: model, args, data_collator, loss.

    Attributes:
        tokenizers: The truncation and padding settings of the base checkpoint's tokenizers; saving restores them.
    """

    def __init__(
        self, config: TrainConfig, plan: BatchPlan, dataset: "Dataset", ids: Sequence[str], **more: Any
    ) -> None:
        self.config = config
        self.plan = plan
        self.columns = tuple(name for name in dataset.column_names if name != ROW)
        self.ids = ids
        self.rows: list[int] = []
        self.parts: dict[str, float] = {}
        self._staged: Path | None = None
        self.tokenizers: tuple[TokenizerSettings, ...] = ()
        super().__init__(train_dataset=dataset, **more)
        for callback in (PrinterCallback, ProgressCallback):  # stdout is for results
            self.remove_callback(callback)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Do nothing: the library's model card needs network access, and `card.py` writes a better one."""

    def get_batch_sampler(self, dataset: "Dataset", *_: Any, **__: Any) -> PlannedBatches:
        """Return a sampler that yields the plan's batches."""
        return PlannedBatches(self.plan, dataset)

    def collect_features(self, inputs: dict[str, Any]) -> tuple[list[dict[str, Any]], None]:
        """Return the features of each column, and None for the labels."""
        return split_columns(inputs, self.columns), None

    def compute_loss(self, model: Any, inputs: dict[str, Any], *arguments: Any, **more: Any) -> Any:
        """Return the loss. If it is not finite, the run ends before the weights change.

        Raises:
            TrainingError: The loss is NaN or infinite.
        """
        self.rows = inputs.pop(ROW)
        self.parts = {}
        result = super().compute_loss(model, inputs, *arguments, **more)
        loss = (result[0] if isinstance(result, tuple) else result).detach()
        self._keep_parts(getattr(self.loss, "last_parts", None) or {})
        if not torch.isfinite(loss).all():
            parts = ", ".join(f"{name} {value:.4g}" for name, value in self.parts.items())
            raise self.explain(f"the loss is {float(loss):.4g}{f' ({parts})' if parts else ''}")
        return result

    def track_loss_components(self, loss: Mapping[str, torch.Tensor]) -> None:
        """Keep the parts of a loss that is returned in parts."""
        self._keep_parts(loss)

    def _keep_parts(self, parts: Mapping[str, Any]) -> None:
        self.parts |= {name: float(value) for name, value in parts.items()}

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the parts of the last batch's loss (in the first process) to the history."""
        super().log({**logs, **self.parts} if "loss" in logs else logs, start_time)

    def explain(self, problem: str) -> TrainingError:
        """Return the error for a problem in the current batch."""
        ids = dict.fromkeys(self.ids[row] for row in self.rows)
        return TrainingError(
            f"Step {self.state.global_step + 1}: {problem}. Query ids of the batch: {join_names(ids, IDS_SHOWN)}. "
            f"{describe_last_checkpoint(self.config.out)} Start over with a lower --lr, or with --dtype fp32."
        )

    def _get_output_dir(self, trial: Any = None) -> str:
        return str(self._staged or self.config.out)

    def _save_checkpoint(self, model: Any, trial: Any = None) -> None:
        """Write a checkpoint completely or not at all, then delete checkpoints beyond the number to keep."""
        check_weights(self.model, self.state.global_step, self.config.out)
        name = f"checkpoint-{self.state.global_step}"
        out, staged = self.config.out, staging_folder(self.config.out, name)
        with report_failed_save(out, f"checkpoint of step {self.state.global_step}"):
            self._staged = staged
            try:
                super()._save_checkpoint(model, trial)
            finally:
                self._staged = None
            self.accelerator.wait_for_everyone()
            if self.is_world_process_zero():
                publish_folder(staged / name, out / name)
                shutil.rmtree(staged)
                prune_checkpoints(out, self.state.global_step, self.config.keep_checkpoints)
            self.accelerator.wait_for_everyone()

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or self.config.out)
        self.write_model(folder)
        if self.config.lora:
            save_adapters(self.model, folder)

    def write_model(self, folder: Path) -> None:
        """Write the model as a plain sentence-transformers folder, with adapters merged into its weights."""
        for settings in self.tokenizers:
            settings.restore()
        model = merge_lora(self.model) if self.config.lora else self.model
        model.save_pretrained(str(folder), create_model_card=False)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        with report_failed_load(Path(resume_from_checkpoint)):
            if self.config.lora:
                load_adapters(self.model, Path(resume_from_checkpoint))
            else:
                super()._load_from_checkpoint(resume_from_checkpoint)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        with report_failed_load(Path(checkpoint or "")):
            super()._load_optimizer_and_scheduler(checkpoint)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        with report_failed_load(Path(checkpoint or "")):
            super()._load_rng_state(checkpoint)


def check_weights(model: torch.nn.Module, step: int, out: Path) -> None:
    """Refuse to save weights that are not finite.

    Args:
        model: The model.
        step: The current step, for the message.
        out: The run's output folder, for the message.
    Raises:
        TrainingError: A weight is NaN or infinite.
    """
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight.detach()).all():
            raise TrainingError(
                f"Step {step}: the weight {name} is NaN or infinite, so nothing is saved. "
                f"{describe_last_checkpoint(out)} Start over with a lower --lr, or with --dtype fp32."
            )
