"""`clearbench train`: fine-tune a checkpoint on training rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from clearbench.common.options import GivenOptions, Option, read_names
from clearbench.tasks.options import DataLocation, Selection
from clearbench.training.run.config import RUN, TrainConfig, make_config, read_typed_settings

if TYPE_CHECKING:
    from clearbench.scoring.judge import Judge


def train(
    *,
    config: Annotated[Path | None, Option("TOML file with any of the settings; flags override it.", RUN)] = None,
    settings: GivenOptions[TrainConfig],
    resume: Annotated[bool, Option("Continue the run in the output folder.", RUN)] = False,
    replace: Annotated[bool, Option("Delete the run in the output folder, and start over.", RUN)] = False,
    others: Annotated[
        dict[str, Any] | None,
        Option(
            "Any setting, including those without a flag (repeatable): --set weight_decay=0.01.",
            RUN,
            flag="--set",
            metavar="NAME=VALUE",
            read=read_typed_settings,
        ),
    ] = None,
) -> None:
    """Fine-tune a checkpoint and save it as a folder for sentence-transformers and `clearbench run`.

    Example: clearbench train --model minilm --data rows.parquet --out ckpt --preset cpu-demo
    """
    chosen = make_config({**(others or {}), **settings}, config)
    judges = load_eval_tasks(chosen)

    from clearbench.evaluation.pipeline import measure_pairs
    from clearbench.training.run.train import train as run_training

    manifest = run_training(chosen, lambda encoder: measure_pairs(encoder, judges), resume=resume, replace=replace)
    last = manifest.loss_curve[-1]["loss"] if manifest.loss_curve else float("nan")
    print(f"{chosen.out}: {manifest.step} steps, last loss {last:.4f}, weights {manifest.weights}")


def load_eval_tasks(config: TrainConfig) -> list["Judge"]:
    """Return the judges of the tasks to evaluate on during training."""
    if config.eval_tasks is None:
        return []
    from clearbench.common.environment import default_cache
    from clearbench.scoring.table import make_judge
    from clearbench.tasks.load import load_tasks

    location = DataLocation(
        data_dir=config.data_dir, tasks_dir=config.tasks_dir, cache_dir=default_cache(), offline=config.offline
    )
    selection = Selection(pairs=config.eval_pairs)
    datasets = load_tasks(read_names(config.eval_tasks, "--eval-task"), selection, location)
    return [make_judge(data, offline=not location.downloads) for data in datasets]
