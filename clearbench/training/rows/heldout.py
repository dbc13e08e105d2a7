"""Write held-out rows as a BEIR-style folder, which every command accepts as a task."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from clearbench.common.errors import TrainingError
from clearbench.common.files import json_lines_bytes, sweep_killed, write_atomically
from clearbench.training.rows.row import TrainingRow

QRELS = "qrels/test.tsv"


def write_task_folder(folder: Path, rows: Sequence[TrainingRow]) -> None:
    """Write `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`: the pairs `en-en` and `xx-en` of the rows.

    The pool holds only the passages of these rows, so it is easier to search than the whole task's pool. It is the
    same for all models. A folder without judgements is not a task. The judgements are therefore deleted first and
    written last: a killed command never leaves a task that mixes two builds.

    Raises:
        TrainingError: The folder cannot be written.
    """
    passages: dict[str, str] = {}
    queries: dict[str, Mapping[str, str]] = {}
    judged: dict[tuple[str, str], None] = {}
    for row in rows:
        passage = passages.setdefault(row.passage, f"p{len(passages)}")
        for language, text in (("en", row.query), (row.language, row.target_query)):
            key = f"{language}:{row.query_id}"
            queries.setdefault(key, {"text": text, "language": language, "parallel_id": row.query_id})
            judged[key, passage] = None
    corpus = ({"_id": key, "text": text, "language": "en"} for text, key in passages.items())
    questions = ({"_id": key, **row} for key, row in queries.items())
    lines = ["query-id\tcorpus-id\tscore", *(f"{query}\t{passage}\t1" for query, passage in judged)]
    corpus_file, queries_file, qrels_file = (folder / name for name in ("corpus.jsonl", "queries.jsonl", QRELS))
    try:
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        for file in (corpus_file, queries_file, qrels_file):
            sweep_killed(file)
        qrels_file.unlink(missing_ok=True)
        write_atomically(corpus_file, json_lines_bytes(corpus))
        write_atomically(queries_file, json_lines_bytes(questions))
        write_atomically(qrels_file, ("\n".join(lines) + "\n").encode())
    except OSError as error:
        raise TrainingError(f"Cannot write the task folder {folder}: {error.strerror or error}.") from error
