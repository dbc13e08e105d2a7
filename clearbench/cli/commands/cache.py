"""`clearbench cache`: what the embedding cache holds, and how to empty it."""

from pathlib import Path
from typing import Annotated

import typer

from clearbench.cli.options import command
from clearbench.common.options import CACHE_DIR, Option, Range

cache_app = typer.Typer(help="The embedding cache.", no_args_is_help=True)


@command(cache_app, "ls")
def list_cache(cache_dir: Annotated[Path, CACHE_DIR]) -> None:
    """List the encoders whose vectors are kept."""
    from rich.table import Table

    from clearbench.common.console import SafeConsole
    from clearbench.encoders.vectors.cached import list_cached

    entries = list_cached(cache_dir)
    table = Table("encoder", "name", "MB", "parts", "idle days")
    for entry in entries:
        table.add_row(
            entry.folder.name[:12],
            entry.name,
            f"{entry.num_bytes / 1e6:,.1f}",
            str(entry.num_parts),
            f"{entry.idle_days:.1f}",
        )
    SafeConsole().print(table if entries else "The cache is empty.")


@command(cache_app, "prune")
def prune_cache(
    *,
    idle_days: Annotated[
        float, Option("Delete what no run has used for this many days; 0 deletes all.", range=Range(minimum=0))
    ] = 30.0,
    cache_dir: Annotated[Path, CACHE_DIR],
) -> None:
    """Delete the vectors of encoders that have not been used lately."""
    from clearbench.encoders.vectors.cached import prune

    gone = prune(cache_dir, idle_days)
    print(f"Deleted {len(gone)} encoders, {sum(entry.num_bytes for entry in gone) / 1e6:,.1f} MB.")
