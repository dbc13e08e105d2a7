"""`clearbench cache`: the vectors and the checkpoints that are kept, and how to delete them."""

from pathlib import Path
from typing import Annotated

import typer

from clearbench.cli.options import command
from clearbench.common.options import CACHE_DIR, Option, Range
from clearbench.common.text import count

cache_app = typer.Typer(help="The cache of vectors, and of checkpoints made of packages.", no_args_is_help=True)


@command(cache_app, "ls")
def list_cache(cache_dir: Annotated[Path, CACHE_DIR]) -> None:
    """List the encoders with cached vectors, and the checkpoints made from packages."""
    from rich.table import Table

    from clearbench.common.console import SafeConsole
    from clearbench.encoders.cache import list_checkpoints, list_vectors

    rows = [(entry.folder.name[:12], str(entry.num_parts), entry) for entry in list_vectors(cache_dir)]
    rows += [("checkpoint", "", entry) for entry in list_checkpoints(cache_dir)]
    table = Table("encoder", "name", "MB", "parts", "idle days")
    for encoder, parts, entry in rows:
        table.add_row(encoder, entry.name, f"{entry.num_bytes / 1e6:,.1f}", parts, f"{entry.idle_days:.1f}")
    SafeConsole().print(table if table.row_count else "The cache is empty.")


@command(cache_app, "prune")
def prune_cache(
    *,
    idle_days: Annotated[
        float, Option("Delete what no run has used for this many days; 0 deletes all.", range=Range(minimum=0))
    ] = 30.0,
    cache_dir: Annotated[Path, CACHE_DIR],
) -> None:
    """Delete vectors and checkpoints that have not been used lately; what is needed again is made again."""
    from clearbench.encoders.cache import list_checkpoints, list_vectors, prune

    encoders = prune(list_vectors(cache_dir), idle_days)
    print(f"Deleted {count(len(encoders), 'encoder')}, {sum(entry.num_bytes for entry in encoders) / 1e6:,.1f} MB.")
    if checkpoints := prune(list_checkpoints(cache_dir), idle_days):
        num_bytes = sum(entry.num_bytes for entry in checkpoints)
        print(f"Deleted {count(len(checkpoints), 'checkpoint')}, {num_bytes / 1e6:,.1f} MB.")
