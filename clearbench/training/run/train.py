"""A training run: from rows and a base checkpoint to a plain sentence-transformers folder.

    read_rows -> plan_training_batches -> make_dataset --+
    load_transformer -> prompts, adapters ---------------+-> RowTrainer -> checkpoints, result, manifest, model card

The run uses sentence-transformers' trainer, so it also works under torchrun and accelerate. A resumed run continues
with the rest of the same batches and the same random state, so it ends with the same weights as an uninterrupted run.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from transformers import TrainerState
from transformers.trainer import TRAINER_STATE_NAME

from clearbench.common.environment import now
from clearbench.common.errors import TrainingError
from clearbench.common.progress import say
from clearbench.encoders.checkpoints.identity import hash_checkpoint
from clearbench.encoders.checkpoints.progress_bars import hide_progress_bars
from clearbench.records.training import Status, TrainingManifest, write_manifest
from clearbench.training.run.callbacks import EvaluationCallback, read_evaluations, read_loss_curve
from clearbench.training.run.card import model_card
from clearbench.training.run.checkpoints import (
    checkpoint_step,
    describe_last_checkpoint,
    prune_checkpoints,
    publish_files,
    report_failed_load,
    report_failed_save,
    staging_folder,
)
from clearbench.training.run.config import TrainConfig
from clearbench.training.run.output import check_same_inputs, claim_output, open_output, prepare_output
from clearbench.training.run.prepare import EvaluateEncoder, PreparedRun, prepare
from clearbench.training.run.trainer import check_weights

HOW_TO_RESUME = "Continue from there with the same command and --resume."


class TrainingInterrupted(TrainingError):  # noqa: N818  the user's choice, not an error
    """The user stopped a run; the message says how to continue it."""

    exit_code = 130


def train(
    config: TrainConfig, evaluate: EvaluateEncoder | None = None, *, resume: bool = False, replace: bool = False
) -> TrainingManifest:
    """Train a checkpoint and save it.

    Args:
        config: All settings.
        evaluate: Evaluates an encoder on held-out pairs; required if the settings name eval_tasks.
        resume: Continue the run in the output folder.
        replace: Delete the run in the output folder.
    Returns:
        The manifest of the finished run.
    Raises:
        UsageError: The settings contradict each other or the run to resume, or this machine cannot train with them.
        EncoderError: The base checkpoint cannot be loaded.
        TrainingError: The rows cannot be used, the loss is not finite, the disk is full, or the user interrupted the
            run. Earlier checkpoints are complete, and training can resume from them.
    """
    with claim_output(config.out):
        output = open_output(config, resume, replace)
        if output.earlier is not None and output.finished:
            say(f"{config.out}: the run is already {output.earlier.status}.")
            return output.earlier
        prepared = prepare(config, evaluate)
        if output.earlier is not None:
            check_same_inputs(output.earlier, prepared.manifest)
        if prepared.trainer.is_world_process_zero():
            prepare_output(config, replace)
            if output.checkpoint is not None:
                prune_checkpoints(config.out, checkpoint_step(output.checkpoint), config.keep_checkpoints)
            with report_failed_save(config.out, "manifest"):
                write_manifest(config.out, prepared.manifest)
        prepared.trainer.accelerator.wait_for_everyone()
        if resume:
            say(f"Continuing from {output.checkpoint or 'the first step, because there is no checkpoint'}.")
        manifest = _run(prepared, output.checkpoint)
        prepared.trainer.accelerator.end_training()  # without it, several processes may abort at their end
    return manifest


def _run(prepared: PreparedRun, checkpoint: Path | None) -> TrainingManifest:
    trainer, config = prepared.trainer, prepared.trainer.config
    if checkpoint is not None:
        with report_failed_load(checkpoint):
            TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
    started = time.perf_counter()
    with _record_ending(prepared, started):
        with prepared.interruption, hide_progress_bars():
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        step = trainer.state.global_step
        stopped = next(
            (c.stopped for c in trainer.callback_handler.callbacks if isinstance(c, EvaluationCallback)), None
        )
        if stopped:
            say(stopped)
        elif step < config.steps:
            raise _interruption_error(prepared, f"Interrupted after step {step} of {config.steps}.")
        finished = _update_manifest(prepared, "stopped" if step < config.steps else "complete", started)
        finished = finished.model_copy(update={"notes": [*finished.notes, *([stopped] if stopped else [])]})
        if trainer.is_world_process_zero():
            finished = _save_result(prepared, finished)
    trainer.accelerator.wait_for_everyone()
    return finished


@contextmanager
def _record_ending(prepared: PreparedRun, started: float) -> Iterator[None]:
    """Write into the manifest how a run ended if it did not finish."""

    def record(status: Status) -> None:
        if prepared.trainer.is_world_process_zero():
            with suppress(OSError):  # the run's own error is more important
                write_manifest(prepared.trainer.config.out, _update_manifest(prepared, status, started))

    try:
        yield
    except KeyboardInterrupt:
        record("interrupted")
        raise _interruption_error(prepared, "Interrupted.") from None
    except TrainingInterrupted:
        record("interrupted")
        raise
    except BaseException:
        record("failed")
        raise


def _interruption_error(prepared: PreparedRun, what: str) -> TrainingInterrupted:
    return TrainingInterrupted(f"{what} {describe_last_checkpoint(prepared.trainer.config.out)} {HOW_TO_RESUME}")


def _update_manifest(prepared: PreparedRun, status: Status, started: float) -> TrainingManifest:
    state, manifest = prepared.trainer.state, prepared.manifest
    seconds = {"finished": now(), "seconds": time.perf_counter() - started}
    return manifest.model_copy(
        update={
            "status": status,
            "step": state.global_step,
            "loss_curve": read_loss_curve(state),
            "evaluations": read_evaluations(state),
            "timings": {**manifest.timings, **seconds},
        }
    )


def _save_result(prepared: PreparedRun, manifest: TrainingManifest) -> TrainingManifest:
    """Write the result into the output folder, completely or not at all, and return its manifest."""
    config = prepared.trainer.config
    check_weights(prepared.trainer.model, manifest.step, config.out)
    staged = staging_folder(config.out, "result")
    with report_failed_save(config.out, "trained checkpoint"):
        prepared.trainer.write_model(staged)
        manifest = manifest.model_copy(update={"weights": hash_checkpoint(staged)})
        (staged / "README.md").write_text(model_card(manifest, config.out.resolve().name), encoding="utf-8")
        write_manifest(staged, manifest)
        publish_files(staged, config.out)
    return manifest
