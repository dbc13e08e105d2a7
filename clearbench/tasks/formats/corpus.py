"""Passage corpora for tasks that are judged by answers: DPR tsv, BEIR `corpus.jsonl`, a folder with one, Parquet."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from clearbench.common.errors import DataError
from clearbench.common.languages import Language
from clearbench.tasks.dataset import Texts
from clearbench.tasks.formats.base import join_title
from clearbench.tasks.formats.columns import OWN_PASSAGE_ID, TEXT
from clearbench.tasks.formats.gather import TextsBuilder
from clearbench.tasks.formats.parsing import optional_text, text_field
from clearbench.tasks.formats.rows import (
    ENDINGS,
    check_width,
    find_rows,
    is_rows,
    read_rows,
    read_tsv_fields,
)
from clearbench.tasks.formats.unpack import plain_name
from clearbench.tasks.sources import SourceFiles

_FORMATS = (
    "a DPR tsv (id, text, title), a BEIR corpus.jsonl or .csv, each also with .gz or .zst, Parquet, or their folder"
)


class Passage(NamedTuple):
    """One passage, and its place in the file."""

    id: str
    title: str
    text: str
    where: str


def load_corpus(files: SourceFiles, language: Language, *, join: bool) -> tuple[str, Texts]:
    """Read the corpus that the user gave, or else the task's own; return its name and the passages.

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
        error = files.missing_error("corpus")
        raise DataError(f"{error} Or give your own with --corpus: {_FORMATS}.")
    builder = TextsBuilder(language, "passage")
    for passage in read_corpus(path):
        text = join_title(passage.title, passage.text) if join else passage.text.strip()
        builder.add(passage.id, text, passage.where)
    return corpus_name(path), builder.build(path)


def corpus_name(path: Path) -> str:
    """Return a corpus's name: its file's name without the ending, or its folder's name for a file `corpus`."""
    if path.is_dir():
        return path.resolve().name
    stem = plain_name(path)
    for ending in ENDINGS:
        stem = stem.removesuffix(ending)
    return path.resolve().parent.name if stem == "corpus" else stem


def read_corpus(path: Path) -> Iterator[Passage]:
    """Yield every passage.

    Raises:
        DataError: The file is missing, of an unknown format, or broken.
    """
    if path.is_dir():
        inside = find_rows(path, "corpus")
        if inside is None:
            raise DataError(
                f"{path}: the folder has no corpus.jsonl, nor a corpus in another form; expected {_FORMATS}."
            )
        path = inside
    if plain_name(path).endswith(".tsv"):
        return _read_tsv(path)
    if is_rows(path):
        return _read_by_name(path)
    raise DataError(f"{path}: unknown format of a passage corpus; expected {_FORMATS}.")


def _read_by_name(path: Path) -> Iterator[Passage]:
    for where, row in read_rows(path):
        key = text_field(row, OWN_PASSAGE_ID.find(row, where), where)
        yield Passage(key, optional_text(row, "title", where), text_field(row, "text", where), where)


def _read_tsv(path: Path) -> Iterator[Passage]:
    """Read a tsv file whose first line names its columns; without such a line they are id, text and perhaps title.

    One line is one passage, always: `csv.reader` would join a text that begins with a stray quote to all lines up to
    the next quote. Quotes around a field are removed only if they enclose all of it.
    """
    rows = read_tsv_fields(path)
    where, first = next(rows)
    if _is_header(first):
        names = [name.strip() for name in first]
        key = names.index(OWN_PASSAGE_ID.find(names, where))
        text = names.index(TEXT.find(names, where))
        title = names.index("title") if "title" in names else None
    else:
        if len(first) not in (2, 3):
            raise DataError(f"{where}: {len(first)} tab-separated fields; expected {_FORMATS}.")
        key, text, title = 0, 1, 2 if len(first) == 3 else None
        rows = chain([(where, first)], rows)
    for where, fields in rows:
        check_width(fields, len(first), where)
        passage = [_unquote(field) for field in fields]
        yield Passage(passage[key], "" if title is None else passage[title], passage[text], where)


def _is_header(fields: list[str]) -> bool:
    return "text" in fields or any(map(OWN_PASSAGE_ID.is_named, fields[:1]))


def _unquote(field: str) -> str:
    """Undo csv quoting, as in DPR's own files."""
    if len(field) < 2 or not (field.startswith('"') and field.endswith('"')):
        return field
    inside = field[1:-1]
    return field if '"' in inside.replace('""', "") else inside.replace('""', '"')
