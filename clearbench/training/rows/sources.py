"""Read training rows from their sources: tasks with English questions and passages, and JSON lines files."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clearbench.common.errors import DataError, TrainingError, UsageError, suggest
from clearbench.common.hashing import content_hash, file_sha256
from clearbench.common.languages import ENGLISH, parse_language
from clearbench.common.pairs import ENGLISH_PAIR
from clearbench.common.text import FOREIGN, join_names, shorten
from clearbench.tasks.catalogue import find_task
from clearbench.tasks.dataset import Dataset, TaskPair
from clearbench.tasks.formats.base import WantedPairs, join_title
from clearbench.tasks.formats.parsing import read_json_lines
from clearbench.tasks.formats.table import FORMATS, open_files, open_reader
from clearbench.tasks.load import CheckedTask, check_task
from clearbench.tasks.options import ANYWHERE, DataLocation, Selection
from clearbench.training.rows.leaks import normalise
from clearbench.training.rows.row import COLUMNS, LIST_COLUMNS, TrainingRow, make_row

REQUIRED_FIELDS = ("query", "passage", "target_query")


@dataclass(frozen=True)
class RowSource:
    """Rows of one task or file.

    Attributes:
        rows: The rows, in file order.
        described: The manifest's description of the source: name, files with their hashes, notes.
        dropped: Reason -> number of rows dropped.
    """

    rows: tuple[TrainingRow, ...]
    described: Mapping[str, Any]
    dropped: Counter[str] = field(default_factory=Counter)


def read_task_source(
    name: str,
    languages: Sequence[str] = (),
    location: DataLocation = ANYWHERE,
    options: Mapping[str, Any] | None = None,
) -> RowSource:
    """Return rows made from a task: its English passages, with questions in English and in the target languages.

    Questions with the same parallel id are the same question in several languages.

    Args:
        name: Task name, task file or BEIR-style folder; the task must have relevance judgements.
        languages: Target languages; if empty, every language that the task's files provide.
        location: Where the files may come from.
        options: Reader options that replace those of the task file, such as split = train.
    Raises:
        UsageError, TaskError, DataError: See `load_task`.
        TrainingError: The task has no English questions or passages.
    """
    loaded = _load_english_pairs(name, languages, location, options)
    data = loaded.data
    english = next((pair for pair in data.pairs if pair.languages.monolingual), None)
    others = [pair for pair in data.pairs if not pair.languages.monolingual]
    if english is None or not others:
        found = ", ".join(str(pair) for pair in data.pairs) or "none"
        raise TrainingError(
            f"Task {name}: rows need the pair en-en and a second pair with English passages; the task has {found}."
        )
    dropped: Counter[str] = Counter()
    titles = _article_titles(loaded)
    rows = tuple(row for pair in others for row in _pair_rows(data, pair, english, titles, dropped))
    described = {
        "task": data.label,
        "version": data.version,
        "pairs": {str(pair): data.pair_fingerprint(pair) for pair in data.pairs},
        "files": [_describe_file(file.path) for file in loaded.files],
        "notes": list(data.notes),
        "clusters": "articles, by title" if titles else "passages, as the task groups its questions",
        "rows_read": len(rows),
    }
    return RowSource(rows, described, dropped)


def _load_english_pairs(
    name: str, languages: Sequence[str], location: DataLocation, options: Mapping[str, Any] | None
) -> CheckedTask:
    """Load en-en and the pairs from the given languages to English; without languages, all pairs to English."""
    if not find_task(name, location.tasks_dir).has_qrels:
        raise UsageError(
            f"--task {name} is judged by answers. It does not name a relevant passage for each question, so it gives "
            "no rows. Tasks such as xquad, mlqa, afriqa and belebele do."
        )
    targets = _parse_targets(languages)
    patterns = ",".join([ENGLISH_PAIR, *(f"{language}-en" for language in targets)]) if targets else "*-en"
    loaded = check_task(name, Selection(pairs=patterns), location, options)
    if loaded.mismatches:
        raise DataError(f"{loaded.mismatches[0]}. Run `clearbench tasks check {name}` for all counts.")
    return loaded


def read_file_source(path: Path, fields: Mapping[str, str], languages: Sequence[str] = ()) -> RowSource:
    """Return rows read from JSON lines; the fields may have other names than the columns.

    A missing `query_id` is made from query and passage, and a missing `cluster` from the passage. `language` may be
    missing if exactly one language is given.

    Args:
        path: `.jsonl` or `.jsonl.gz`.
        fields: Column -> name of its field, for columns with another name in the file.
        languages: Target languages; rows of other languages are dropped and counted.
    Raises:
        UsageError: A column is unknown.
        DataError: The file is missing or broken.
        TrainingError: A field is missing, or a value cannot be used; the message names line and field.
    """
    if unknown := [name for name in fields if name not in COLUMNS]:
        raise UsageError(f"--field {unknown[0]}=...: columns are {', '.join(COLUMNS)}.{suggest(unknown[0], COLUMNS)}")
    targets = _parse_targets(languages)
    names = {column: fields.get(column, column) for column in COLUMNS}
    dropped: Counter[str] = Counter()
    rows: list[TrainingRow] = []
    num_lines = 0
    for where, line in read_json_lines(path):
        num_lines += 1
        raw = _rename(line, names, (*REQUIRED_FIELDS, *fields), where)
        row = make_row(_fill_missing(raw, targets, where), where)
        if targets and row.language not in targets:
            dropped["another language than asked for"] += 1
        else:
            rows.append(row)
    described = {"files": [_describe_file(path)], "fields": names, "rows_read": num_lines}
    return RowSource(tuple(rows), described, dropped)


def load_excluded_task(name: str, languages: Sequence[str], location: DataLocation = ANYWHERE) -> Dataset:
    """Load the part of a task that can hold texts of the rows: English and the given languages.

    Args:
        name: Task name, task file or BEIR-style folder.
        languages: Target languages of the rows.
        location: Where the task file and the data may come from.
    Raises:
        UsageError, TaskError, DataError: See `load_task`; a language without files is not an error.
    """
    spec = find_task(name, location.tasks_dir)
    reader = open_reader(spec, open_files(spec, location))
    sides = {ENGLISH, *map(parse_language, languages)}
    pairs = tuple(pair for pair in reader.pairs() if pair.query in sides and pair.passage in sides)
    if not pairs:
        raise UsageError(f"--exclude-task {name}: the task has no texts in {', '.join(sorted(map(str, sides)))}.")
    return reader.load(WantedPairs(pairs))


def _parse_targets(languages: Sequence[str]) -> list[str]:
    """Return the canonical codes of target languages, without repeats."""
    targets = [parse_language(text) for text in languages]
    if ENGLISH in targets:
        raise UsageError("--languages: English cannot be a target language; every row has an English question already.")
    return list(dict.fromkeys(map(str, targets)))


def _pair_rows(
    data: Dataset, pair: TaskPair, english: TaskPair, titles: Mapping[str, str], dropped: Counter[str]
) -> Iterator[TrainingRow]:
    pool, language = data.passages_of(pair), pair.query
    queries, originals = data.queries_of(pair), data.queries_of(english)
    for query, text in zip(queries.ids, queries.texts, strict=True):
        place = originals.index.get(query)
        golds = [passage for passage, relevance in data.qrels_of(pair)[query].items() if relevance > 0]
        if place is None:
            dropped[f"{data.label} {language}: no English question"] += 1
            continue
        for gold in golds:
            passage = pool.texts[pool.index[gold]]
            title = titles.get(passage)
            group = f"article:{title}" if title else f"{data.task}:{data.clusters.get(query, gold)}"
            yield TrainingRow(
                query=originals.texts[place],
                passage=passage,
                target_query=text,
                language=str(language),
                query_id=f"{data.task}:{query}",
                cluster=group,
            )


def _article_titles(loaded: CheckedTask) -> dict[str, str]:
    """Return passage -> normalised title of its article, for the passages that have a title in the files."""
    read = FORMATS[loaded.spec.reader].read_titles
    titles: dict[str, str] = {}
    if read is None:
        return titles
    for file in loaded.files:
        for text, title in read(file.path):
            if isinstance(text, str) and isinstance(title, str) and title.strip():
                shared = normalise(title.replace("_", " "))
                titles |= {text.strip(): shared, join_title(title, text.strip()): shared}
    return titles


def _rename(line: Mapping[str, Any], names: Mapping[str, str], required: Sequence[str], where: str) -> dict[str, Any]:
    """Return a line's values by column; a missing required column is an error."""
    raw = {column: line[field] for column, field in names.items() if field in line}
    for column in required:
        if column not in raw:
            found = shorten(join_names(line, len(COLUMNS)), FOREIGN)
            raise TrainingError(
                f"{where}: no field {names[column]!r} for the column {column}; found {found}. "
                "Name the fields with --field COLUMN=FIELD."
            )
    return raw


def _fill_missing(raw: Mapping[str, Any], targets: Sequence[str], where: str) -> dict[str, Any]:
    full = {**raw}
    if "language" not in full:
        if len(targets) != 1:
            raise TrainingError(
                f"{where}: no field 'language'. Name it with --field, or give one language with --languages."
            )
        full["language"] = targets[0]
    for column in ("query_id", "cluster"):
        if isinstance(full.get(column), int) and not isinstance(full[column], bool):
            full[column] = str(full[column])
    texts = [value if isinstance(value := full[name], str) else "" for name in ("query", "passage")]
    full.setdefault("query_id", content_hash(*texts)[:16])
    full.setdefault("cluster", f"passage:{content_hash(normalise(texts[1]))[:16]}")
    return {**full, **{name: full.get(name) for name in LIST_COLUMNS}}


def _describe_file(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": file_sha256(path)} if path.is_file() else {"name": path.name}
