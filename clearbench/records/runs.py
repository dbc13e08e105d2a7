"""What is saved with rankings: TREC runs, TREC qrels, texts."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearbench.common.errors import RecordError
from clearbench.tasks.dataset import Qrels, Texts

TEXT_COLUMNS = ("kind", "language", "id", "text")
TextRow = tuple[str, str, str, str]
"""kind ("query" or "passage"), language, id, text"""


def trec_lines(
    queries: Sequence[str], passages: Sequence[str], positions: NDArray[np.int64], scores: NDArray[np.float32]
) -> Iterator[str]:
    """Lines of a TREC run: the passages at `positions` [Q, K] in that order, with their scores."""
    for query, places, values in zip(queries, positions, scores, strict=True):
        for rank, (place, value) in enumerate(zip(places, values, strict=True), start=1):
            yield f"{query} Q0 {passages[place]} {rank} {value:.9g} clearbench\n"


def qrels_lines(queries: Sequence[str], qrels: Qrels) -> Iterator[str]:
    """Lines of TREC qrels for these queries."""
    for query in queries:
        for passage, relevance in qrels.get(query, {}).items():
            yield f"{query} 0 {passage} {relevance}\n"


def text_rows(queries: Sequence[Texts], passages: Texts, positions: Sequence[int]) -> Iterator[TextRow]:
    """All queries of the sets, and the passages at the given positions."""
    for part in queries:
        for key, text in zip(part.ids, part.texts, strict=True):
            yield "query", str(part.language), key, text
    languages = passages.each_language
    for place in positions:
        yield "passage", str(languages[place]), passages.ids[place], passages.texts[place]


def read_run(folder: Path, pair: str) -> dict[str, list[tuple[str, float]]]:
    """Read a saved ranking: query id -> (passage id, score) in rank order.

    Raises:
        RecordError: The ranking was not saved, or is damaged.
    """
    ranking: dict[str, list[tuple[str, float]]] = {}
    for query, _, passage, _, score, _ in _read_trec(folder / "runs" / f"{pair}.trec", 6):
        ranking.setdefault(query, []).append((passage, float(score)))
    return ranking


def read_run_qrels(folder: Path, pair: str) -> dict[str, dict[str, int]]:
    """Read the judgements saved with a ranking: query id -> passage id -> relevance.

    Raises:
        RecordError: They were not saved (a task judged by answers has none), or are damaged.
    """
    qrels: dict[str, dict[str, int]] = {}
    for query, _, passage, relevance in _read_trec(folder / "runs" / f"{pair}.qrels", 4):
        qrels.setdefault(query, {})[passage] = int(relevance)
    return qrels


def read_texts(folder: Path) -> Any:
    """Texts saved with rankings, as a pandas DataFrame: kind ("query", "passage"), language, id, text.

    Holds all queries, and the passages that are judged or were ranked high for one of them.

    Raises:
        RecordError: None were saved, or a file is damaged.
    """
    table = read_text_files(folder / "runs", TEXT_COLUMNS)
    if table.empty:
        raise RecordError(f"{folder} holds no texts; measure again with --save-runs --replace.")
    return table


def read_text_files(runs: Path, columns: Sequence[str]) -> Any:
    """Rows of all text files of a folder, each text once.

    Raises:
        RecordError: A file is damaged.
    """
    import pandas
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = [pandas.DataFrame(columns=list(columns))]
    for file in sorted(runs.glob("*.texts.parquet")):
        try:
            tables.append(pq.read_table(file, columns=list(columns)).to_pandas())
        except (OSError, pa.ArrowInvalid, KeyError) as error:
            raise RecordError(f"{file} is damaged ({error}). Delete it, and measure again with --replace.") from error
    table = pandas.concat(tables[1:] or tables, ignore_index=True)
    return table.drop_duplicates(["kind", "language", "id"], ignore_index=True)


def text_bytes(rows: Sequence[TextRow]) -> bytes:
    """Texts as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(TEXT_COLUMNS)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _read_trec(file: Path, num_fields: int) -> list[list[str]]:
    try:
        rows = [line.split() for line in file.read_text(encoding="utf-8").split("\n") if line]
    except OSError as error:
        raise RecordError(f"Cannot read {file}: {error.strerror}. Measure again with --save-runs --replace.") from error
    bad = next((number for number, row in enumerate(rows, 1) if len(row) != num_fields), None)
    if bad:
        raise RecordError(f"{file}:{bad} has {len(rows[bad - 1])} fields, expected {num_fields}; it is damaged.")
    return rows
