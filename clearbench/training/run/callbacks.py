"""Callbacks of a training run: evaluation, checkpoints, progress lines, Ctrl-C, and a check of the gradients."""

import signal
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType, TracebackType
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from clearbench.common.errors import TrainingError, UsageError
from clearbench.common.pairs import ENGLISH_PAIR
from clearbench.common.progress import say
from clearbench.records.training import read_evaluation_key
from clearbench.training.run.config import TrainConfig

Evaluate = Callable[[], Mapping[str, float]]
"""Returns `evaluation_key` -> figure for the current weights."""

PROGRESS_LINES = 20
"""Number of progress lines in a run."""
EVALUATION_PREFIX = "eval_"


class Interruption:
    """Lets the current step finish after Ctrl-C (or SIGTERM), to save a checkpoint; a second Ctrl-C stops at once."""

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._request)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        say("Stopping after this step, with a checkpoint. Press Ctrl-C again to stop at once without a checkpoint.")

    def requested_anywhere(self, devices: int) -> bool:
        """Return whether any process was asked to stop; all processes must call this together."""
        if devices == 1:
            return self.requested
        from accelerate.utils import gather_object

        return any(gather_object([self.requested]))


class StepGuard(TrainerCallback):
    """Requests checkpoints, stops on Ctrl-C, and stops before an optimizer step that would make the weights NaN.

    Args:
        config: The run's settings.
        interruption: Set by Ctrl-C.
        explain: Returns the error for a problem in the current batch.
    """

    def __init__(
        self, config: TrainConfig, interruption: Interruption, explain: Callable[[str], TrainingError]
    ) -> None:
        self.config = config
        self.interruption = interruption
        self.explain = explain

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Refuse gradients that are not finite. With fp16 they are normal, and the trainer skips such steps itself."""
        if self.config.dtype == "fp16":
            return
        norms = [weight.grad.norm() for weight in kwargs["model"].parameters() if weight.grad is not None]
        if norms and not torch.stack(norms).sum().isfinite():
            raise self.explain("the gradient is NaN or infinite")

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Request a checkpoint if one is due."""
        if state.global_step % self.config.checkpoint_interval == 0:
            control.should_save = True
        if self.interruption.requested_anywhere(args.world_size) and state.global_step < self.config.steps:
            control.should_save = control.should_training_stop = True
        return control


class EvaluationCallback(TrainerCallback):
    """Evaluates before, during and after training, and stops training when English retrieval gets worse.

    Args:
        config: The run's settings.
        evaluate: Evaluates the current weights; called only in the first process.
        log: Adds figures to the run's history.
    """

    def __init__(self, config: TrainConfig, evaluate: Evaluate, log: Callable[[dict[str, float]], None]) -> None:
        self.config = config
        self.evaluate = evaluate
        self.log = log
        self.stopped: str | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Evaluate the base checkpoint, unless the resumed run has already done it."""
        if not read_evaluations(state):
            self._measure(args, state)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Evaluate if an evaluation is due, and check English retrieval."""
        last = state.global_step >= self.config.steps
        if last or (self.config.eval_every and state.global_step % self.config.eval_every == 0):
            due = control.should_log
            self._measure(args, state)
            control.should_log = due  # logging the evaluation has reset this flag
            self._check_english(state, control)
        return control

    def _measure(self, args: TrainingArguments, state: TrainerState) -> None:
        found = [dict(self.evaluate()) if state.is_world_process_zero else {}]
        if args.world_size > 1:
            from accelerate.utils import broadcast_object_list

            broadcast_object_list(found)
        self.log({f"{EVALUATION_PREFIX}{key}": value for key, value in found[0].items()})
        if state.is_world_process_zero:
            say(f"step {state.global_step}: {_describe_figures(found[0])}")
        english = [key for key in found[0] if _is_english(key)]
        if self.config.stop_english and not english:
            raise UsageError("stop_english needs an English pair in the evaluation: --eval-pairs 'de-en,en-en'.")

    def _check_english(self, state: TrainerState, control: TrainerControl) -> None:
        if not self.config.stop_english:
            return
        first, last = read_evaluations(state)[0], read_evaluations(state)[-1]
        for key in filter(_is_english, last):
            drop = 100 * (first[key] - last[key])
            if drop > self.config.stop_english:
                task, pair, measure = read_evaluation_key(key)
                self.stopped = (
                    f"Stopped at step {state.global_step}: {measure} of {task}:{pair} fell by {drop:.1f} points, from "
                    f"{first[key]:.4f} to {last[key]:.4f}; the limit is {self.config.stop_english:g}."
                )
                control.should_training_stop = True
                control.should_save = False  # the result is saved next; a resumed run must not continue from here


class ProgressLines(TrainerCallback):
    """Prints the loss, its parts and the speed to stderr.

    Args:
        config: The run's settings.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.busy = 0.0
        self.rows = 0
        self._started = 0.0

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock; the time of evaluation and saving does not count."""
        self._started = time.perf_counter()

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stop the clock."""
        self.busy += time.perf_counter() - self._started
        self.rows += self.config.batch_size * args.world_size

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Print a line after every twentieth of the run."""
        step, steps = state.global_step, self.config.steps
        every = max(steps // PROGRESS_LINES, 1)
        if not logs or "loss" not in logs or not state.is_world_process_zero:
            return
        if step == 1 or step % every == 0 or step == steps:
            parts = ", ".join(f"{name} {logs[name]:.4f}" for name in part_names(logs))
            rate = f"{self.rows / self.busy:,.1f} rows/s" if self.busy else "-"
            say(
                f"step {step}/{steps}: loss {logs['loss']:.4f}{f' ({parts})' if parts else ''}, "
                f"learning rate {logs['learning_rate']:.2e}, {rate}"
            )
            self.busy, self.rows = 0.0, 0


def part_names(logs: Mapping[str, float]) -> list[str]:
    """Return the names of the loss's parts in one entry of the history."""
    return [name for name in logs if name not in ("loss", "grad_norm", "learning_rate", "epoch", "step")]


def read_loss_curve(state: TrainerState) -> list[dict[str, float]]:
    """Return the loss, its parts, the learning rate and the gradient norm of each step."""
    return [
        {name: value for name, value in entry.items() if name != "epoch"}
        for entry in state.log_history
        if "loss" in entry
    ]


def read_evaluations(state: TrainerState) -> list[dict[str, float]]:
    """Return the step and the figures (by `evaluation_key`) of each evaluation."""
    return [
        {"step": entry["step"]}
        | {
            name.removeprefix(EVALUATION_PREFIX): value
            for name, value in entry.items()
            if name.startswith(EVALUATION_PREFIX)
        }
        for entry in state.log_history
        if any(name.startswith(EVALUATION_PREFIX) for name in entry)
    ]


def _is_english(key: str) -> bool:
    return read_evaluation_key(key)[1] == ENGLISH_PAIR


def _describe_figures(figures: Mapping[str, float]) -> str:
    """Return each measure with its figures.

    For example "nDCG@10 xquad:de-en 0.5000, xquad:en-en 0.7500; R@2kt demo-xor:fi-en 0.2500".
    """
    shown: dict[str, list[str]] = {}
    for key, figure in figures.items():
        task, pair, measure = read_evaluation_key(key)
        shown.setdefault(measure, []).append(f"{task}:{pair} {figure:.4f}")
    return "; ".join(f"{measure} {', '.join(pairs)}" for measure, pairs in shown.items())
