"""Print the list of tasks, the definition of one task, and the result of checking its data."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from clearbench.cli.tables import make_facts_table, stdout_console
from clearbench.common.hashing import content_hash, file_sha256
from clearbench.tasks.choose import defined_pairs
from clearbench.tasks.dataset import Dataset
from clearbench.tasks.formats.table import reader_options
from clearbench.tasks.load import CheckedTask
from clearbench.tasks.spec import Count, ExpectedCounts, Source, TaskSpec

# Characters of a fingerprint or SHA-256 shown in tables.
_HASH_CHARACTERS = 16


def print_tasks(specs: Sequence[TaskSpec]) -> None:
    """Print one row per task."""
    table = Table("task", "version", "pairs", "languages", "judged by", "main measure", "licence", box=None)
    for column in (1, 2, 3):
        table.columns[column].justify = "right"
    for spec in specs:
        pairs = defined_pairs(spec)
        table.add_row(
            spec.name,
            str(spec.version),
            "in its qrels" if pairs is None else f"{len(pairs):,}",
            f"{len(spec.languages):,}" if spec.languages else "in its rows",
            spec.judged_by,
            spec.main_measure,
            spec.licence,
        )
    stdout_console().print(table)


def print_task(spec: TaskSpec) -> None:
    """Print a task's definition: texts, judgements, licence, files, expected counts."""
    pairs = defined_pairs(spec)
    rows: dict[str, str] = {
        "task": f"{spec.name}, version {spec.version}",
        "title": spec.title,
        "what": " ".join(spec.description.split()),
        "licence": spec.licence,
        "cite": spec.citation,
        "home": spec.homepage,
        "languages": ", ".join(map(str, spec.spellings)) or "those in the rows of its files",
        "pairs": "those in its qrels" if pairs is None else f"{len(pairs):,}, by default {spec.default_pairs}",
        "judged by": spec.judged_by,
        "main measure": spec.main_measure,
        "reader": spec.reader,
        "options": ", ".join(f"{key} = {value}" for key, value in reader_options(spec)),
        "expected": _describe_expected(spec),
    }
    rows |= {f"{source.key} files": _describe_source(source) for source in spec.sources}
    stdout_console().print(make_facts_table(rows))


def print_check(checked: CheckedTask) -> None:
    """Print the loaded data: counts, fingerprints, files, notes, and whether the counts are as expected."""
    out = stdout_console()
    for table in (_query_table(checked.data), _pool_table(checked.data), _file_table(checked)):
        out.print(table)
        out.print()
    notes = [*checked.data.notes, *_hash_notes(checked)]
    expects = checked.spec.expected != ExpectedCounts()
    summary = {
        "pairs": f"{len(checked.data.pairs):,}",
        "fingerprint": content_hash(*map(checked.data.pair_fingerprint, checked.data.pairs)),
        "notes": "\n".join(notes) or "none",
        "counts": "\n".join(checked.mismatches) or ("as expected" if expects else "the task file expects none"),
    }
    out.print(make_facts_table(summary))


def _describe_expected(spec: TaskSpec) -> str:
    def show_count(count: Count) -> str:
        return f"{count:,}" if isinstance(count, int) else " or ".join(f"{choice:,}" for choice in count)

    parts = []
    for what, count, table in (
        ("queries a pair", spec.expected.queries, spec.expected.queries_by),
        ("passages a pool", spec.expected.passages, spec.expected.passages_by),
    ):
        if count is not None:
            parts.append(f"{show_count(count)} {what}")
        if table:
            parts.append(f"{what} {', '.join(f'{key} {show_count(value)}' for key, value in table.items())}")
    return "; ".join(parts)


def _describe_source(source: Source) -> str:
    places = [*(f"data folder: {pattern}" for pattern in source.local)]
    if source.bundled:
        places.append(f"with the task file: {source.bundled}")
    if source.url:
        places.append(source.url + (f", in it {source.member}" if source.member else ""))
    if source.hub:
        places.append(f"Hub: {source.hub.repo}, {source.hub.path}, revision {source.hub.revision}")
    return "\n".join(places)


def _query_table(data: Dataset) -> Table:
    """Return a table with one row per query set; pairs with the same queries share a row."""
    table = Table("queries", "language", "pairs", "number", "fingerprint", box=None)
    for key, texts in data.queries.items():
        pairs = [str(pair) for pair in data.pairs if pair.queries == key]
        label = pairs[0] if len(pairs) == 1 else f"{texts.language}-*"
        table.add_row(
            label, str(texts.language), str(len(pairs)), f"{len(texts):,}", texts.fingerprint[:_HASH_CHARACTERS]
        )
    return table


def _pool_table(data: Dataset) -> Table:
    table = Table("passages", "language", "number", "fingerprint", box=None)
    for key, pool in data.pools.items():
        table.add_row(key, str(pool.language), f"{len(pool):,}", pool.fingerprint[:_HASH_CHARACTERS])
    return table


def _file_table(checked: CheckedTask) -> Table:
    table = Table("file", "from", "SHA-256", box=None)
    table.columns[0].overflow = "fold"
    for file in checked.files:
        sha256 = file_sha256(file.path)[:_HASH_CHARACTERS] if file.path.is_file() else "(folder)"
        table.add_row(Text(str(file.path)), "download" if file.downloaded else "disk", sha256)
    return table


def _hash_notes(checked: CheckedTask) -> list[str]:
    return [
        f"{file.path}: its SHA-256 differs from that in the task file. It is another edition, or it was changed."
        for file in checked.files
        if file.sha256 and not file.downloaded and file_sha256(file.path) != file.sha256
    ]
