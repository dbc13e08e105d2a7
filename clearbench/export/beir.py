"""A task's data as BEIR-style folders, with a language per row; the task reader `beir` reads them back."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from clearbench.common.errors import DataError, RecordError
from clearbench.common.output import write_output
from clearbench.common.text import count, join_names
from clearbench.export.exported import Exported
from clearbench.records.schema import Record
from clearbench.tasks.dataset import Dataset, TaskPair, Texts
from clearbench.tasks.options import MIXED_POOL

HEADER = "query-id\tcorpus-id\tscore\n"


def export_beir(data: Dataset, to: Path) -> Exported:
    """Write texts and judgements as `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`.

    In a BEIR folder all passages of a language are one pool. Where the task's pairs have pools of their own (MLQA),
    each pair gets a folder of its own below `to`. Where a folder has several languages, ids are made unique as
    `<language>/<id>`; `parallel_id` of a query then is its id, the same in every language.

    Args:
        data: The loaded pairs.
        to: Folder; files of these names are replaced.
    Raises:
        DataError: The task is judged by answers, has a pool of several languages, or an id that holds a tab or newline.
        RecordError: A file cannot be written.
    """
    check_exportable(data.task, data.has_qrels, {**data.options, **(MIXED_POOL if data.is_mixed else {})})
    one_folder = _is_one_folder(data)
    groups = [(to, data.pairs)] if one_folder else [(to / str(pair), (pair,)) for pair in data.pairs]
    files = [file for folder, pairs in groups for file in _write_folder(folder, data, pairs)]
    notes = [] if one_folder else [f"The pairs have pools of their own: a folder for each of {len(groups)} pairs."]
    blanks = sum(text != text.strip() for pool in data.pools.values() for text in pool.texts)
    if blanks:
        notes.append(f"Readers of BEIR folders remove the blanks around the text of {count(blanks, 'passage')}.")
    if data.own_passages:
        notes.append(
            "Queries are also passages of the pool: --option skip_self=true leaves them out when the folder is read."
        )
    return Exported(tuple(files), tuple(notes))


def check_exportable(task: str, has_qrels: bool, options: Mapping[str, str]) -> None:
    """Raise unless a BEIR folder can hold a task's judgements and pools; called before the data are loaded.

    Args:
        task: Named in messages.
        has_qrels: Whether it judges passages.
        options: Reader options of the record or data set.
    Raises:
        DataError: The task is judged by answers, or has one pool of all languages.
    """
    if not has_qrels:
        raise DataError(f"Task {task} is judged by answer strings, which BEIR's format cannot hold.")
    if MIXED_POOL.items() <= options.items():
        raise DataError(
            f"Task {task}: a BEIR folder cannot hold a pool of several languages. Export a record of plain pairs, or "
            "leave MODEL out; `clearbench run --pool mixed` mixes the pools of an exported folder too."
        )


def check_same_data(data: Dataset, record: Record) -> None:
    """Raise unless a loaded task has the texts and judgements that a record was measured on.

    Raises:
        RecordError: A pair has other texts or judgements.
    """
    recorded = {name: pair.data for name, pair in record.by_pair.items()}
    other = [str(p) for p in data.pairs if recorded.get(str(p)) != data.pair_fingerprint(p)]
    if other:
        raise RecordError(
            f"The files of {data.label} that are here are not those of the record: other texts or judgements in "
            f"{count(len(other), 'pair')} ({join_names(other)}). Point --data-dir at the data that was measured, or "
            "leave MODEL out to export what is here."
        )


def _is_one_folder(data: Dataset) -> bool:
    """Return whether every passage language has one pool and every query language one query set."""
    pools: dict[str, str] = {}
    queries: dict[str, str] = {}
    return all(
        pools.setdefault(str(pair.passage), pair.pool) == pair.pool
        and queries.setdefault(str(pair.query), fingerprint) == fingerprint
        for pair in data.pairs
        for fingerprint in [data.queries_of(pair).fingerprint]
    )


def _write_folder(folder: Path, data: Dataset, pairs: Sequence[TaskPair]) -> Iterator[Path]:
    pools = {pair.pool: data.pools[pair.pool] for pair in pairs}
    queries = {str(pair.query): data.queries_of(pair) for pair in pairs}
    several = len(pools) > 1 or len(queries) > 1
    contents = {
        "corpus.jsonl": (_passage(pool, place, several) for pool in pools.values() for place in range(len(pool))),
        "queries.jsonl": (_query(texts, place, several) for texts in queries.values() for place in range(len(texts))),
        "qrels/test.tsv": _qrels(data, pairs, several),
    }
    for name, lines in contents.items():
        write_output(folder / name, "".join(lines).encode(), "--to")
        yield folder / name


def _passage(pool: Texts, place: int, several: bool) -> str:
    key = _row_id(pool, pool.ids[place], several)
    return _json_line({"_id": key, "title": "", "text": pool.texts[place], "language": str(pool.language)})


def _query(texts: Texts, place: int, several: bool) -> str:
    key = texts.ids[place]
    row = {"_id": _row_id(texts, key, several), "text": texts.texts[place], "language": str(texts.language)}
    return _json_line({**row, "parallel_id": key} if several else row)


def _qrels(data: Dataset, pairs: Iterable[TaskPair], several: bool) -> Iterator[str]:
    yield HEADER
    for pair in pairs:
        pool, queries, qrels = data.passages_of(pair), data.queries_of(pair), data.qrels_of(pair)
        for query in queries.ids:
            for passage, relevance in qrels[query].items():
                yield f"{_row_id(queries, query, several)}\t{_row_id(pool, passage, several)}\t{relevance}\n"


def _row_id(texts: Texts, key: str, several: bool) -> str:
    if any(character in key for character in "\t\n\r"):
        raise DataError(f"Id {key!r} holds a tab or a newline, which a qrels file cannot hold.")
    return f"{texts.language}/{key}" if several else key


def _json_line(row: dict[str, str]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
