"""A training run: rows and a base checkpoint -> planned batches -> steps -> a plain sentence-transformers folder.

    read_rows -> plan_training_batches -> make_dataset --+
    load_transformer -> prompts, adapters ---------------+-> RowTrainer -> checkpoints, result, manifest, model card

Runs on sentence-transformers' trainer, hence under torchrun and accelerate too. A run that is continued takes the rest
of the same batches with the same random state, so it ends with the weights of an unbroken one.
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
from clearbench.records.training import Status, TrainingManifest, write_manifest
from clearbench.training.run.callbacks import Evaluations, evaluations, loss_curve
from clearbench.training.run.card import model_card
from clearbench.training.run.checkpoints import (
    describe_last,
    prune_checkpoints,
    publish_files,
    quiet_saving,
    reading,
    saving,
    staging_folder,
    step_of,
)
from clearbench.training.run.config import TrainConfig
from clearbench.training.run.output import check_same_inputs, claimed, open_output, prepare_output
from clearbench.training.run.prepare import EvaluateEncoder, Prepared, prepare
from clearbench.training.run.trainer import check_weights

HOW_TO_RESUME = "The same command with --resume goes on from there."


class TrainingInterrupted(TrainingError):  # noqa: N818  a choice, not a fault
    """The user stopped a run; the message says how to go on."""

    exit_code = 130


def train(
    config: TrainConfig, evaluate: EvaluateEncoder | None = None, *, resume: bool = False, replace: bool = False
) -> TrainingManifest:
    """Train a checkpoint and save it.

    Args:
        config: Every setting.
        evaluate: Measures an encoder on held-out pairs; needed where the settings name eval_tasks.
        resume: Go on with the run in the output folder.
        replace: Throw away what is in the output folder.
    Returns:
        The manifest of the finished run.
    Raises:
        UsageError: The settings do not fit each other, the machine, or the run to continue.
        EncoderError: The base checkpoint cannot be loaded.
        TrainingError: The rows cannot be used, the loss is not finite, the disk is full, or the user interrupted. What
            was saved before is whole and can be continued.
    """
    with claimed(config.out):
        output = open_output(config, resume, replace)
        if output.earlier is not None and output.finished:
            say(f"{config.out}: the run is {output.earlier.status} already.")
            return output.earlier
        prepared = prepare(config, evaluate)
        if output.earlier is not None:
            check_same_inputs(output.earlier, prepared.manifest)
        if prepared.trainer.is_world_process_zero():
            prepare_output(config, replace)
            if output.checkpoint is not None:
                prune_checkpoints(config.out, step_of(output.checkpoint), config.keep_checkpoints)
            with saving(config.out, "manifest"):
                write_manifest(config.out, prepared.manifest)
        prepared.trainer.accelerator.wait_for_everyone()
        if resume:
            say(f"Going on from {output.checkpoint or 'the beginning: there is no checkpoint'}.")
        manifest = _run(prepared, output.checkpoint)
        prepared.trainer.accelerator.end_training()  # several processes that end without it may abort
    return manifest


def _run(prepared: Prepared, checkpoint: Path | None) -> TrainingManifest:
    trainer, config = prepared.trainer, prepared.trainer.config
    if checkpoint is not None:
        with reading(checkpoint):
            TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
    started = time.perf_counter()
    with _recorded(prepared, started):
        with prepared.interruption, quiet_saving():
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        step = trainer.state.global_step
        stopped = next((c.stopped for c in trainer.callback_handler.callbacks if isinstance(c, Evaluations)), None)
        if stopped:
            say(stopped)
        elif step < config.steps:
            raise _interrupted(prepared, f"Interrupted after step {step} of {config.steps}.")
        finished = _manifest_now(prepared, "stopped" if step < config.steps else "complete", started)
        finished = finished.model_copy(update={"notes": [*finished.notes, *([stopped] if stopped else [])]})
        if trainer.is_world_process_zero():
            finished = _save_result(prepared, finished)
    trainer.accelerator.wait_for_everyone()
    return finished


@contextmanager
def _recorded(prepared: Prepared, started: float) -> Iterator[None]:
    """Write into the manifest how a run ended, if it does not finish."""

    def record(status: Status) -> None:
        if prepared.trainer.is_world_process_zero():
            with suppress(OSError):  # the run failed already; its own message matters more
                write_manifest(prepared.trainer.config.out, _manifest_now(prepared, status, started))

    try:
        yield
    except KeyboardInterrupt:
        record("interrupted")
        raise _interrupted(prepared, "Interrupted.") from None
    except TrainingInterrupted:
        record("interrupted")
        raise
    except BaseException:
        record("failed")
        raise


def _interrupted(prepared: Prepared, what: str) -> TrainingInterrupted:
    return TrainingInterrupted(f"{what} {describe_last(prepared.trainer.config.out)} {HOW_TO_RESUME}")


def _manifest_now(prepared: Prepared, status: Status, started: float) -> TrainingManifest:
    state, manifest = prepared.trainer.state, prepared.manifest
    seconds = {"finished": now(), "seconds": time.perf_counter() - started}
    return manifest.model_copy(
        update={
            "status": status,
            "step": state.global_step,
            "loss_curve": loss_curve(state),
            "evaluations": evaluations(state),
            "timings": {**manifest.timings, **seconds},
        }
    )


def _save_result(prepared: Prepared, manifest: TrainingManifest) -> TrainingManifest:
    """Write the result beside the checkpoints: a plain folder, whole or not at all."""
    config = prepared.trainer.config
    check_weights(prepared.trainer.model, manifest.step, config.out)
    staged = staging_folder(config.out, "result")
    with saving(config.out, "trained checkpoint"):
        prepared.trainer.write_model(staged)
        manifest = manifest.model_copy(update={"weights": hash_checkpoint(staged)})
        (staged / "README.md").write_text(model_card(manifest, config.out.resolve().name), encoding="utf-8")
        write_manifest(staged, manifest)
        publish_files(staged, config.out)
    return manifest
