"""The folder of a record: finding it, opening it for writing, going on in it, reading it."""

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from clearbench.common.errors import RecordError
from clearbench.common.files import RECORD_FILE, write_atomically
from clearbench.common.hashing import content_hash
from clearbench.common.text import count, file_name, first_line, listed
from clearbench.common.toml import describe_problems
from clearbench.records.parts import SCORES, QueryScores, part_bytes, part_files, part_name, read_part_summary
from clearbench.records.runs import RUNS, TextRow, is_saved, read_text_files, text_bytes, texts_file, trec_file
from clearbench.records.schema import SCHEMA_VERSION, Identity, PairRecord, Record

REPLACE_HINT = "Pass --replace to measure anew and lose what is there, or choose another --out."


def records_folder(out: Path) -> Path:
    """Return the folder in a results folder that holds a folder for each model."""
    return out / "records"


def record_folder(out: Path, model_name: str, encoder_fingerprint: str, task: str) -> Path:
    """Return the folder of one model and task.

    Args:
        out: Results folder.
        model_name: The model's name.
        encoder_fingerprint: What tells it from others of that name.
        task: Label of the task.
    """
    return records_folder(out) / model_key(model_name, encoder_fingerprint) / task


def model_key(model_name: str, encoder_fingerprint: str) -> str:
    """Return the name of a model's folder, `<name>-<hash8>`.

    The encoder's hash keeps two checkpoints called `final` apart.
    """
    return f"{safe_name(model_name)}-{content_hash(encoder_fingerprint)[:8]}"


def safe_name(model_name: str) -> str:
    """Return a model's name as folders spell it."""
    return file_name(model_name).strip("._") or "model"


def name_in_key(key: str) -> str:
    """Return the model's name in that of its folder, as folders spell it; all of it if a user renamed the folder."""
    match = re.fullmatch(r"(.+)-[0-9a-f]{8}", key)
    return match[1] if match else key


class RecordFolder:
    """One task's results of one model, open for writing.

    Attributes:
        path: The folder.
        identity: What is measured.
        complete: Whether record.json says that all pairs it was asked for were scored.
        done: Pair -> its record, of all pairs whose scores are written.
    """

    def __init__(self, folder: Path, identity: Identity, replace: bool = False, write: bool = True) -> None:
        """Open a folder, creating it, or continue what is there.

        Args:
            folder: The record's folder.
            identity: What is measured.
            replace: Delete what is there.
            write: Make and delete folders; False only looks, and what `replace` would delete counts as gone.
        Raises:
            RecordError: It holds results of another identity or schema and `replace` is off, or cannot be written.
        """
        self.path = folder
        self.identity = identity
        self.complete = False
        self.done: dict[str, PairRecord] = {}
        self._kept_texts: set[tuple[str, str, str]] | None = None
        if write:
            self._make(replace)
        if replace:
            return
        if has_record(folder):
            found = read_record(folder)
            if found.identity != identity:
                difference = _difference(found.identity, identity)
                raise RecordError(f"{folder} holds another measurement: {difference}. {REPLACE_HINT}")
            self.complete = found.status == "complete"
        self.done = self._read_parts()

    def _make(self, replace: bool) -> None:
        try:
            if replace and self.path.exists():
                shutil.rmtree(self.path)
            (self.path / SCORES).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordError(
                f"Cannot write results to {self.path}: {error.strerror}. Choose another --out."
            ) from error

    def check_data(self, wanted: Mapping[str, str]) -> None:
        """Compare the data hashes of pairs that have scores with those of the data loaded now.

        Args:
            wanted: pair -> data hash.
        Raises:
            RecordError: A pair was scored on other texts or judgements.
        """
        other = [pair for pair, data in wanted.items() if pair in self.done and self.done[pair].data != data]
        if other:
            raise RecordError(
                f"{self.path} holds {count(len(other), 'pair')} scored on other data ({listed(other)}). {REPLACE_HINT}"
            )

    def add(self, pool: str, results: Sequence[QueryScores]) -> None:
        """Write the scores of pairs that share a pool as one part; on return they survive a kill.

        Raises:
            RecordError: The part cannot be written; nothing that was there is touched.
        """
        summaries = [result.summary for result in results]
        name = part_name(pool, [summary.pair for summary in summaries])
        _write(self.path / SCORES / f"{name}.parquet", part_bytes(results, self.identity))
        self.done.update({summary.pair: summary for summary in summaries})

    def write(self, record: Record) -> None:
        """Write record.json.

        Raises:
            RecordError: It cannot be written.
        """
        _write(self.path / RECORD_FILE, (record.model_dump_json(indent=1) + "\n").encode())

    def write_run(self, pair: str, ranking: Iterable[str], qrels: Iterable[str] = ()) -> None:
        """Write one pair's ranking as a TREC run, and its judgements as TREC qrels if there are any.

        Args:
            pair: Language pair.
            ranking: Lines of the run.
            qrels: Lines of the qrels.
        Raises:
            RecordError: They cannot be written.
        """
        self._make_runs()
        _write(trec_file(self.path, pair, "trec"), "".join(ranking).encode())
        if judgements := "".join(qrels):
            _write(trec_file(self.path, pair, "qrels"), judgements.encode())

    def write_texts(self, pool: str, pairs: Sequence[str], rows: Iterable[TextRow]) -> None:
        """Write those texts of a pool's pairs that no file of this folder holds yet.

        Args:
            pool: Pool key.
            pairs: The pairs that the rows belong to.
            rows: (kind, language, id, text) with kind "query" or "passage".
        Raises:
            RecordError: They cannot be written, or a file that is there cannot be read.
        """
        self._make_runs()
        if self._kept_texts is None:
            kept = read_text_files(self.path, ("kind", "language", "id"))
            self._kept_texts = set(kept.itertuples(index=False, name=None))
        fresh = {row[:3]: row for row in rows if row[:3] not in self._kept_texts}
        if fresh:
            _write(texts_file(self.path, part_name(pool, pairs)), text_bytes(list(fresh.values())))
            self._kept_texts.update(fresh)

    def has_run(self, pair: str) -> bool:
        """Whether a pair's ranking was written."""
        return is_saved(self.path, pair, "trec")

    def _make_runs(self) -> None:
        runs = self.path / RUNS
        try:
            runs.mkdir(exist_ok=True)
        except OSError as error:
            raise RecordError(f"Cannot create {runs}: {error.strerror}.") from error

    def _read_parts(self) -> dict[str, PairRecord]:
        done: dict[str, PairRecord] = {}
        for file in part_files(self.path):
            summary = read_part_summary(file)
            if summary.identity != self.identity.model_dump(mode="json"):
                raise RecordError(f"{file} belongs to another measurement than its folder. {REPLACE_HINT}")
            for pair in summary.pairs:
                done.setdefault(pair.pair, pair)
        return done


def read_record(folder: Path) -> Record:
    """Read a record.

    Raises:
        RecordError: There is none, it is damaged, or it has another schema version.
    """
    file = folder / RECORD_FILE
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if data.get("schema_version") != SCHEMA_VERSION:
            raise RecordError(
                f"{file} has schema version {data.get('schema_version')}, this clearbench reads {SCHEMA_VERSION}. "
                "Use the version that wrote it, or measure again with --replace."
            )
        return Record.model_validate(data)
    except OSError as error:
        raise RecordError(f"Cannot read {file}: {error.strerror}.") from error
    except (ValueError, AttributeError, RecursionError) as error:
        reason = describe_problems(error, most=3) if isinstance(error, ValidationError) else f"{first_line(error)}."
        raise RecordError(f"{file} is damaged: {reason} Restore it, or measure again with --replace.") from error


def has_record(folder: Path) -> bool:
    """Whether a folder is a record's."""
    return (folder / RECORD_FILE).exists()


def find_records(out: Path) -> list[Path]:
    """Return the folders of all records under a results folder, sorted."""
    return sorted(file.parent for file in records_folder(out).glob(f"*/*/{RECORD_FILE}"))


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise RecordError(
            f"Cannot write {path}: {error.strerror}. What was finished before is kept; run again to go on from there."
        ) from error


def _difference(found: Identity, wanted: Identity) -> str:
    ours, theirs = wanted.model_dump(), found.model_dump()
    return "; ".join(f"{key} was {theirs[key]}, is now {ours[key]}" for key in ours if ours[key] != theirs[key])
