"""The training runs of a report, read from the manifests that `clearbench train` writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clearbench.common.errors import RecordError, UsageError
from clearbench.common.files import TRAINING_FILE
from clearbench.common.measures import find_measure
from clearbench.records.select import Entry
from clearbench.records.training import TrainingManifest, read_evaluation_key, read_manifest
from clearbench.report.charts.kinds import Curve, CurveChart, Points, curve_chart
from clearbench.report.content.matrix import name_with_factor


@dataclass(frozen=True)
class TrainingRun:
    """One training run.

    Attributes:
        name: Name of the evaluated model with these weights, or of the folder if there is none.
        folder: The output folder of the run.
        status: "complete", or how the run ended.
        formula: The name and the formula of the loss.
        settings: The settings that decide the weights, in words.
        rows: The training rows, in words.
        loss: Loss by step.
        evaluations: Key of `evaluation_key` -> figure by step, as tables show it (shares times 100, ranks unchanged).
    """

    name: str
    folder: Path
    status: str
    formula: str
    settings: str
    rows: str
    loss: Points
    evaluations: Mapping[str, Points]


def find_runs(folders: Sequence[Path], entries: Iterable[Entry]) -> list[TrainingRun]:
    """Return the training runs in the given folders, each run once.

    Args:
        folders: Checkpoints, or folders of checkpoints, that the user named.
        entries: Records; a run with the weights of a record's model gets the model's name.
    Raises:
        UsageError: A named folder contains no training run.
        RecordError: A run's manifest is damaged.
    """
    models = [(entry.record.model.get("weights"), entry.name) for entry in entries]
    names = {str(weights): name for weights, name in models if weights}
    files: dict[Path, None] = {}
    for folder in folders:
        found = [
            file for file in (folder / TRAINING_FILE, *sorted(folder.glob(f"*/{TRAINING_FILE}"))) if file.is_file()
        ]
        if not found:
            raise UsageError(
                f"--training {folder}: neither this folder nor a folder in it contains {TRAINING_FILE}, which "
                "`clearbench train` writes."
            )
        files.update({file.resolve(): None for file in found})
    return [_describe_run(file.parent, read_manifest(file.parent), names) for file in files]


def training_curves(runs: Sequence[TrainingRun]) -> tuple[CurveChart, ...]:
    """Return one chart with the losses of all runs, and one chart per pair that was evaluated during training."""
    charts = [curve_chart("Training loss", [Curve(run.name, series, run.loss) for series, run in enumerate(runs)])]
    for key in dict.fromkeys(key for run in runs for key in run.evaluations):
        curves = [Curve(run.name, series, run.evaluations.get(key, ())) for series, run in enumerate(runs)]
        task, pair, measure = read_evaluation_key(key)
        charts.append(curve_chart(f"{task} {pair}, {name_with_factor(find_measure(measure))}", curves))
    return tuple(chart for chart in charts if chart is not None)


def _display_factor(key: str) -> float:
    """Return the factor by which tables multiply a figure with this key of `evaluation_key`."""
    return find_measure(read_evaluation_key(key)[2]).points


def _describe_run(folder: Path, manifest: TrainingManifest, names: Mapping[str, str]) -> TrainingRun:
    config, rows = manifest.config, manifest.rows
    languages = ", ".join(f"{language} {count:,}" for language, count in rows.languages.items())
    evaluated = [key for key in (manifest.evaluations or [{}])[-1] if key != "step"]
    try:
        return TrainingRun(
            name=names.get(manifest.weights or "", folder.name),
            folder=folder,
            status=manifest.status,
            formula=f"{config['loss']}: {manifest.formula}",
            settings=f"{manifest.step} of {config['steps']} steps of {config['batch_size']} rows, learning rate "
            f"{config['learning_rate']:g}, scale {config['scale']:g}, seed {config['seed']}",
            rows=f"{rows.num_rows:,} ({languages}), {rows.num_distinct_rows:,} of them used",
            loss=tuple((entry["step"], entry["loss"]) for entry in manifest.loss_curve),
            evaluations={
                key: tuple(
                    (entry["step"], _display_factor(key) * entry[key]) for entry in manifest.evaluations if key in entry
                )
                for key in evaluated
            },
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise RecordError(
            f"{folder / TRAINING_FILE} is damaged: {type(problem).__name__}: {problem}. Omit it from --training, or "
            "train again."
        ) from None
