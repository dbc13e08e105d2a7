"""Which text goes before a query and a passage: as the options, the checkpoint or its model family say."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from clearbench.common.errors import EncoderError
from clearbench.common.toml import read_toml
from clearbench.encoders.base import EncoderOptions, Role
from clearbench.encoders.checkpoints.checkpoint import Checkpoint

PROMPT_NAMES: Mapping[Role, tuple[str, ...]] = {"query": ("query",), "passage": ("passage", "document", "corpus")}
"""The names under which checkpoints keep their prompts, best first."""

FAMILIES = Path(__file__).with_name("prompts.toml")


@dataclass(frozen=True)
class Prompts:
    """The prompts of both roles.

    Attributes:
        query: Text put before every query; "" for none.
        passage: Text put before every passage; "" for none.
        source: Where they come from: "options", "checkpoint", "family e5" or "none".
    """

    query: str
    passage: str
    source: str


def choose_prompts(stored: Mapping[str, str | None], checkpoint: Checkpoint, options: EncoderOptions) -> Prompts:
    """Choose prompts: from the checkpoint's configuration, else the table of families; an option replaces its role's.

    Args:
        stored: The checkpoint's own prompts by their names.
        checkpoint: Its Hub id or folder name tells the family.
        options: What the user gave; "" is no prompt, None leaves the choice to the checkpoint.
    """
    query, passage = (_first_held(stored, PROMPT_NAMES[role]) for role in ("query", "passage"))
    chosen = Prompts(query, passage, "checkpoint") if query or passage else _family_prompts(checkpoint)
    if options.query_prompt is None and options.passage_prompt is None:
        return chosen
    return Prompts(
        chosen.query if options.query_prompt is None else options.query_prompt,
        chosen.passage if options.passage_prompt is None else options.passage_prompt,
        "options",
    )


def _first_held(stored: Mapping[str, str | None], names: tuple[str, ...]) -> str:
    return next((prompt for name in names if (prompt := stored.get(name))), "")


def _family_prompts(checkpoint: Checkpoint) -> Prompts:
    """Look up a well-known model family by Hub id or folder name."""
    names = (checkpoint.source.lower(), checkpoint.name.lower())
    for family in read_toml(FAMILIES, EncoderError)["family"]:
        if any(fnmatch(name, pattern) for name in names for pattern in family["match"]):
            return Prompts(family["query"], family["passage"], f"family {family['name']}")
    return Prompts("", "", "none")
