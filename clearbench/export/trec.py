"""A record's saved rankings and judgements as TREC runs and qrels, which trec_eval and ir_measures read."""

from pathlib import Path

from clearbench.common.errors import RecordError
from clearbench.common.output import write_output
from clearbench.export.exported import Exported
from clearbench.records.select import Entry

# Fields of a line: `query Q0 passage rank score tag`, `query 0 passage relevance`.
_RUN_FIELDS, _QRELS_FIELDS = 6, 4


def export_trec(entry: Entry, to: Path) -> Exported:
    """Write each pair's ranking and judgements as `<pair>.run` and `<pair>.qrels`.

    Raises:
        RecordError: The record has no saved rankings, or an id that TREC's blank-separated lines cannot hold.
    """
    runs, has_qrels = entry.folder / "runs", entry.record.identity.has_qrels
    files, without = [], []
    for pair in entry.record.pairs:
        run, qrels = runs / f"{pair.pair}.trec", runs / f"{pair.pair}.qrels"
        if not run.exists() or (not qrels.exists() and has_qrels):
            what = "ranking" if not run.exists() else "judgements"
            raise RecordError(
                f"{entry.folder} has no saved {what} of {pair.pair}. Run again with --save-runs --replace; vectors "
                "that are in the cache are not computed again."
            )
        files.append(_copy(run, to / f"{pair.pair}.run", _RUN_FIELDS))
        if qrels.exists():
            files.append(_copy(qrels, to / f"{pair.pair}.qrels", _QRELS_FIELDS))
        else:
            without.append(pair.pair)
    notes = (f"{entry.label} is judged by answers: there are runs, but no qrels.",) if without else ()
    return Exported(tuple(files), notes)


def _copy(source: Path, target: Path, num_fields: int) -> Path:
    """Copy a TREC file, and refuse lines that trec_eval would read otherwise."""
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"Cannot read {source}: {error}.") from error
    for number, line in enumerate(text.split("\n"), start=1):  # only a line feed ends a line
        if line and len(line.split()) != num_fields:
            raise RecordError(
                f"{source}:{number}: {len(line.split())} fields, expected {num_fields}: an id holds a blank, which "
                "TREC's format cannot hold, or the file is damaged."
            )
    write_output(target, text.encode(), "--to")
    return target
