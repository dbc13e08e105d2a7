"""What is saved with rankings: TREC files that are read back, and texts that are kept once."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from builders.records import make_provenance

import clearbench.records.folder as records_folder
from clearbench.common.errors import RecordError
from clearbench.common.languages import parse_language
from clearbench.records.folder import RecordFolder
from clearbench.records.runs import (
    check_saved,
    has_runs,
    has_sums,
    has_texts,
    is_saved,
    qrels_lines,
    read_run,
    read_run_qrels,
    read_texts,
    read_trec,
    text_rows,
    trec_lines,
)
from clearbench.tasks.dataset import Texts

ENGLISH, GERMAN = parse_language("en"), parse_language("de")
PASSAGES = Texts(ENGLISH, ("p0", "p1", "p2"), ("zero", "one", "two"))
QUERIES = Texts(GERMAN, ("q0", "q1"), ("null", "eins"))
QRELS = {"q1": {"p1": 1, "p0": 0}, "elsewhere": {"p2": 1}}
POSITIONS = np.array([[2, 0], [1, 2]])
SCORES = np.array([[0.1, 0.05], [0.25, -0.5]], dtype=np.float32)


@pytest.fixture
def folder(tmp_path):
    return RecordFolder(tmp_path / "toy", make_provenance())


@pytest.fixture
def unsummed(folder):
    """A folder with a run that an older clearbench saved."""
    write_run(folder)
    (folder.final_path / "runs" / "de-en.sha256").unlink()
    return folder


def write_run(folder, pair="de-en", qrels=QRELS):
    lines = trec_lines(QUERIES.ids, PASSAGES.ids, POSITIONS, SCORES)
    folder.write_run(pair, lines, qrels_lines(QUERIES.ids, qrels))


def test_a_run_is_six_fields_a_line_and_is_read_back_in_rank_order(folder):
    assert not folder.has_run("de-en")
    write_run(folder)
    assert folder.has_run("de-en") and not folder.has_run("en-en")
    text = (folder.final_path / "runs" / "de-en.trec").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "q0 Q0 p2 1 0.100000001 clearbench" and text.count("\n") == 4
    found = read_run(folder.final_path, "de-en")
    assert found == {
        "q0": [("p2", pytest.approx(0.1)), ("p0", pytest.approx(0.05))],
        "q1": [("p1", 0.25), ("p2", -0.5)],
    }
    assert [np.float32(score) for _, score in found["q0"]] == SCORES[0].tolist()  # nine digits give every float32 back


def test_judgements_of_the_pairs_queries_are_saved_with_the_run(folder):
    write_run(folder)
    assert read_run_qrels(folder.final_path, "de-en") == {"q1": {"p1": 1, "p0": 0}}
    write_run(folder, "en-en", {})
    assert read_run(folder.final_path, "en-en") and not (folder.final_path / "runs" / "en-en.qrels").exists()
    with pytest.raises(RecordError, match=r"Cannot read .*en-en\.qrels"):
        read_run_qrels(folder.final_path, "en-en")


def test_what_was_not_saved_is_named_with_what_to_do(folder):
    for read in (read_run, read_run_qrels):
        with pytest.raises(RecordError, match=r"Cannot read .*de-en\.\w+: .*Measure again with --save-runs --replace"):
            read(folder.final_path, "de-en")
    with pytest.raises(RecordError, match=r"holds no texts\. Measure again with --save-runs --replace"):
        read_texts(folder.final_path)


@pytest.mark.parametrize(("name", "fields", "read"), [("trec", 6, read_run), ("qrels", 4, read_run_qrels)])
def test_a_line_with_other_fields_is_named_by_its_number(unsummed, name, fields, read):
    folder = unsummed
    file = folder.final_path / "runs" / f"de-en.{name}"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], "", lines[-1] + " more"]) + "\n")
    with pytest.raises(RecordError, match=rf"de-en\.{name}:\d.* {fields + 1} fields, expected {fields}"):
        read(folder.final_path, "de-en")


def test_only_a_line_feed_ends_a_line(unsummed):
    folder = unsummed
    file = folder.final_path / "runs" / "de-en.trec"
    file.write_bytes("q0 Q0 p0 1 0.5 a\r\nq0 Q0 p\u2028x 2 0.25 a\n".encode())
    with pytest.raises(RecordError, match=r"de-en\.trec:2 has 7 fields, expected 6: an id holds a blank"):
        read_run(folder.final_path, "de-en")


@pytest.mark.parametrize("damage", [b"q0 Q0 p0 1 x clearbench\n", b"\xff\xfe"])
def test_what_is_no_number_or_no_text_is_damage(unsummed, damage):
    folder = unsummed
    (folder.final_path / "runs" / "de-en.trec").write_bytes(damage)
    with pytest.raises(RecordError, match=r"de-en\.trec is damaged \(.*Measure again with --save-runs --replace"):
        read_run(folder.final_path, "de-en")
    (folder.final_path / "runs" / "de-en.qrels").write_bytes(damage.replace(b" clearbench", b"").replace(b"Q0 ", b""))
    with pytest.raises(RecordError, match=r"de-en\.qrels is damaged"):
        read_run_qrels(folder.final_path, "de-en")


def test_a_saved_file_is_read_as_it_is(folder):
    write_run(folder)
    for kind in ("trec", "qrels"):
        text = (folder.final_path / "runs" / f"de-en.{kind}").read_text(encoding="utf-8")
        assert read_trec(folder.final_path, "de-en", kind) == text


@pytest.mark.parametrize("kind", ["trec", "qrels"])
@pytest.mark.parametrize("edit", [lambda data: data.replace(b"p1", b"p2"), lambda data: data + data, lambda data: b""])
def test_a_saved_file_that_was_edited_is_refused(folder, kind, edit):
    write_run(folder)
    check_saved(folder.final_path, "de-en")
    file = folder.final_path / "runs" / f"de-en.{kind}"
    file.write_bytes(edit(file.read_bytes()))
    for read in (lambda place, pair: read_trec(place, pair, kind), check_saved):
        with pytest.raises(
            RecordError, match=rf"de-en\.{kind} is not the file that was saved: its SHA-256 .*--replace"
        ):
            read(folder.final_path, "de-en")


def test_a_lost_file_is_found_by_its_checksum_and_checksums_of_other_files_are_damage(folder):
    write_run(folder)
    runs = folder.final_path / "runs"
    (runs / "de-en.qrels").unlink()
    with pytest.raises(RecordError, match=r"Cannot read .*de-en\.qrels"):
        check_saved(folder.final_path, "de-en")
    for damage in ("", f"{'0' * 64}  ../secret\n", "x", f"{'0' * 64}  en-en.trec\n"):
        (runs / "de-en.sha256").write_text(damage)
        with pytest.raises(RecordError, match=r"de-en\.(sha256 is damaged|trec is not the file that was saved)"):
            check_saved(folder.final_path, "de-en")


def test_what_an_older_clearbench_saved_without_checksums_is_read(unsummed):
    assert not has_sums(unsummed.final_path, "de-en")
    check_saved(unsummed.final_path, "de-en")
    assert read_run(unsummed.final_path, "de-en") and read_run_qrels(unsummed.final_path, "de-en")


def test_checksums_are_as_sha256sum_checks_them(folder):
    write_run(folder)
    program = shutil.which("sha256sum") or pytest.skip("there is no sha256sum")
    checked = subprocess.run([program, "--check", "de-en.sha256"], cwd=folder.final_path / "runs", capture_output=True)
    assert checked.stdout == b"de-en.qrels: OK\nde-en.trec: OK\n"


def test_a_write_that_is_killed_leaves_no_ranking_without_its_judgements_and_checksums(folder, monkeypatch):
    written = []
    monkeypatch.setattr(records_folder, "write_atomically", lambda path, data: written.append(path.name))
    write_run(folder)
    assert written == ["de-en.sha256", "de-en.qrels", "de-en.trec"]


def test_a_folder_tells_what_was_saved(folder):
    place = folder.final_path
    assert not has_runs(place) and not has_texts(place) and not is_saved(place, "de-en", "trec")
    write_run(folder, qrels={})
    assert has_runs(place) and not has_texts(place)
    assert is_saved(place, "de-en", "trec") and not is_saved(place, "de-en", "qrels")
    folder.write_texts("en", ["de-en"], text_rows([QUERIES], PASSAGES, []))
    assert has_texts(place)


# --- texts


def test_texts_are_all_queries_and_the_chosen_passages():
    assert list(text_rows([QUERIES], PASSAGES, [2, 0])) == [
        ("query", "de", "q0", "null"),
        ("query", "de", "q1", "eins"),
        ("passage", "en", "p2", "two"),
        ("passage", "en", "p0", "zero"),
    ]


def test_each_text_is_kept_once_also_by_a_run_that_goes_on(folder):
    folder.write_texts("en", ["de-en"], text_rows([QUERIES], PASSAGES, [0, 1]))
    before = read_texts(folder.final_path)
    assert list(before) == ["kind", "language", "id", "text"] and len(before) == 4
    later = RecordFolder(folder.final_path, folder.provenance)
    later.write_texts("en", ["de-en"], text_rows([QUERIES], PASSAGES, [0, 1]))
    assert len(texts_files(folder)) == 1  # nothing new: no file
    later.write_texts("en", ["en-en"], text_rows([QUERIES], PASSAGES, [0, 2]))
    assert [len(texts_files(folder)), len(read_texts(folder.final_path))] == [2, 5]
    later.write_texts("en", ["es-en"], text_rows([], PASSAGES, [2]))
    assert len(texts_files(folder)) == 2


def texts_files(folder):
    return sorted((folder.final_path / "runs").glob("*.texts.parquet"))


def test_damaged_texts_are_named_when_read_and_before_more_are_written(folder):
    folder.write_texts("en", ["de-en"], text_rows([QUERIES], PASSAGES, [0]))
    [file] = texts_files(folder)
    file.write_bytes(b"PAR1")
    with pytest.raises(RecordError, match=rf"{file.name} is damaged .*Delete it\. Measure again with --save-runs"):
        read_texts(folder.final_path)
    with pytest.raises(RecordError, match="is damaged"):
        RecordFolder(folder.final_path, folder.provenance).write_texts(
            "en", ["en-en"], text_rows([QUERIES], PASSAGES, [1])
        )


def test_a_run_that_cannot_be_written_leaves_the_old_one(folder, monkeypatch):
    write_run(folder)
    before = read_run(folder.final_path, "de-en")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecordError, match="No space left"):
        folder.write_run("de-en", ["q Q0 p 1 0.5 clearbench\n"])
    assert read_run(folder.final_path, "de-en") == before
