"""Passage corpora for tasks that are judged by answers: DPR tsv, BEIR `corpus.jsonl`, a folder with one, Parquet."""

from collections.abc import Iterator
from pathlib import Path

from clearbench.common.errors import DataError
from clearbench.common.languages import Language
from clearbench.tasks.dataset import Texts
from clearbench.tasks.formats.base import join_title
from clearbench.tasks.formats.parsing import id_field, make_texts, read_json_lines, read_lines, text_field
from clearbench.tasks.sources import SourceFiles

_FORMATS = "a DPR tsv (id, text, title), a BEIR corpus.jsonl, either with .gz, a Parquet file, or a folder with one"
_NAMES_IN_FOLDER = ("corpus.jsonl", "corpus.jsonl.gz", "corpus.parquet")

Passage = tuple[str, str, str]
"""id, title, text"""


def load_corpus(files: SourceFiles, language: Language, *, join: bool) -> tuple[str, Texts]:
    """Read the corpus that the user gave, else the task's own; return its name and the passages.

    The name is the pool's key: two corpora are two pools, and a result says which it used.

    Args:
        files: Files of the task; its source `corpus` is the task's own corpus.
        language: Language of the passages.
        join: Whether to encode the title before the text, or the text alone.
    Raises:
        DataError: There is no corpus, or it is broken.
    """
    path = files.location.corpus
    if path is None:
        path = files.find("corpus")
    if path is None:
        error = files.missing("corpus")
        raise DataError(f"{error} Or give your own with --corpus: {_FORMATS}.")
    items = ((key, join_title(title, text) if join else text.strip()) for key, title, text in read_corpus(path))
    return corpus_name(path), make_texts(language, items, "passage", path)


def corpus_name(path: Path) -> str:
    """Return a corpus's name: its file's name without the format, or its folder's where the file is just `corpus`."""
    if path.is_dir():
        return path.resolve().name
    stem = path.name.removesuffix(".gz")
    for suffix in (".tsv", ".jsonl", ".json", ".parquet"):
        stem = stem.removesuffix(suffix)
    return path.resolve().parent.name if stem == "corpus" else stem


def read_corpus(path: Path) -> Iterator[Passage]:
    """Give id, title and text of every passage.

    Raises:
        DataError: The file is missing, of an unknown format, or broken.
    """
    if path.is_dir():
        inside = next((path / name for name in _NAMES_IN_FOLDER if (path / name).exists()), None)
        if inside is None:
            raise DataError(f"{path}: the folder holds none of {', '.join(_NAMES_IN_FOLDER)}.")
        path = inside
    name = path.name.removesuffix(".gz")
    if name.endswith(".tsv"):
        return _read_tsv(path)
    if name.endswith((".jsonl", ".json")):
        return _read_jsonl(path)
    if name.endswith(".parquet"):
        return _read_parquet(path)
    raise DataError(f"{path}: unknown format of a passage corpus; expected {_FORMATS}.")


def _read_tsv(path: Path) -> Iterator[Passage]:
    """Read a tsv with columns id, text and, if there is one, title; a header line starts with `id`.

    One line is one passage, always: `csv.reader` would take a text that begins with a stray quote together with all
    lines up to the next quote. A field in quotes is unpacked only if it is quoted throughout.
    """
    width = 0
    for number, line in read_lines(path):
        fields = line.split("\t")
        if number == 1 and fields[0] == "id":
            if fields[1:2] != ["text"] or fields[2:] not in ([], ["title"]):
                raise DataError(f"{path}:1: columns {', '.join(fields)}; expected id, text, title.")
            continue
        if len(fields) != (width or len(fields)) or len(fields) not in (2, 3):
            raise DataError(
                f"{path}:{number}: {len(fields)} tab-separated fields; expected {width or 3}, one passage a line."
            )
        width = len(fields)
        key, text, *rest = map(_unquote, fields)
        yield key, rest[0] if rest else "", text


def _unquote(field: str) -> str:
    """Undo csv quoting, as in DPR's own files."""
    if len(field) < 2 or not (field.startswith('"') and field.endswith('"')):
        return field
    inside = field[1:-1]
    return field if '"' in inside.replace('""', "") else inside.replace('""', '"')


def _read_jsonl(path: Path) -> Iterator[Passage]:
    for where, row in read_json_lines(path):
        title = row.get("title")
        key = id_field(row, "_id" if "_id" in row else "id", where)
        yield key, title if isinstance(title, str) else "", text_field(row, "text", where)


def _read_parquet(path: Path) -> Iterator[Passage]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        names = set(file.schema_arrow.names)
        if not {"_id", "text"} <= names:
            raise DataError(f"{path}: columns {', '.join(sorted(names))}; expected _id, title, text.")
        for batch in file.iter_batches(columns=[name for name in ("_id", "title", "text") if name in names]):
            for row in batch.to_pylist():
                yield id_field(row, "_id", str(path)), row.get("title") or "", text_field(row, "text", str(path))
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {error}") from error
