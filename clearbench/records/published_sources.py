"""Where published figures come from: the files that come with clearbench, a checkout of the public MTEB results."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from clearbench.common.errors import UsageError
from clearbench.common.options import Option, read_names
from clearbench.records.mteb_results import read_mteb_results
from clearbench.records.published import Published, load_published


@dataclass(frozen=True)
class PublishedSources:
    """Which published figures to show."""

    with_published: Annotated[
        bool, Option("Also show the published figures that come with clearbench, of the same pairs, marked †.")
    ] = False
    mteb_results: Annotated[
        Path | None,
        Option("Also show figures from this checkout of github.com/embeddings-benchmark/results, marked †."),
    ] = None
    mteb_models: Annotated[
        tuple[str, ...] | None,
        Option("Only these models of --mteb-results, separated by commas: BAAI/bge-m3.", read=read_names),
    ] = None

    def load(self, tasks: Collection[str]) -> tuple[tuple[Published, ...], tuple[str, ...]]:
        """Read the figures.

        Args:
            tasks: Names of the tasks that the MTEB results are read for.
        Returns:
            The figures, and sentences on files that could not be used.
        Raises:
            UsageError: `mteb_models` is given without `mteb_results`, or the checkout lacks one of them.
        """
        shipped = load_published() if self.with_published else ()
        if self.mteb_results is None:
            if self.mteb_models is not None:
                raise UsageError("--mteb-models chooses among the models of --mteb-results DIR; give that too.")
            return shipped, ()
        entries, notes = read_mteb_results(self.mteb_results, tasks, self.mteb_models)
        return (*shipped, *entries), notes
