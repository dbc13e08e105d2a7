"""`clearbench rows`: make training rows from parallel question-answering data, and mine hard negatives for them."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearbench.cli.options import command
from clearbench.common.errors import UsageError
from clearbench.common.options import Option
from clearbench.encoders.base import EncoderOptions
from clearbench.tasks.options import DataLocation
from clearbench.training.rows.options import LeakOptions, MiningOptions, Origin, Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clearbench.training.rows.build import BuiltRows
    from clearbench.training.rows.leaks import LeakIndex
    from clearbench.training.rows.mine import MiningReport
    from clearbench.training.rows.row import Rows, TrainingRow
    from clearbench.training.rows.sources import RowSource

rows_app = typer.Typer(help="Make training rows and mine hard negatives.", no_args_is_help=True)

OutFile = Annotated[Path, Option("Rows file to write, .parquet or .jsonl; its manifest goes to the same folder.")]


@command(rows_app, "build")
def build(
    *,
    out: OutFile,
    origin: Origin,
    split: Split,
    heldout_task: Annotated[
        Path | None,
        Option("Write the other part of the split to this folder, as a task for `clearbench run --tasks FOLDER`."),
    ] = None,
    leaks: LeakOptions,
    location: DataLocation,
) -> None:
    """Make training rows: English question, English passage, the question in a target language.

    Example: clearbench rows build --task mlqa --languages de,es --exclude-task xquad --out rows.parquet
    """
    from clearbench.training.rows.build import build_rows
    from clearbench.training.rows.files import check_destination
    from clearbench.training.rows.heldout import write_task_folder
    from clearbench.training.rows.manifest import mark_unfinished

    check_destination(out)
    if heldout_task is not None and split.fraction == 1.0:
        raise UsageError("--heldout-task needs --fraction below 1; with --fraction 1 nothing is held out.")
    sources = _read_sources(origin, location)
    index = _make_leak_index(leaks, sources, location, has_heldout=heldout_task is not None)
    built = build_rows(sources, split, index, leaks.on_leak, against_other=heldout_task is not None)
    if heldout_task is not None:
        mark_unfinished(out)
        write_task_folder(heldout_task, built.other)
    chosen = {"languages": list(origin.languages), "options": origin.options, **asdict(split), **asdict(leaks)}
    described = _describe_build(sources, built, heldout_task)
    _write_rows(out, built.rows, {"command": "rows build", "arguments": chosen, **described})
    for reason, count in built.dropped.most_common():
        print(f"left out: {count:,} ({reason})")


@command(rows_app, "mine")
def mine(
    *,
    rows: Annotated[Path, Option("Rows from `rows build`.")],
    model: Annotated[str, Option("Base model: checkpoint folder, Hub id, `e5-small`, `minilm`, or module:function.")],
    out: OutFile,
    mining: MiningOptions,
    pool: Annotated[Path | None, Option("Search the passages of this rows file instead of those of --rows.")] = None,
    encoder: EncoderOptions,
) -> None:
    """Mine hard negatives: passages from a window of ranks, each with its own question in the row's language.

    Example: clearbench rows mine --rows rows.parquet --model minilm --out mined.parquet
    """
    from clearbench.encoders.load import load_dense
    from clearbench.search.engines import open_store
    from clearbench.training.rows.files import check_destination, read_rows
    from clearbench.training.rows.mine import mine as mine_negatives

    check_destination(out)
    if out.resolve() == rows.resolve():
        raise UsageError("--out is the file of --rows. Choose another name to keep the rows without negatives.")
    given = read_rows(rows)
    searched = read_rows(pool) if pool is not None else None
    dense = load_dense(model, encoder, "margin and ranks need an embedding model")
    mined = mine_negatives(given, dense, open_store(dense, encoder.cache_dir), mining, searched)
    chosen = {
        "negatives": mining.num_negatives,
        "window": str(mining.window),
        "margin": mining.margin,
        "seed": mining.seed,
        "pool": None if pool is None else pool.name,
    }
    described = {
        "input": _describe_rows(rows, given),
        "pool": _describe_rows(pool, searched) if pool is not None and searched is not None else None,
        "encoder": {"name": dense.name, "fingerprint": dense.fingerprint, **dense.settings},
        "mining": asdict(mined.report),
    }
    _write_rows(out, mined.rows, {"command": "rows mine", "arguments": chosen, **described})
    _print_mining(mined.report)


def _describe_build(sources: "Sequence[RowSource]", built: "BuiltRows", heldout_task: Path | None) -> dict[str, Any]:
    """Return the manifest's description of the sources, and of the rows that were dropped or held out."""
    return {
        "sources": [source.described for source in sources],
        "dropped": dict(built.dropped.most_common()),
        "leak_check": built.leaks,
        "other_part": {
            "rows": len(built.other),
            "clusters": len({row.cluster for row in built.other}),
            "task_folder": heldout_task.name if heldout_task else None,
        },
    }


def _describe_rows(path: Path, rows: "Rows") -> dict[str, str]:
    return {"file": path.name, "fingerprint": rows.fingerprint}


def _print_mining(report: "MiningReport") -> None:
    """Print the ranks, the numbers of rows with and without negatives, and the reasons for rejected candidates."""
    asked, used = report.window_asked, report.window_used
    moved = "" if asked == used else f" (moved from {asked}: {report.passages_searched:,} in all)"
    print(f"ranks: {used}{moved}")
    print(f"rows full: {report.rows_full:,}")
    print(f"rows with fewer: {report.rows_with_fewer:,}")
    print(f"rows with none: {report.rows_with_none:,}")
    for reason, count in report.candidates_rejected.items():
        print(f"candidates left out: {count:,} {reason}")


def _write_rows(out: Path, rows: "tuple[TrainingRow, ...]", described: "Mapping[str, Any]") -> None:
    """Write rows with their manifest, and print their counts."""
    from clearbench.common.environment import describe_environment, now
    from clearbench.training.rows.files import count_rows, write_rows

    manifest_file = write_rows(out, rows, {**described, "environment": describe_environment(), "finished": now()})
    counts = count_rows(rows)
    languages = ", ".join(f"{name} {count:,}" for name, count in counts["by_language"].items())
    print(f"{out}: {counts['count']:,} rows ({languages})")
    print(f"{counts['english_questions']:,} English questions, {counts['passages']:,} passages, ", end="")
    print(f"{counts['clusters']:,} clusters; manifest {manifest_file}")


def _make_leak_index(
    leaks: LeakOptions, sources: "list[RowSource]", location: DataLocation, *, has_heldout: bool
) -> "LeakIndex | None":
    """Return an index of the tasks that rows are checked against, or None if there is nothing to check."""
    from clearbench.training.rows.leaks import LeakIndex
    from clearbench.training.rows.sources import load_excluded_task

    if not leaks.exclude_task and not has_heldout:
        return None
    index = LeakIndex(leaks.near)
    languages = sorted({row.language for source in sources for row in source.rows})
    for name in leaks.exclude_task:
        index.add_task(load_excluded_task(name, languages, location))
    return index


def _read_sources(origin: Origin, location: DataLocation) -> "list[RowSource]":
    """Read the sources of the rows, and print their notes."""
    from clearbench.common.progress import say
    from clearbench.training.rows.sources import read_file_source, read_task_source

    sources = [read_task_source(name, origin.languages, location, origin.options or None) for name in origin.task]
    if origin.data is not None:
        sources.append(read_file_source(origin.data, origin.fields, origin.languages))
    for source in sources:
        for note in source.described.get("notes", ()):
            say(f"{source.described.get('task')}: {note}")
    return sources
