"""Which text goes before a query and a passage: as the options, the checkpoint or its model family say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from clearbench.common.errors import EncoderError
from clearbench.common.text import join_names
from clearbench.common.toml import read_toml
from clearbench.encoders.base import EncoderOptions, Role
from clearbench.encoders.checkpoints.checkpoint import Checkpoint
from clearbench.encoders.checkpoints.metadata import BROKEN, SETTINGS, read_object

ROLES: tuple[Role, Role] = ("query", "passage")
PROMPT_NAMES: Mapping[Role, tuple[str, ...]] = {"query": ("query",), "passage": ("document", "passage", "corpus")}
"""The names under which checkpoints keep their prompts, in the order in which sentence-transformers looks them up.

Its newer versions save an empty prompt called `document` with every checkpoint, and `encode_document` uses it.
clearbench takes the first prompt that has a text.
"""
RETRIEVAL_PREFIXES = ("", "retrieval_", "search_", "web_search_", "s2p_")
"""Put before these names by families that have prompts for more tasks than retrieval: "retrieval.query", "s2p_query".
Dots, hyphens and blanks count as underscores."""

FAMILIES = Path(__file__).with_name("prompts.toml")


@dataclass(frozen=True)
class Prompts:
    """The prompts of both roles.

    Attributes:
        query: Text put before every query; "" for none.
        passage: Text put before every passage; "" for none.
        source: Where they come from: "options", "checkpoint", "checkpoint (retrieval.query, retrieval.passage)",
            "family e5" or "none".
        note: Tells the user that the checkpoint has prompts but none is used.
    """

    query: str
    passage: str
    source: str
    note: str | None = None


def choose_prompts(
    stored: Mapping[str, str | None], default: str | None, checkpoint: Checkpoint, options: EncoderOptions
) -> Prompts:
    """Choose prompts: from the checkpoint's configuration, else the table of families; an option replaces its role's.

    Args:
        stored: The checkpoint's own prompts by their names.
        default: The name of its default prompt. `encode_query` and `encode_document` do not use it, so neither is it
            used here unless its name says what it is for.
        checkpoint: Its Hub id or folder name tells the family.
        options: What the user gave; "" means no prompt, None leaves the choice to the checkpoint.
    """
    chosen = _stored_prompts(stored) or _family_prompts(checkpoint)
    if options.query_prompt is not None or options.passage_prompt is not None:
        query, passage = options.query_prompt, options.passage_prompt
        chosen = Prompts(
            chosen.query if query is None else query, chosen.passage if passage is None else passage, "options"
        )
    return replace(chosen, note=_write_note(stored, default, checkpoint, chosen.source))


def check_stored(folder: Path) -> None:
    """Refuse a checkpoint whose stored prompts are not texts by name.

    Raises:
        EncoderError: The message names the prompt.
    """
    prompts = read_object(folder / SETTINGS).get("prompts") or {}
    if not isinstance(prompts, dict):
        raise EncoderError(f"{folder / SETTINGS}: the prompts are not an object of texts by name. {BROKEN}")
    for name, prompt in prompts.items():
        if not isinstance(prompt, str | None):
            raise EncoderError(f"{folder / SETTINGS}: the prompt {name!r} is {prompt!r}; expected a text.")


def names_for(role: Role, stored: Mapping[str, str | None]) -> list[str]:
    """Return those of a checkpoint's names of prompts that may serve a role, best first."""
    return [name for prefix in RETRIEVAL_PREFIXES for name in _prefixed_names(role, prefix, stored)]


def _prefixed_names(role: Role, prefix: str, stored: Mapping[str, str | None]) -> list[str]:
    wanted = [f"{prefix}{name}" for name in PROMPT_NAMES[role]]
    if not prefix:  # sentence-transformers' own names, which it reads as they are
        return [name for name in wanted if name in stored]
    named = [(re.sub(r"[\W_]+", "_", name.lower()), name) for name in stored]
    return [name for plain in wanted for known, name in named if known == plain]


def _stored_prompts(stored: Mapping[str, str | None]) -> Prompts | None:
    """Return the prompts of the first prefix that has any; None if no prefix has."""
    for prefix in RETRIEVAL_PREFIXES:
        names = {role: _find_first(_prefixed_names(role, prefix, stored), stored) for role in ROLES}
        if any(names.values()):
            query, passage = (str(stored[name]) if (name := names[role]) else "" for role in ROLES)
            used = ", ".join(name for name in names.values() if name)
            return Prompts(query, passage, f"checkpoint ({used})" if prefix else "checkpoint")
    return None


def _find_first(names: list[str], stored: Mapping[str, str | None]) -> str | None:
    return next((name for name in names if stored[name]), None)


def _family_prompts(checkpoint: Checkpoint) -> Prompts:
    """Look up a well-known model family by Hub id or folder name."""
    names = (checkpoint.source.lower(), checkpoint.name.lower())
    for family in read_toml(FAMILIES, EncoderError)["family"]:
        if any(fnmatch(name, pattern) for name in names for pattern in family["match"]):
            return Prompts(family["query"], family["passage"], f"family {family['name']}")
    return Prompts("", "", "none")


def _write_note(
    stored: Mapping[str, str | None], default: str | None, checkpoint: Checkpoint, source: str
) -> str | None:
    """Return a note that none of a checkpoint's prompts has a name for retrieval; None if it needs no note."""
    written = [name for name, prompt in stored.items() if prompt]
    if not written or source.startswith(("checkpoint", "options")):
        return None
    also = f" (the default prompt {default} included)" if default in written else ""
    used = "no prompt is" if source == "none" else f"those of the {source} are"
    return (
        f"{checkpoint.source} has prompts ({join_names(written)}), but none{also} is named for queries or passages, so "
        f"{used} used. Give --query-prompt and --passage-prompt ('' for none) to say which."
    )
