"""Finding task files: the order of folders, near names, the shipped tasks."""

import pytest
from builders.files import write, write_jsonl
from builders.tasks import write_task

from clearbench.common.errors import TaskError, UsageError
from clearbench.tasks.catalogue import find_task, list_tasks

SHIPPED = [
    "afriqa", "afriqa-fr", "belebele", "ciral", "demo", "demo-mkqa", "demo-train", "demo-xor", "miracl", "miracl-hn",
    "mkqa", "mlqa", "mlqa-test", "mr-tydi", "neuclir", "ntrex", "tatoeba", "xor", "xquad", "xquad-r",
]  # fmt: skip


def test_the_shipped_tasks_can_be_used_and_are_described():
    specs = list_tasks()
    assert [spec.name for spec in specs] == SHIPPED
    for spec in specs:
        assert spec.title and spec.description and spec.licence and spec.citation and spec.languages


def test_an_unknown_task_is_answered_with_near_names():
    with pytest.raises(UsageError, match=r"Unknown task 'xqad'.*Did you mean xquad"):
        find_task("xqad")


def test_a_folder_of_task_files_comes_first(tmp_path):
    write_task(tmp_path, name="xquad", title="mine")
    assert find_task("xquad", tmp_path).title == "mine"
    assert [spec.name for spec in list_tasks(tmp_path)] == SHIPPED


def test_a_tasks_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="there is no such folder"):
        find_task("xquad", tmp_path / "none")


def test_a_task_file_is_found_by_its_path(tmp_path):
    assert find_task(str(write_task(tmp_path))).name == "tiny"
    with pytest.raises(UsageError, match="There is no task file"):
        find_task(str(tmp_path / "none.toml"))


def test_in_a_folder_a_task_has_its_files_name(tmp_path):
    write_task(tmp_path).rename(tmp_path / "other.toml")
    with pytest.raises(TaskError, match="name: found 'tiny', expected 'other'"):
        find_task("other", tmp_path)


def test_a_beir_folder_is_a_task(tmp_path):
    write_jsonl(tmp_path / "my data" / "corpus.jsonl", [{"_id": "1", "text": "a"}])
    spec = find_task(str(tmp_path / "my data"))
    assert (spec.name, spec.reader) == ("my-data", "beir")


def test_a_folder_without_a_corpus_is_not_a_task(tmp_path):
    write(tmp_path / "x" / "notes.txt", "a")
    with pytest.raises(UsageError, match=r"not a BEIR-style folder.*it contains notes\.txt"):
        find_task(str(tmp_path / "x"))
