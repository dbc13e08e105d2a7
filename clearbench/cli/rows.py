"""`clearbench rows`: make training rows from parallel question answering data, and mine hard negatives for them."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearbench.cli.options import command
from clearbench.encoders.base import EncoderOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clearbench.tasks.sources import DataLocation
    from clearbench.training.rows.leaks import LeakIndex
    from clearbench.training.rows.row import TrainingRow
    from clearbench.training.rows.sources import Source

rows_app = typer.Typer(help="Make training rows and mine hard negatives.", no_args_is_help=True)

DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder with the official files; nothing is downloaded then.", envvar="CLEARBENCH_DATA"),
]
CacheDir = Annotated[Path | None, typer.Option(help="Cache folder (default: CLEARBENCH_CACHE or the user's cache).")]
Out = Annotated[Path, typer.Option(help="Rows file, .parquet or .jsonl; a manifest is written beside it.")]


class Part(StrEnum):
    """Which part of the clusters."""

    TRAIN = "train"
    HELDOUT = "heldout"


class OnLeak(StrEnum):
    """What to do with rows that hold texts of the evaluation."""

    REFUSE = "refuse"
    DROP = "drop"


@rows_app.command()
def build(
    out: Out,
    task: Annotated[str | None, typer.Option(help="Task names, .toml files or BEIR folders, by commas.")] = None,
    data: Annotated[Path | None, typer.Option(help="JSON lines of your own in place of a task.")] = None,
    field: Annotated[
        list[str] | None, typer.Option(help="For --data: COLUMN=FIELD where a field has another name (repeatable).")
    ] = None,
    languages: Annotated[
        str | None, typer.Option(help="Target languages: de,es (default: all whose files are there).")
    ] = None,
    data_dir: DataDir = None,
    tasks_dir: Annotated[Path | None, typer.Option(help="Folder with task definitions of your own.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="Reader option of --task, name=value (repeatable): split=train.")
    ] = None,
    fraction: Annotated[float, typer.Option(help="Share of articles (or passages) in the part `train`.")] = 1.0,
    part: Annotated[Part, typer.Option(help="The part to write.")] = Part.TRAIN,
    seed: Annotated[int, typer.Option(help="Another seed, another division.")] = 0,
    heldout_task: Annotated[
        Path | None,
        typer.Option(help="Write the other part to this folder, as a task for `clearbench run --tasks FOLDER`."),
    ] = None,
    exclude_task: Annotated[
        list[str] | None, typer.Option(help="Tasks that will be evaluated on: no row may hold their texts.")
    ] = None,
    on_leak: Annotated[OnLeak, typer.Option(help="Refuse, or leave out and count, rows with such texts.")] = (
        OnLeak.REFUSE
    ),
    near: Annotated[
        float, typer.Option(help="Share of 8-word sequences from which texts are near-duplicates; above 1: never.")
    ] = 0.5,
    corpus: Annotated[Path | None, typer.Option(help="Passage corpus, to exclude xor or mkqa questions.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.")] = False,
    cache_dir: CacheDir = None,
) -> None:
    """Make training rows: English question, English passage, the question in a target language.

    Example: clearbench rows build --task mlqa --languages de,es --exclude-task xquad --out rows.parquet
    """
    from clearbench.cli.run import parse_options, split_names
    from clearbench.common.errors import UsageError
    from clearbench.tasks.sources import DataLocation
    from clearbench.training.rows.build import Split, build_rows, describe_drops
    from clearbench.training.rows.heldout import write_task_folder
    from clearbench.training.rows.row import check_destination
    from clearbench.training.rows.sources import rows_of_file, rows_of_task

    check_destination(out)
    if (task is None) == (data is None):
        raise UsageError("Give either --task or --data.")
    if data is not None and option:
        raise UsageError("--option is for --task; fields of --data are named with --field.")
    if task is not None and field:
        raise UsageError("--field is for --data; reader options of --task are set with --option.")
    if near <= 0:
        raise UsageError(f"--near {near:g}: expected a share above 0.")
    split = Split(fraction, part.value, seed)
    if heldout_task is not None and fraction == 1.0:
        raise UsageError("--heldout-task needs --fraction below 1: else nothing is held out.")
    targets = split_names(languages) if languages is not None else []
    location = DataLocation(data_dir=data_dir, cache_dir=cache_dir, offline=offline, corpus=corpus)
    sources: list[Source] = []
    if data is not None:
        sources.append(rows_of_file(data, parse_options(field or []), targets))
    for name in split_names(task) if task is not None else []:
        options = parse_options(option or []) or None
        sources.append(rows_of_task(name, targets, location, tasks_dir, options))
    _say_notes(sources)
    index = _leak_index(exclude_task or [], sources, near, location, tasks_dir, checks=heldout_task is not None)
    built = build_rows(sources, split, index, on_leak.value, against_other=heldout_task is not None)
    dropped = describe_drops(built.dropped)
    arguments = {
        "languages": targets, "options": parse_options(option or []), "fraction": fraction, "part": part.value,
        "seed": seed, "exclude_task": exclude_task or [], "on_leak": on_leak.value, "near": near,
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
    rows: Annotated[Path, typer.Option(help="Rows from `rows build`.")],
    model: Annotated[str, typer.Option(help="Base model: checkpoint folder, Hub id, `minilm`, or module:function.")],
    out: Out,
    negatives: Annotated[int, typer.Option(help="Hard negatives per row.")] = 5,
    window: Annotated[str, typer.Option(help="First and last rank they come from.")] = "50-100",
    margin: Annotated[float, typer.Option(help="Least distance to the positive's score.")] = 0.05,
    pool: Annotated[
        str, typer.Option(help="`rows`: their own passages; or another rows file, whose passages are searched.")
    ] = "rows",
    seed: Annotated[int, typer.Option(help="Which candidates of the window are taken.")] = 0,
    cache_dir: CacheDir = None,
    *,
    encoder: EncoderOptions,
) -> None:
    """Give rows hard negatives: passages of a window of ranks, each with its own question in the row's language.

    Example: clearbench rows mine --rows rows.parquet --model minilm --out mined.parquet
    """
    from clearbench.common.environment import default_cache
    from clearbench.common.errors import UsageError
    from clearbench.encoders.bm25 import Lexical
    from clearbench.encoders.load import load_encoder
    from clearbench.encoders.store import EmbeddingStore
    from clearbench.training.rows.mine import MiningOptions, mine
    from clearbench.training.rows.row import check_destination, read_rows

    check_destination(out)
    if out.resolve() == rows.resolve():
        raise UsageError("--out is the file of --rows: choose another name, so that the rows without negatives stay.")
    options = MiningOptions(negatives, _parse_window(window), margin, seed)
    found = read_rows(rows)
    searched = None if pool == "rows" else read_rows(Path(pool))
    dense = load_encoder(model, encoder)
    if isinstance(dense, Lexical):
        raise UsageError("--model bm25 has no vectors: margin and ranks need an embedding model.")
    cache = (cache_dir or default_cache()) / "embeddings" / dense.fingerprint
    store = EmbeddingStore(cache if dense.complete_fingerprint else None, {"name": dense.name, **dense.settings})
    mined = mine(found, dense, store, options, searched)
    arguments = {"negatives": negatives, "window": window, "margin": margin, "seed": seed, "pool": pool}
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
    names: list[str],
    sources: "list[Source]",
    near: float,
    location: "DataLocation",
    tasks_dir: Path | None,
    *,
    checks: bool,
) -> "LeakIndex | None":
    """Load the tasks that rows are checked against; None where there is nothing to check."""
    from clearbench.cli.run import split_names
    from clearbench.training.rows.leaks import LeakIndex
    from clearbench.training.rows.sources import load_evaluation

    if not names and not checks:
        return None
    index = LeakIndex(near)
    languages = sorted({row.language for source in sources for row in source.rows})
    for name in split_names(",".join(names)) if names else []:
        index.add_task(load_evaluation(name, languages, location, tasks_dir))
    return index


def _say_notes(sources: "list[Source]") -> None:
    from clearbench.common.progress import say

    for source in sources:
        for note in source.described.get("notes", ()):
            say(f"{source.described.get('task')}: {note}")


def _parse_window(text: str) -> tuple[int, int]:
    from clearbench.common.errors import UsageError

    first, _, last = text.partition("-")
    if not (first.strip().isdecimal() and last.strip().isdecimal()):
        raise UsageError(f"--window {text}: expected two ranks from 1, such as 50-100.")
    return int(first), int(last)
