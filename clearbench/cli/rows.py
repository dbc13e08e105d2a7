"""`clearbench rows`: make training rows from parallel question answering data, and mine hard negatives for them."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearbench.cli.options import command
from clearbench.common.errors import UsageError
from clearbench.common.options import CACHE_DIR, Option, read_names, read_settings
from clearbench.encoders.base import EncoderOptions
from clearbench.tasks.options import READER_SETTINGS, DataLocation
from clearbench.training.rows.options import LeakOptions, MiningOptions, Split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clearbench.training.rows.leaks import LeakIndex
    from clearbench.training.rows.row import TrainingRow
    from clearbench.training.rows.sources import Source

rows_app = typer.Typer(help="Make training rows and mine hard negatives.", no_args_is_help=True)

Out = Annotated[Path, Option("Rows file, .parquet or .jsonl; a manifest is written beside it.")]


@command(rows_app, "build")
def build(
    *,
    out: Out,
    task: Annotated[
        tuple[str, ...], Option("Task names, .toml files or BEIR folders, by commas.", read=read_names)
    ] = (),
    data: Annotated[Path | None, Option("JSON lines of your own in place of a task.")] = None,
    fields: Annotated[
        dict[str, str] | None,
        Option(
            "For --data, where a field has another name than the column (repeatable).",
            flag="--field",
            metavar="COLUMN=FIELD",
            read=read_settings,
        ),
    ] = None,
    languages: Annotated[
        tuple[str, ...],
        Option("Target languages: de,es (default: all whose files are there).", read=read_names),
    ] = (),
    options: Annotated[dict[str, str] | None, READER_SETTINGS] = None,
    split: Split,
    heldout_task: Annotated[
        Path | None,
        Option("Write the other part to this folder, as a task for `clearbench run --tasks FOLDER`."),
    ] = None,
    leaks: LeakOptions,
    location: DataLocation,
) -> None:
    """Make training rows: English question, English passage, the question in a target language.

    Example: clearbench rows build --task mlqa --languages de,es --exclude-task xquad --out rows.parquet
    """
    from clearbench.training.rows.build import build_rows, describe_drops
    from clearbench.training.rows.heldout import write_task_folder
    from clearbench.training.rows.row import check_destination
    from clearbench.training.rows.sources import rows_of_file, rows_of_task

    check_destination(out)
    if bool(task) == (data is not None):
        raise UsageError("Give either --task or --data.")
    if data is not None and options:
        raise UsageError("--option is for --task; fields of --data are named with --field.")
    if task and fields:
        raise UsageError("--field is for --data; reader options of --task are set with --option.")
    if heldout_task is not None and split.fraction == 1.0:
        raise UsageError("--heldout-task needs --fraction below 1: else nothing is held out.")
    sources = [rows_of_task(name, languages, location, options) for name in task]
    if data is not None:
        sources.append(rows_of_file(data, fields or {}, languages))
    _say_notes(sources)
    index = _leak_index(leaks, sources, location, checks=heldout_task is not None)
    built = build_rows(sources, split, index, leaks.on_leak, against_other=heldout_task is not None)
    dropped = describe_drops(built.dropped)
    arguments = {
        "languages": list(languages), "options": options or {}, **asdict(split),
        **asdict(leaks),
    }  # fmt: skip
    described = {
        "sources": [source.described for source in sources],
        "dropped": dropped,
        "leak_check": built.leaks,
        "other_part": {
            "rows": len(built.other),
            "clusters": len({row.cluster for row in built.other}),
            "task_folder": heldout_task.name if heldout_task else None,
        },
    }
    if heldout_task is not None:
        write_task_folder(heldout_task, built.other)
    _write(out, built.rows, "build", arguments, described)
    for reason, count in dropped.items():
        print(f"left out: {count:,} ({reason})")


@command(rows_app, "mine")
def mine(
    *,
    rows: Annotated[Path, Option("Rows from `rows build`.")],
    model: Annotated[str, Option("Base model: checkpoint folder, Hub id, `minilm`, or module:function.")],
    out: Out,
    mining: MiningOptions,
    pool: Annotated[
        str, Option("`rows`: their own passages; or another rows file, whose passages are searched.")
    ] = "rows",
    encoder: EncoderOptions,
    cache_dir: Annotated[Path, CACHE_DIR],
) -> None:
    """Give rows hard negatives: passages of a window of ranks, each with its own question in the row's language.

    Example: clearbench rows mine --rows rows.parquet --model minilm --out mined.parquet
    """
    from clearbench.encoders.bm25 import Lexical
    from clearbench.encoders.load import load_encoder
    from clearbench.encoders.store import EmbeddingStore
    from clearbench.training.rows.mine import mine as mine_negatives
    from clearbench.training.rows.row import check_destination, read_rows

    check_destination(out)
    if out.resolve() == rows.resolve():
        raise UsageError("--out is the file of --rows: choose another name, so that the rows without negatives stay.")
    found = read_rows(rows)
    searched = None if pool == "rows" else read_rows(Path(pool))
    dense = load_encoder(model, encoder)
    if isinstance(dense, Lexical):
        raise UsageError("--model bm25 has no vectors: margin and ranks need an embedding model.")
    cache = cache_dir / "embeddings" / dense.fingerprint
    store = EmbeddingStore(cache if dense.complete_fingerprint else None, {"name": dense.name, **dense.settings})
    mined = mine_negatives(found, dense, store, mining, searched)
    arguments = {
        "negatives": mining.num_negatives, "window": str(mining.window), "margin": mining.margin, "seed": mining.seed,
        "pool": pool,
    }  # fmt: skip
    described = {
        "input": {"file": rows.name, "fingerprint": found.fingerprint},
        "pool": {"file": Path(pool).name, "fingerprint": searched.fingerprint} if searched else "rows",
        "encoder": {"name": dense.name, "fingerprint": dense.fingerprint, **dense.settings},
        "mining": mined.report,
    }
    _write(out, mined.rows, "mine", arguments, described)
    asked, used = mined.report["window_asked"], mined.report["window_used"]
    moved = (
        "" if asked == used else f" (moved from {asked[0]}-{asked[1]}: {mined.report['passages_searched']:,} in all)"
    )
    print(f"ranks: {used[0]}-{used[1]}{moved}")
    for name in ("rows_full", "rows_with_fewer", "rows_with_none"):
        print(f"{name.replace('_', ' ')}: {mined.report[name]:,}")
    for reason, count in mined.report["candidates_rejected"].items():
        print(f"candidates left out: {count:,} {reason}")


def _write(
    out: Path,
    rows: "tuple[TrainingRow, ...]",
    command: str,
    arguments: "Mapping[str, Any]",
    described: "Mapping[str, Any]",
) -> None:
    from clearbench.common.environment import describe_environment, now
    from clearbench.training.rows.row import count_rows, write_rows

    head = {"command": f"rows {command}", "arguments": arguments}
    tail = {"environment": describe_environment(), "finished": now()}
    beside = write_rows(out, rows, {**head, **described, **tail})
    counts = count_rows(rows)
    languages = ", ".join(f"{name} {count:,}" for name, count in counts["by_language"].items())
    print(f"{out}: {counts['count']:,} rows ({languages})")
    print(f"{counts['english_questions']:,} English questions, {counts['passages']:,} passages, ", end="")
    print(f"{counts['clusters']:,} clusters; manifest {beside}")


def _leak_index(
    leaks: LeakOptions,
    sources: "list[Source]",
    location: DataLocation,
    *,
    checks: bool,
) -> "LeakIndex | None":
    """Load the tasks that rows are checked against; None where there is nothing to check."""
    from clearbench.training.rows.leaks import LeakIndex
    from clearbench.training.rows.sources import load_evaluation

    if not leaks.exclude_task and not checks:
        return None
    index = LeakIndex(leaks.near)
    languages = sorted({row.language for source in sources for row in source.rows})
    for name in read_names(",".join(leaks.exclude_task), "--exclude-task") if leaks.exclude_task else ():
        index.add_task(load_evaluation(name, languages, location))
    return index


def _say_notes(sources: "list[Source]") -> None:
    from clearbench.common.progress import say

    for source in sources:
        for note in source.described.get("notes", ()):
            say(f"{source.described.get('task')}: {note}")
