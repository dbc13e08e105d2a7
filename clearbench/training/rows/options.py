"""Options for training rows: their sources, the split, the check for leaks, and mining."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from clearbench.common.errors import UsageError
from clearbench.common.hashing import content_hash
from clearbench.common.options import Option, Range, check_numbers, read_name_lists, read_names, read_settings
from clearbench.tasks.options import READER_SETTINGS

Part = Literal["train", "heldout"]
OnLeak = Literal["refuse", "drop"]


@dataclass(frozen=True)
class Origin:
    """Where rows come from: tasks, or a JSON lines file of the user."""

    task: Annotated[
        tuple[str, ...], Option("Task names, .toml files or BEIR folders, separated by commas.", read=read_names)
    ] = ()
    data: Annotated[Path | None, Option("Your own JSON lines file, instead of a task.")] = None
    fields: Annotated[
        dict[str, str],
        Option(
            "With --data: the field that holds a column, if its name differs (repeatable).",
            flag="--field",
            metavar="COLUMN=FIELD",
            read=read_settings,
        ),
    ] = field(default_factory=dict)
    languages: Annotated[
        tuple[str, ...], Option("Target languages: de,es (default: all that the files provide).", read=read_names)
    ] = ()
    options: Annotated[dict[str, str], READER_SETTINGS] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.task) == (self.data is not None):
            raise UsageError("Give either --task or --data.")
        if self.data is not None and self.options:
            raise UsageError("--option works only with --task. Name the fields of --data with --field.")
        if self.task and self.fields:
            raise UsageError("--field works only with --data. Set reader options of --task with --option.")


@dataclass(frozen=True)
class Split:
    """A division of all clusters into two parts."""

    fraction: Annotated[
        float, Option("Share of articles (or passages) in the part `train`.", range=Range(above=0, maximum=1))
    ] = 1.0
    part: Annotated[Part, Option("The part to write.")] = "train"
    seed: Annotated[int, Option("Seed of the split.")] = 0

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.part not in ("train", "heldout"):
            raise UsageError(f"--part {self.part}: expected train or heldout.")
        if self.part == "heldout" and self.fraction == 1.0:
            raise UsageError(
                "--part heldout is empty with --fraction 1. Give --fraction the share of the training part."
            )

    def is_training(self, cluster: str) -> bool:
        """Return whether a cluster is in the training part.

        A hash of the cluster's name decides, so an article stays in its part when languages or tasks are added (unless
        they merge its cluster with another, see `merge_clusters`). The share is therefore met only on average.
        """
        return int(content_hash("split", str(self.seed), cluster), 16) < self.fraction * 2**128


@dataclass(frozen=True)
class LeakOptions:
    """The tasks that rows must not share texts with, and how texts are compared."""

    exclude_task: Annotated[
        tuple[str, ...], Option("Tasks for evaluation: no row may hold their texts.", read=read_name_lists)
    ] = ()
    on_leak: Annotated[OnLeak, Option("Rows with such texts: refuse to build, or drop and count them.")] = "refuse"
    near: Annotated[
        float,
        Option(
            "Texts are near-duplicates from this share of common 8-word sequences; above 1: never.",
            range=Range(above=0),
        ),
    ] = 0.5

    def __post_init__(self) -> None:
        check_numbers(self)


class Window(NamedTuple):
    """A range of ranks, counted from 1, both ends included; prints as a user writes it."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


DEFAULT_WINDOW = Window(50, 100)


def read_window(text: str, flag: str) -> Window:
    """Read `50-100`.

    Raises:
        UsageError: The text does not have this form.
    """
    first, _, last = text.partition("-")
    if not (first.strip().isdecimal() and last.strip().isdecimal()):
        raise UsageError(f"{flag} {text}: expected two ranks from 1, such as 50-100.")
    return Window(int(first), int(last))


@dataclass(frozen=True)
class MiningOptions:
    """How hard negatives are mined.

    A row gets fewer negatives if the window does not hold enough of them. The margin is a difference of scores, which
    are cosines for most models. The seed also decides which of a passage's questions is taken.
    """

    num_negatives: Annotated[int, Option("Hard negatives per row.", flag="--negatives", range=Range(minimum=1))] = 5
    window: Annotated[Window, Option("First and last rank that negatives come from.", read=read_window)] = (
        DEFAULT_WINDOW
    )
    margin: Annotated[float, Option("A negative scores at least this much below the positive.")] = 0.05
    seed: Annotated[int, Option("Seed of the choice among the window's candidates.")] = 0

    def __post_init__(self) -> None:
        check_numbers(self)
        first, last = self.window
        if not 1 <= first <= last:
            raise UsageError(f"--window {first}-{last}: expected two ranks from 1, such as 50-100.")
        if last - first + 1 < self.num_negatives:
            raise UsageError(
                f"--window {first}-{last} has {last - first + 1} ranks, too few for --negatives {self.num_negatives}."
            )
