"""Writing and reading what `--save-runs` keeps: TREC runs, TREC qrels, texts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.errors import RecordError
from clearbench.common.hashing import bytes_sha256
from clearbench.common.sealed import open_sealed, sealed_bytes
from clearbench.records.damage import name_damage
from clearbench.tasks.dataset import Qrels, Texts

TEXT_COLUMNS = ("kind", "language", "id", "text")
RUNS = "runs"
"""Folder of what is saved with rankings, in a record's."""
TEXTS_FORMAT = 2
"""Version of the text files' layout. Those of version 1 hold no version and no seal."""
AGAIN = "Measure again with --save-runs --replace."
_SUM = re.compile(rb"([0-9a-f]{64})  ([^/]+)")
TrecKind = Literal["trec", "qrels"]
TREC_FIELDS: dict[TrecKind, int] = {"trec": 6, "qrels": 4}
"""A TREC file's ending -> fields of a line: `query Q0 passage rank score tag`, `query 0 passage relevance`."""
TextRow = tuple[str, str, str, str]
"""kind ("query" or "passage"), language, id, text"""


def trec_lines(
    queries: Sequence[str], passages: Sequence[str], positions: IntArray, scores: FloatArray
) -> Iterator[str]:
    """Yield the lines of a TREC run.

    Args:
        queries: Query ids.
        passages: Ids of the pool's passages.
        positions: Positions of the passages that each query found, best first, int64 [Q, K].
        scores: Scores of these passages, float32 [Q, K].
    """
    for query, places, values in zip(queries, positions, scores, strict=True):
        for rank, (place, value) in enumerate(zip(places, values, strict=True), start=1):
            yield f"{query} Q0 {passages[place]} {rank} {value:.9g} clearbench\n"


def qrels_lines(queries: Sequence[str], qrels: Qrels) -> Iterator[str]:
    """Yield the lines of TREC qrels for these queries."""
    for query in queries:
        for passage, relevance in qrels.get(query, {}).items():
            yield f"{query} 0 {passage} {relevance}\n"


def text_rows(queries: Sequence[Texts], passages: Texts, positions: Sequence[int]) -> Iterator[TextRow]:
    """Yield the texts to keep with rankings.

    Args:
        queries: Query sets, all of which are kept.
        passages: The pool.
        positions: Positions of the passages that are kept.
    """
    for part in queries:
        for key, text in zip(part.ids, part.texts, strict=True):
            yield "query", str(part.language), key, text
    languages = passages.each_language
    for place in positions:
        yield "passage", str(languages[place]), passages.ids[place], passages.texts[place]


def trec_file(folder: Path, pair: str, kind: TrecKind) -> Path:
    """Return where a pair's ranking or judgements are kept.

    Args:
        folder: A record's folder.
        pair: Language pair.
        kind: The ranking ("trec"), or the judgements ("qrels").
    """
    return folder / RUNS / f"{pair}.{kind}"


def sums_file(folder: Path, pair: str) -> Path:
    """Return where the checksums of a pair's TREC files are kept, in the form that `sha256sum --check` reads.

    Records of clearbench before 0.2 have none.

    Args:
        folder: A record's folder.
        pair: Language pair.
    """
    return folder / RUNS / f"{pair}.sha256"


def sums_text(files: Mapping[Path, bytes]) -> str:
    """Return the checksums of files that are about to be written into one folder, a line for each."""
    return "".join(f"{bytes_sha256(data)}  {file.name}\n" for file, data in files.items())


def texts_file(folder: Path, name: str) -> Path:
    """Return where the texts of a part are kept in a record's folder."""
    return folder / RUNS / f"{name}.texts.parquet"


def is_saved(folder: Path, pair: str, kind: TrecKind) -> bool:
    """Return whether a pair's ranking or judgements were saved.

    Args:
        folder: A record's folder.
        pair: Language pair.
        kind: The ranking ("trec"), or the judgements ("qrels").
    """
    return trec_file(folder, pair, kind).exists()


def has_sums(folder: Path, pair: str) -> bool:
    """Return whether a pair's TREC files were saved with checksums.

    Args:
        folder: A record's folder.
        pair: Language pair.
    """
    return sums_file(folder, pair).exists()


def has_runs(folder: Path) -> bool:
    """Return whether any ranking was saved in a record's folder."""
    return any((folder / RUNS).glob("*.trec"))


def has_texts(folder: Path) -> bool:
    """Return whether any text was saved in a record's folder."""
    return any((folder / RUNS).glob("*.texts.parquet"))


def read_run(folder: Path, pair: str) -> dict[str, list[tuple[str, float]]]:
    """Read a saved ranking: query id -> (passage id, score) in rank order.

    Raises:
        RecordError: The ranking was not saved, or is damaged.
    """
    ranking: dict[str, list[tuple[str, float]]] = {}
    with name_damage(trec_file(folder, pair, "trec"), AGAIN):
        for query, _, passage, _, score, _ in _fields(read_trec(folder, pair, "trec")):
            ranking.setdefault(query, []).append((passage, float(score)))
    return ranking


def read_run_qrels(folder: Path, pair: str) -> dict[str, dict[str, int]]:
    """Read the judgements saved with a ranking: query id -> passage id -> relevance.

    Raises:
        RecordError: They were not saved (a task judged by answers has none), or are damaged.
    """
    qrels: dict[str, dict[str, int]] = {}
    with name_damage(trec_file(folder, pair, "qrels"), AGAIN):
        for query, _, passage, relevance in _fields(read_trec(folder, pair, "qrels")):
            qrels.setdefault(query, {})[passage] = int(relevance)
    return qrels


def read_trec(folder: Path, pair: str, kind: TrecKind) -> str:
    """Read a saved TREC file, after checking its checksum and every line's number of fields.

    Args:
        folder: A record's folder.
        pair: Language pair.
        kind: The ranking, or the judgements.
    Raises:
        RecordError: It was not saved, is not the file that was saved, or holds lines with other fields.
    """
    file, expected = trec_file(folder, pair, kind), TREC_FIELDS[kind]
    data = _read_saved(file, _read_sums(folder, pair))
    with name_damage(file, AGAIN):
        text = data.decode("utf-8")
    for number, line in enumerate(text.split("\n"), start=1):  # only a line feed ends a line
        if line and len(line.split()) != expected:
            raise RecordError(
                f"{file}:{number} has {len(line.split())} fields, expected {expected}: an id holds a blank, which "
                f"TREC's format cannot hold, or the file is damaged. {AGAIN}"
            )
    return text


def check_saved(folder: Path, pair: str) -> None:
    """Compare a pair's TREC files with their checksums, where they have any.

    Args:
        folder: A record's folder.
        pair: Language pair.
    Raises:
        RecordError: A file is missing, or is not the file that was saved.
    """
    sums = _read_sums(folder, pair)
    if sums is None:
        return
    saved = [trec_file(folder, pair, kind) for kind in TREC_FIELDS if is_saved(folder, pair, kind)]
    for file in dict.fromkeys([*saved, *(folder / RUNS / name for name in sums)]):
        _read_saved(file, sums)


def read_texts(folder: Path) -> Any:
    """Return the texts saved with rankings, as a pandas DataFrame: kind ("query", "passage"), language, id, text.

    Holds all queries, and the passages that are judged or were ranked high for one of them.

    Raises:
        RecordError: None were saved, or a file is damaged.
    """
    table = read_text_files(folder, TEXT_COLUMNS)
    if table.empty:
        raise RecordError(f"{folder} holds no texts. {AGAIN}")
    return table


def read_text_files(folder: Path, columns: Sequence[str]) -> Any:
    """Return the rows of all text files of a record's folder, each text once, as a pandas DataFrame.

    Raises:
        RecordError: A file is damaged.
    """
    import pandas

    tables = [pandas.DataFrame(columns=list(columns))]
    for file in sorted((folder / RUNS).glob("*.texts.parquet")):
        with name_damage(file, f"Delete it. {AGAIN}"):
            tables.append(open_sealed(file, documented=False).read(list(columns)).to_pandas())
    table = pandas.concat(tables[1:] or tables, ignore_index=True)
    return table.drop_duplicates(["kind", "language", "id"], ignore_index=True)


def text_bytes(rows: Sequence[TextRow]) -> bytes:
    """Return texts as a Parquet file."""
    import pyarrow as pa

    table = pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(TEXT_COLUMNS)})
    return sealed_bytes(table, {"format": TEXTS_FORMAT})


def _read_sums(folder: Path, pair: str) -> dict[str, str] | None:
    """Read name -> checksum of a pair's TREC files; None where they were saved without."""
    file = sums_file(folder, pair)
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(f"Cannot read {file}: {error.strerror}. {AGAIN}") from error
    names = {trec_file(folder, pair, kind).name.encode() for kind in TREC_FIELDS}
    sums = {}
    for line in lines:
        found = _SUM.fullmatch(line)
        if found is None or found[2] not in names:
            raise RecordError(f"{file} is damaged (it holds a line that is not a checksum of the pair). {AGAIN}")
        sums[found[2].decode()] = found[1].decode()
    return sums


def _read_saved(file: Path, sums: Mapping[str, str] | None) -> bytes:
    """Read a file that was saved, and compare it with its checksum; without `sums`, nothing is compared."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise RecordError(f"Cannot read {file}: {error.strerror}. {AGAIN}") from error
    if sums is not None and sums.get(file.name) != bytes_sha256(data):
        raise RecordError(f"{file} is not the file that was saved: its SHA-256 is another one. {AGAIN}")
    return data


def _fields(text: str) -> Iterator[list[str]]:
    return (line.split() for line in text.split("\n") if line)
