"""Every reader of files that come from strangers: small valid files, and how each is read."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.files import write, write_jsonl
from builders.tasks import belebele_rows, squad, write_task
from builders.training import write_rows

from clearbench.tasks.options import DataLocation, Selection

ALL = Selection(all_pairs=True)
HERE = DataLocation(data_dir=Path("data"))
Reader = Callable[[], object]


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        prepare: Writes its files below a folder, or copies them from a world.
        files: The files, relative to that folder, that are mutated.
        read: Reads them; called with that folder as the current one.
        share: Part of the rounds that it gets; a slow reader gets fewer.
    """

    prepare: Callable[[Path, Path], object]
    files: Sequence[str]
    read: Reader
    share: float = 1.0


def _copied(*names: str) -> Callable[[Path, Path], None]:
    """Copy files and folders of a world under their own names."""

    def prepare(folder: Path, world: Path) -> None:
        for name in names:
            for path in sorted(world.glob(name)):
                copy = folder / path.relative_to(world)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copytree(path, copy) if path.is_dir() else shutil.copyfile(path, copy)

    return prepare


def _record(folder: Path, world: Path) -> None:
    """Copy one record to `records/a/tiny`."""
    [record] = world.glob("out/records/fault_encoders.a-*/tiny")
    shutil.copytree(record, folder / "records" / "a" / "tiny")


def _unsummed(folder: Path, world: Path) -> None:
    """Copy one record as an older clearbench saved it, whose rankings are read without comparing a checksum."""
    _record(folder, world)
    for file in (folder / "records").rglob("*.sha256"):
        file.unlink()


def _task(options: Mapping[str, Any], files: Mapping[str, str | bytes | Sequence[Mapping[str, Any]]]) -> Any:
    """Write a task file, and data files as text or as JSON lines."""

    def prepare(folder: Path, world: Path) -> None:
        write_task(folder, **options)
        for name, content in files.items():
            path = folder / "data" / name
            write(path, content) if isinstance(content, str | bytes) else write_jsonl(path, content)

    return prepare


def _read_task() -> object:
    from clearbench.tasks.load import load_task

    return load_task("tiny.toml", ALL, HERE)


def _read_folder() -> object:
    from clearbench.tasks.load import load_task

    return load_task("data", ALL)


def _read_record() -> object:
    from clearbench.records.read import read_record
    from clearbench.records.schema import find_record_damage

    return find_record_damage(read_record(Path("records/a/tiny")))


def _read_results() -> object:
    from clearbench.records.matrix import scores_matrix
    from clearbench.records.select import load_results

    [entry] = load_results(Path())
    return scores_matrix(entry, entry.record.main_measure)


def _read_scores() -> object:
    from clearbench.records.parts import part_files, read_scores, read_summary

    folder = Path("records/a/tiny")
    return [read_summary(file) for file in part_files(folder)], read_scores(folder)


def _read_runs() -> object:
    from clearbench.records.runs import read_run, read_run_qrels, read_texts

    folder = Path("records/a/tiny")
    return read_run(folder, "de-en"), read_run_qrels(folder, "de-en"), read_texts(folder)


def _read_baseline() -> object:
    from clearbench.records.matrix import scores_matrix
    from clearbench.verdicts.gate.baseline import read_baseline

    return [scores_matrix(entry, entry.record.main_measure) for entry in read_baseline(Path("baseline.parquet"))]


def _read_rows(name: str) -> Reader:
    def read() -> object:
        from clearbench.training.rows.files import read_rows

        return read_rows(Path(name))

    return read


def _read_manifest() -> object:
    from clearbench.records.training import read_manifest

    return read_manifest(Path("trained"))


def _read_config() -> object:
    from clearbench.training.run.config import make_config

    return make_config({}, Path("train.toml"))


def _read_rules() -> object:
    from clearbench.verdicts.gate.rules import read_rules

    return read_rules(Path("gates.toml"))


def _read_published() -> object:
    from clearbench.records.published import load_published

    return load_published(Path("published"))


def _read_vectors() -> object:
    from clearbench.encoders.vectors.store import EmbeddingStore

    [folder, *_] = sorted(Path("cache/embeddings").iterdir())
    return EmbeddingStore(folder, encoder=folder.name)


def _read_checkpoint() -> object:
    from clearbench.encoders.base import EncoderOptions
    from clearbench.encoders.load import load_encoder

    encoder = load_encoder("base", EncoderOptions(device="cpu"))
    return encoder.encode_batch(["a text"], "query")  # type: ignore[union-attr]


BEIR_FILES = ("data/corpus.jsonl", "data/queries.jsonl", "data/qrels/test.tsv")
CORPUS = "id\ttext\ttitle\n1\tSome text.\tTitle\n2\tOther text.\tOther\n"
XOR_ROW = {"id": "12", "question": "Wann?", "answers": ["yes", "1990"], "lang": "ar"}
MKQA_ROW = {
    "example_id": 5,
    "queries": {"en": "Who?", "de": "Wer?"},
    "answers": {"en": [{"type": "entity", "text": "Dave", "aliases": ["D."], "entity": "Q1"}], "de": []},
}
AFRIQA_ROW = {
    "id": "0", "question_lang": "Tambaya?", "question_translated": "Question?", "context": "Anambra is a state.",
    "title": "Anambra", "answer_pivot": {"answer_start": [0], "text": ["Anambra"]},
}  # fmt: skip
ANSWERED = [{"key": "questions", "local": ["questions.jsonl"]}, {"key": "corpus", "local": ["wiki.tsv"]}]
TRAIN_TOML = 'model = "base"\ndata = "rows.jsonl"\nout = "out"\nloss = "clear"\nsteps = 6\nlearning_rate = 1e-2\n'
GATES_TOML = '[[rule]]\npairs = "*-en"\nworst_drop = 3.0\n\n[[rule]]\ngroup = "low"\nmean_drop = 0.5\n'
PUBLISHED = Path(__file__).resolve().parents[2] / "results" / "published" / "minilm.toml"

TARGETS: Mapping[str, Target] = {
    "belebele": Target(
        _task({}, {f"belebele/{name}.jsonl": belebele_rows(name) for name in ("eng_Latn", "deu_Latn")}),
        ("data/belebele/eng_Latn.jsonl", "data/belebele/deu_Latn.jsonl"),
        _read_task,
    ),
    "squad": Target(
        _task(
            {
                "reader": "squad",
                "sources": [{"key": "questions", "local": ["q.{language}.json"]}],
                "options": {"layout": "parallel"},
            },
            {f"q.{name}.json": squad((f"Text {name}.", {"q": f"What {name}?"})) for name in ("en", "de")},
        ),
        ("data/q.en.json", "data/q.de.json"),
        _read_task,
    ),
    "beir": Target(
        _task(
            {"reader": "beir", "sources": [{"key": "folder", "local": ["."]}]},
            {
                "corpus.jsonl": [{"_id": "d", "title": "T", "text": "Text", "language": "en"}],
                "queries.jsonl": [{"_id": "q", "text": "Wo?", "language": "de"}],
                "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq\td\t1\n",
            },
        ),
        BEIR_FILES,
        _read_folder,
    ),
    "xor": Target(
        _task(
            {"reader": "xor", "judged_by": "xor", "main_measure": "R@2kt", "languages": ["ar"], "sources": ANSWERED},
            {"questions.jsonl": [XOR_ROW], "wiki.tsv": CORPUS},
        ),
        ("data/questions.jsonl", "data/wiki.tsv"),
        _read_task,
    ),
    "mkqa": Target(
        _task(
            {"reader": "mkqa", "judged_by": "mkqa", "main_measure": "answer_recall@20", "sources": ANSWERED},
            {"questions.jsonl": [MKQA_ROW], "wiki.tsv": CORPUS},
        ),
        ("data/questions.jsonl", "data/wiki.tsv"),
        _read_task,
    ),
    "afriqa": Target(
        _task(
            {
                "reader": "afriqa",
                "languages": ["en", "hau"],
                "sources": [{"key": "questions", "local": ["{language}.{split}.json"]}],
            },
            {"hau.test.json": [AFRIQA_ROW]},
        ),
        ("data/hau.test.json",),
        _read_task,
    ),
    "task file": Target(_copied("tiny.toml", "data"), ("tiny.toml",), _read_task),
    "record": Target(_record, ("records/a/tiny/record.json",), _read_record),
    "results": Target(_record, ("records/a/tiny/record.json", "records/a/tiny/scores/*"), _read_results),
    "scores": Target(_record, ("records/a/tiny/scores/*",), _read_scores),
    "saved runs": Target(_unsummed, ("records/a/tiny/runs/de-en.*", "records/a/tiny/runs/*.texts.parquet"), _read_runs),
    "checksums": Target(_record, ("records/a/tiny/runs/de-en.sha256",), _read_runs, 0.3),
    "baseline": Target(_copied("baseline.parquet"), ("baseline.parquet",), _read_baseline),
    "rows, Parquet": Target(_copied("rows.parquet*"), ("rows.parquet*",), _read_rows("rows.parquet")),
    "rows, JSON lines": Target(
        lambda folder, world: write_rows(folder / "rows.jsonl", 6), ("rows.jsonl",), _read_rows("rows.jsonl")
    ),
    "training manifest": Target(_copied("trained/*.json"), ("trained/clearbench_training.json",), _read_manifest),
    "training settings": Target(
        lambda folder, world: write(folder / "train.toml", TRAIN_TOML), ("train.toml",), _read_config
    ),
    "rules of the gate": Target(
        lambda folder, world: write(folder / "gates.toml", GATES_TOML), ("gates.toml",), _read_rules
    ),
    "published figures": Target(
        lambda folder, world: write(folder / "published" / "minilm.toml", PUBLISHED.read_bytes()),
        ("published/minilm.toml",),
        _read_published,
    ),
    "vectors": Target(_copied("cache"), ("cache/embeddings/*/part-*",), _read_vectors),
    "checkpoint": Target(_copied("base"), ("base/*.*", "base/1_Pooling/*"), _read_checkpoint, share=0.3),
}
