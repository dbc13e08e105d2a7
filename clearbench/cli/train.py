"""`clearbench train`: fine-tune a checkpoint on training rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from clearbench.scoring.judges import Judge
    from clearbench.training.run.config import TrainConfig

RUN, METHOD, EVALUATION, MACHINE = "Run", "Method", "Evaluation", "Machine"


def train(
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file with any of the settings; flags win over it.", rich_help_panel=RUN),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Checkpoint to start from: folder, Hub id, `minilm` (bundled).", rich_help_panel=RUN),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Rows of `clearbench rows build` or `rows mine`: .parquet, .jsonl.", rich_help_panel=RUN),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder.", rich_help_panel=RUN)] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the output folder.", rich_help_panel=RUN)
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Throw away the run in the output folder.", rich_help_panel=RUN)
    ] = False,
    save_every: Annotated[
        int | None, typer.Option(help="Steps between checkpoints (default: a fifth).", rich_help_panel=RUN)
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(help="clear, infonce, mixed, ...; a wrong name lists them all.", rich_help_panel=METHOD),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Settings to start from: paper or cpu-demo.", rich_help_panel=METHOD)
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps.", rich_help_panel=METHOD)] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows per device and step.", rich_help_panel=METHOD)] = None,
    lr: Annotated[float | None, typer.Option(help="Highest learning rate.", rich_help_panel=METHOD)] = None,
    schedule: Annotated[str | None, typer.Option(help="cosine, linear or constant.", rich_help_panel=METHOD)] = None,
    warmup: Annotated[
        float | None, typer.Option(help="Share of the steps in which the rate rises.", rich_help_panel=METHOD)
    ] = None,
    scale: Annotated[float | None, typer.Option(help="1 / temperature.", rich_help_panel=METHOD)] = None,
    negatives: Annotated[
        int | None, typer.Option(help="Hard negatives per row (default: all).", rich_help_panel=METHOD)
    ] = None,
    languages: Annotated[
        str | None, typer.Option(help="Only rows of these target languages: de,es.", rich_help_panel=METHOD)
    ] = None,
    batches: Annotated[
        str | None, typer.Option(help="mixed, or per-language: one target language a batch.", rich_help_panel=METHOD)
    ] = None,
    max_length: Annotated[
        int | None, typer.Option(help="Tokens kept per text in training.", rich_help_panel=METHOD)
    ] = None,
    lora: Annotated[
        int | None, typer.Option(help="Rank of adapters to train instead of the weights.", rich_help_panel=METHOD)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of batches and dropout.", rich_help_panel=METHOD)] = None,
    eval_task: Annotated[
        str | None, typer.Option(help="Held-out tasks, separated by commas.", rich_help_panel=EVALUATION)
    ] = None,
    eval_pairs: Annotated[
        str | None, typer.Option(help="Their pairs: 'de-en,en-en'.", rich_help_panel=EVALUATION)
    ] = None,
    eval_every: Annotated[
        int | None, typer.Option(help="Steps between evaluations.", rich_help_panel=EVALUATION)
    ] = None,
    stop_english: Annotated[
        float | None,
        typer.Option(help="Stop when nDCG@10 of en-en fell by more points than this.", rich_help_panel=EVALUATION),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder with the tasks' files.", envvar="CLEARBENCH_DATA", rich_help_panel=EVALUATION),
    ] = None,
    dtype: Annotated[str | None, typer.Option(help="fp32, bf16 or fp16.", rich_help_panel=MACHINE)] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.", rich_help_panel=MACHINE)] = None,
    mini_batch_size: Annotated[
        int | None, typer.Option(help="Texts encoded at a time, to save memory.", rich_help_panel=MACHINE)
    ] = None,
    mini_batch_tokens: Annotated[
        int | None, typer.Option(help="Padded tokens encoded at a time, to save memory.", rich_help_panel=MACHINE)
    ] = None,
    gradient_checkpointing: Annotated[
        bool, typer.Option("--gradient-checkpointing", help="Less memory, more time.", rich_help_panel=MACHINE)
    ] = False,
    report_to: Annotated[
        str | None, typer.Option(help="tensorboard or wandb, if installed.", rich_help_panel=MACHINE)
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.", rich_help_panel=MACHINE)] = False,
    set: Annotated[
        list[str] | None,
        typer.Option(help="Any other setting, name=value (repeatable): --set weight_decay=0.01.", rich_help_panel=RUN),
    ] = None,
) -> None:
    """Fine-tune a checkpoint and save it where sentence-transformers and `clearbench run` load it.

    Example: clearbench train --model minilm --data rows.parquet --out ckpt --preset cpu-demo
    """
    from clearbench.training.run.config import make_config, parse_setting

    settings = {
        **dict(parse_setting(text) for text in set or []),
        **_given(
            model=model,
            data=data,
            out=out,
            save_every=save_every,
            loss=loss,
            preset=preset,
            steps=steps,
            batch_size=batch_size,
            learning_rate=lr,
            schedule=schedule,
            warmup=warmup,
            scale=scale,
            negatives=negatives,
            languages=languages,
            batches=batches,
            max_length=max_length,
            lora=lora,
            seed=seed,
            eval_tasks=eval_task,
            eval_pairs=eval_pairs,
            eval_every=eval_every,
            stop_english=stop_english,
            data_dir=data_dir,
            dtype=dtype,
            device=device,
            mini_batch_size=mini_batch_size,
            mini_batch_tokens=mini_batch_tokens,
            gradient_checkpointing=gradient_checkpointing or None,
            report_to=report_to,
            offline=offline or None,
        ),
    }
    chosen = make_config(settings, config)
    judges = load_evaluation(chosen)

    from clearbench.evaluation.pipeline import measure
    from clearbench.training.run.train import train as run_training

    manifest = run_training(chosen, lambda encoder: measure(encoder, judges), resume=resume, replace=replace)
    last = manifest.loss_curve[-1]["loss"] if manifest.loss_curve else float("nan")
    print(f"{chosen.out}: {manifest.step} steps, last loss {last:.4f}, weights {manifest.weights}")


def load_evaluation(config: "TrainConfig") -> list["Judge"]:
    """Load the tasks to evaluate on while training, each with its rule."""
    if config.eval_tasks is None:
        return []
    from clearbench.common.environment import default_cache
    from clearbench.common.options import read_names
    from clearbench.scoring.judges import make_judge
    from clearbench.tasks.load import load_task
    from clearbench.tasks.options import DataLocation, Selection

    location = DataLocation(data_dir=config.data_dir, cache_dir=default_cache(), offline=config.offline)
    selection = Selection(pairs=config.eval_pairs)
    tasks = read_names(config.eval_tasks, "--eval-task")
    return [make_judge(load_task(task, selection, location), offline=not location.downloads) for task in tasks]


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}
