"""`clearbench reproduce`: compare published figures with those of this installation."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from clearbench.common.options import Option, read_names
from clearbench.encoders.base import EncoderOptions
from clearbench.evaluation.options import EvaluationOptions
from clearbench.tasks.options import DataLocation

if TYPE_CHECKING:
    from clearbench.evaluation.pipeline import Evaluation
    from clearbench.evaluation.reproduce import ReproducedFigure
    from clearbench.records.published import Published
    from clearbench.tasks.dataset import Dataset


def reproduce(
    figures: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Published figures: `minilm`, or a TOML file; without it, all names."),
    ] = None,
    model: Annotated[str | None, Option("Checkpoint or `e5-small`, instead of the published model.")] = None,
    tasks: Annotated[
        tuple[str, ...] | None, Option("Only figures of these tasks, separated by commas.", read=read_names)
    ] = None,
    pairs: Annotated[str | None, Option("Only figures of these pairs: 'de-en,*-en'.")] = None,
    *,
    location: DataLocation,
    evaluation: EvaluationOptions,
    encoder: EncoderOptions,
) -> int:
    """Evaluate and compare with published figures: OK within 0.001, near within 0.005, otherwise off (exit code 1).

    The figures' own file may state another tolerance for near. Figures of languages without files are left out.
    """
    from clearbench.cli.show.reproduced import print_published, print_reproduced
    from clearbench.evaluation.reproduce import compare_with_published, describe_differences
    from clearbench.records.published import find_published, list_published

    if figures is None:
        print_published(list_published())
        return 0
    wanted = _choose(find_published(figures), tasks, pairs)
    loaded = list(_load(wanted, location, required=tasks is not None))
    measured = model or wanted[0].measured or wanted[0].model
    found: list[ReproducedFigure] = []
    for unprompted in (False, True):
        group = [(task, data) for task, data in loaded if task.unprompted is unprompted]
        options = replace(encoder, query_prompt="", passage_prompt="") if unprompted else encoder
        evaluations = _evaluate(measured, options, group, location, evaluation) if group else []
        found += compare_with_published([task for task, _ in group], evaluations)
    num_wanted = sum(len(values) for task in wanted for values in task.figures.values())
    title = f"{measured} and the published figures of {wanted[0].model} ({wanted[0].source})"
    print_reproduced(title, found, describe_differences(found), num_wanted - len(found))
    return 1 if any(figure.verdict == "off" for figure in found) else 0


def _evaluate(
    model: str,
    encoder: EncoderOptions,
    loaded: "Sequence[tuple[Published, Dataset]]",
    location: DataLocation,
    evaluation: EvaluationOptions,
) -> "list[Evaluation]":
    """Evaluate a model, loaded with the given options, on the data of published figures."""
    from clearbench.encoders.load import load_encoder
    from clearbench.evaluation.pipeline import evaluate
    from clearbench.scoring.table import make_judge

    judges = [make_judge(data, offline=not location.downloads) for _, data in loaded]
    return evaluate(load_encoder(model, encoder), judges, evaluation)


def _choose(published: "Sequence[Published]", tasks: Sequence[str] | None, pairs: str | None) -> "list[Published]":
    """Return the figures of the named tasks and pairs."""
    from clearbench.common.errors import UsageError, suggest
    from clearbench.common.pairs import parse_pair, select_pairs

    known = [task.task for task in published]
    if unknown := [name for name in tasks or () if name not in known]:
        hint = suggest(unknown[0], known)
        raise UsageError(f"There are no figures of task {unknown[0]!r}; there are: {', '.join(known)}.{hint}")
    chosen = [task for task in published if tasks is None or task.task in tasks]
    if pairs is None:
        return chosen
    every = map(parse_pair, dict.fromkeys(pair for task in chosen for pair in task.figures))
    names = set(map(str, select_pairs(pairs, tuple(every))))
    limited = [replace(task, figures={p: row for p, row in task.figures.items() if p in names}) for task in chosen]
    return [task for task in limited if task.figures]


def _load(
    published: "Sequence[Published]", location: DataLocation, required: bool
) -> "Iterator[tuple[Published, Dataset]]":
    """Load the data of figures; a task without any file is left out, unless it is required or no task has one."""
    from clearbench.common.errors import MissingFileError
    from clearbench.common.progress import say
    from clearbench.tasks.load import load_pairs

    num_loaded = 0
    for task in published:
        try:
            data = load_pairs(task.task, task.figures, location, task.options)
        except MissingFileError as error:
            if required or (task is published[-1] and not num_loaded):
                raise
            say(f"left out: {error}")
        else:
            num_loaded += 1
            yield task, data
