"""A record's saved rankings and judgements as TREC runs and qrels, which trec_eval and ir_measures read."""

from pathlib import Path

from clearbench.common.errors import RecordError
from clearbench.common.output import write_output
from clearbench.common.text import join_names
from clearbench.export.exported import Exported
from clearbench.records.runs import TrecKind, has_sums, is_saved, read_trec
from clearbench.records.select import Entry


def export_trec(entry: Entry, to: Path) -> Exported:
    """Write each pair's ranking and judgements as `<pair>.run` and `<pair>.qrels`.

    Raises:
        RecordError: The record has no saved rankings, one is not the file that was saved, or an id holds a blank,
            which TREC's lines cannot.
    """
    files, unjudged, unsummed = [], [], []
    for pair in (summary.pair for summary in entry.record.pairs):
        has_run, has_qrels = is_saved(entry.place, pair, "trec"), is_saved(entry.place, pair, "qrels")
        if not has_run or (not has_qrels and entry.record.identity.has_qrels):
            what = "judgements" if has_run else "ranking"
            raise RecordError(
                f"{entry.place} has no saved {what} of {pair}. Run again with --save-runs --replace; vectors "
                "that are in the cache are not computed again."
            )
        if not has_sums(entry.place, pair):
            unsummed.append(pair)
        files.append(_copy(entry, pair, "trec", to / f"{pair}.run"))
        if has_qrels:
            files.append(_copy(entry, pair, "qrels", to / f"{pair}.qrels"))
        else:
            unjudged.append(pair)
    notes = [f"{entry.label} is judged by answers: there are runs, but no qrels."] if unjudged else []
    if unsummed:
        notes.append(
            f"{entry.place}: an older clearbench saved {join_names(unsummed)} without checksums, so nothing shows "
            "whether they were changed since. `clearbench verify` scores them again."
        )
    return Exported(tuple(files), tuple(notes))


def _copy(entry: Entry, pair: str, kind: TrecKind, target: Path) -> Path:
    write_output(target, read_trec(entry.place, pair, kind).encode(), "--to")
    return target
