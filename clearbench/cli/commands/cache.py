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
    """List the encoders whose vectors are kept, and the checkpoints that were made of packages."""
    from rich.table import Table

    from clearbench.common.console import SafeConsole
    from clearbench.encoders.packaged.kept import list_kept
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
    for kept in list_kept(cache_dir):
        table.add_row("checkpoint", kept.folder.name, f"{kept.num_bytes / 1e6:,.1f}", "", f"{kept.idle_days:.1f}")
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
    from clearbench.encoders.packaged.kept import prune_kept
    from clearbench.encoders.vectors.cached import prune

    gone = prune(cache_dir, idle_days)
    print(f"Deleted {count(len(gone), 'encoder')}, {sum(entry.num_bytes for entry in gone) / 1e6:,.1f} MB.")
    if kept := prune_kept(cache_dir, idle_days):
        size = sum(entry.num_bytes for entry in kept) / 1e6
        print(f"Deleted {count(len(kept), 'checkpoint')}, {size:,.1f} MB.")
