"""`clearbench cache`: what the embedding cache holds, and how to empty it."""

from pathlib import Path
from typing import Annotated

import typer

cache_app = typer.Typer(help="The embedding cache.", no_args_is_help=True)

CacheDir = Annotated[
    Path | None, typer.Option("--cache-dir", help="Cache folder (default: CLEARBENCH_CACHE or the user's cache).")
]


@cache_app.command("ls")
def list_cache(cache_dir: CacheDir = None) -> None:
    """List the encoders whose vectors are kept."""
    from rich.console import Console
    from rich.table import Table

    from clearbench.common.environment import default_cache
    from clearbench.encoders.store import list_cached

    entries = list_cached((cache_dir or default_cache()) / "embeddings")
    table = Table("encoder", "name", "MB", "parts", "idle days")
    for entry in entries:
        table.add_row(
            entry.folder.name[:12],
            entry.name,
            f"{entry.num_bytes / 1e6:,.1f}",
            str(entry.num_parts),
            f"{entry.idle_days:.1f}",
        )
    Console().print(table if entries else "The cache is empty.")


@cache_app.command("prune")
def prune_cache(
    idle_days: Annotated[
        float, typer.Option(help="Delete encoders that no run has used for so many days; 0 deletes all.")
    ] = 30.0,
    cache_dir: CacheDir = None,
) -> None:
    """Delete the vectors of encoders that have not been used lately."""
    from clearbench.common.environment import default_cache
    from clearbench.common.errors import UsageError
    from clearbench.encoders.store import prune

    if idle_days < 0:
        raise UsageError(f"--idle-days {idle_days}: expected 0 or more.")
    gone = prune((cache_dir or default_cache()) / "embeddings", idle_days)
    print(f"Deleted {len(gone)} encoders, {sum(entry.num_bytes for entry in gone) / 1e6:,.1f} MB.")
