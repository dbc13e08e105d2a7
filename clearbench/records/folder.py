"""The folder of a record: its name, and opening it to write or to continue."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from clearbench.common.errors import RecordError
from clearbench.common.files import RECORD_FILE, sweep_temporary, write_atomically
from clearbench.common.hashing import content_hash
from clearbench.common.progress import say
from clearbench.common.text import count, file_name, join_names
from clearbench.records.derive import add_timings, derive_record, pairs_of
from clearbench.records.exclusive import lock_folder, replace_folder, restore_all
from clearbench.records.parts import SCORES, PartSummary, QueryScores, part_bytes, part_name, read_summary
from clearbench.records.read import find_problems, has_record, read_document, read_summaries
from clearbench.records.runs import (
    RUNS,
    TextRow,
    is_saved,
    read_text_files,
    sums_file,
    sums_text,
    text_bytes,
    texts_file,
    trec_file,
)
from clearbench.records.schema import Identity, PairRecord, Provenance, Record
from clearbench.stats.summaries import BiasSummary

REPLACE_HINT = "Pass --replace to measure again and lose the results there, or choose another --out."


def records_folder(out: Path) -> Path:
    """Return the folder in a results folder that holds a folder for each model."""
    return out / "records"


def record_folder(out: Path, model_name: str, encoder_fingerprint: str, task: str) -> Path:
    """Return the folder of one model and task.

    Args:
        out: Results folder.
        model_name: The model's name.
        encoder_fingerprint: Tells the model from others of its name.
        task: Label of the task.
    """
    return records_folder(out) / model_key(model_name, encoder_fingerprint) / task


def model_key(model_name: str, encoder_fingerprint: str) -> str:
    """Return the name of a model's folder, `<name>-<hash8>`.

    The encoder's hash keeps two checkpoints called `final` apart.
    """
    return f"{safe_name(model_name)}-{content_hash(encoder_fingerprint)[:8]}"


def find_misplaced(folder: Path, encoder_fingerprint: str) -> str | None:
    """Return in words why a record's folder is not in the folder of its model; None where it can be.

    A model's folder without a hash in its name was named by a user: any encoder can be in it.

    Args:
        folder: The record's folder.
        encoder_fingerprint: The record's encoder.
    """
    key = folder.resolve().parent.name
    if name_in_key(key) != key and model_key(name_in_key(key), encoder_fingerprint) != key:
        return f"the folder {key} is not that of the encoder {encoder_fingerprint}"
    return None


def safe_name(model_name: str) -> str:
    """Return a model's name as folders spell it."""
    return file_name(model_name).strip("._") or "model"


def name_in_key(key: str) -> str:
    """Return the model's name from the name of its folder; the whole name if a user has renamed the folder."""
    match = re.fullmatch(r"(.+)-[0-9a-f]{8}", key)
    return match[1] if match else key


class RecordFolder:
    """One task's results of one model, open for writing.

    Results are kept in parts, and record.json is derived from them. Runs that add pairs one after the other, or at the
    same time, therefore end with the same record.

    Attributes:
        final_path: The record's folder.
        write_path: Where results are written: the record's folder, or while a replacement is measured, the one that
            takes its place.
        provenance: What this run states about everything that it measures.
        done: Pair -> its record, of all pairs whose scores are written.
        problem: Why record.json must be rewritten although all pairs have scores; None if it is undamaged.
    """

    def __init__(self, folder: Path, provenance: Provenance, replace: bool = False, write: bool = True) -> None:
        """Read the results that are there, and check that the folder can be written to.

        Args:
            folder: The record's folder.
            provenance: What this run states about everything that it measures.
            replace: Measure again: existing results are ignored, but kept until `writing` ends.
            write: Make the folder; False only looks.
        Raises:
            RecordError: It holds results of another identity or schema and `replace` is off, or cannot be written.
        """
        self.final_path = self.write_path = folder
        self.provenance = provenance
        self.done: dict[str, PairRecord] = {}
        self.problem: str | None = None
        self._replace = replace
        self._parts: dict[Path, PartSummary] = {}
        self._timings: Mapping[str, Any] = {}
        self._wanted: Mapping[str, str] = {}
        self._kept_texts: set[tuple[str, str, str]] | None = None
        if write:
            with self._system_errors():
                folder.parent.mkdir(parents=True, exist_ok=True)
                restore_all(folder.parent)
                (folder / SCORES).mkdir(parents=True, exist_ok=True)
        if not replace:
            self._read_written()

    @property
    def identity(self) -> Identity:
        """What is measured."""
        return self.provenance.identity

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Allow writing results during the block, which begins by reading what other runs have written.

        One run at a time writes to the folder. A replacement is measured in a folder of its own, which replaces the
        record's folder when the block ends. If the block fails, the record's folder stays unchanged.

        Raises:
            RecordError: See `__init__`.
        """
        try:
            with ExitStack() as stack:
                with self._system_errors():
                    if self._replace:
                        self.write_path = stack.enter_context(replace_folder(self.final_path))
                        (self.write_path / SCORES).mkdir()
                    else:
                        stack.enter_context(lock_folder(self.final_path))
                        for folder in (self.final_path, self.final_path / SCORES, self.final_path / RUNS):
                            sweep_temporary(folder)
                        self._read_written()
                        self.check_data(self._wanted)
                yield
                with self._system_errors():
                    stack.close()
        finally:
            self.write_path = self.final_path

    def check_data(self, wanted: Mapping[str, str]) -> None:
        """Compare the data hashes of pairs that have scores, now and when `writing` begins, with those of today's data.

        Args:
            wanted: pair -> data hash.
        Raises:
            RecordError: A pair was scored on other texts or judgements.
        """
        self._wanted = wanted
        changed = [pair for pair, data in wanted.items() if pair in self.done and self.done[pair].data != data]
        if changed:
            raise RecordError(
                f"{self.write_path} holds {count(len(changed), 'pair')} scored on other data ({join_names(changed)}). "
                f"{REPLACE_HINT}"
            )

    def add_notes(self, notes: Sequence[str]) -> None:
        """Print sentences, and note them in all that this run writes from now on."""
        for note in notes:
            if note not in self.provenance.notes:
                say(note)
                self.provenance = self.provenance.model_copy(update={"notes": [*self.provenance.notes, note]})

    def add(self, pool: str, results: Sequence[QueryScores]) -> None:
        """Write the scores of pairs that share a pool as one part; on return they survive a kill.

        Raises:
            RecordError: The part cannot be written; existing parts stay unchanged.
        """
        summaries = [result.summary for result in results]
        file = self.write_path / SCORES / f"{part_name(pool, [summary.pair for summary in summaries])}.parquet"
        _write(file, part_bytes(results, self.provenance))
        self._parts[file] = read_summary(file)
        self.done.update({summary.pair: summary for summary in summaries})

    def write(
        self,
        status: Literal["running", "complete"],
        timings: Mapping[str, Any] | None = None,
        bias: BiasSummary | None = None,
    ) -> Record:
        """Derive record.json from the parts, write it, and return it.

        Args:
            status: Whether every pair that was asked for is scored.
            timings: Seconds and counts of this run, which are added to those of the runs before it.
            bias: Language bias over all pairs, where the pool is mixed.
        Raises:
            RecordError: It cannot be written.
        """
        parts = [self._parts[file] for file in sorted(self._parts)]
        times = add_timings(self._timings, timings or {})
        record = derive_record(status, parts, self.provenance, times, bias)
        _write(self.write_path / RECORD_FILE, (record.model_dump_json(indent=1) + "\n").encode())
        return record

    def write_run(self, pair: str, ranking: Iterable[str], qrels: Iterable[str] = ()) -> None:
        """Write one pair's ranking as a TREC run, its judgements as TREC qrels if there are any, and their checksums.

        The ranking is written last, so a pair that has one has everything.

        Args:
            pair: Language pair.
            ranking: Lines of the run.
            qrels: Lines of the qrels.
        Raises:
            RecordError: They cannot be written.
        """
        self._make_runs()
        files = {trec_file(self.write_path, pair, "trec"): "".join(ranking).encode()}
        if judgements := "".join(qrels):
            files = {trec_file(self.write_path, pair, "qrels"): judgements.encode(), **files}
        _write(sums_file(self.write_path, pair), sums_text(files).encode())
        for file, data in files.items():
            _write(file, data)

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
            texts = read_text_files(self.write_path, ("kind", "language", "id"))
            self._kept_texts = set(texts.itertuples(index=False, name=None))
        new_rows = {row[:3]: row for row in rows if row[:3] not in self._kept_texts}
        if new_rows:
            _write(texts_file(self.write_path, part_name(pool, pairs)), text_bytes(list(new_rows.values())))
            self._kept_texts.update(new_rows)

    def has_run(self, pair: str) -> bool:
        """Return whether a pair's ranking was written."""
        return is_saved(self.write_path, pair, "trec")

    def _make_runs(self) -> None:
        with self._system_errors():
            (self.write_path / RUNS).mkdir(exist_ok=True)

    @contextmanager
    def _system_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RecordError(
                f"Cannot write results to {self.write_path}: {error.strerror}. Choose another --out."
            ) from error

    def _read_written(self) -> None:
        """Read the results that are there."""
        wanted = self.identity.model_dump(mode="json")
        written = read_document(self.write_path) if has_record(self.write_path) else None
        parts = read_summaries(self.write_path, written)
        recorded = parts[0].identity if parts else written["identity"] if written else wanted
        if recorded != wanted:
            raise RecordError(
                f"{self.write_path} holds another measurement: {_describe_changes(recorded, wanted)}. {REPLACE_HINT}"
            )
        self._parts = {part.file: part for part in parts}
        self.done = {name: PairRecord.model_validate(pair) for name, pair in pairs_of(parts).items()}
        self._timings = written["timings"] if written else {}
        self.problem = next(find_problems(written, parts), None) if written else "there is no record.json"


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise RecordError(
            f"Cannot write {path}: {error.strerror}. Finished parts are kept; the same command continues from them."
        ) from error


def _describe_changes(recorded: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    changed = [key for key in wanted if recorded[key] != wanted[key]]
    return "; ".join(f"{key} was {recorded[key]}, is now {wanted[key]}" for key in changed)
