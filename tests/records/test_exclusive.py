"""One writer at a time, and replacements that take a folder's place whole or not at all."""

import multiprocessing
import shutil
import threading

import pytest

from clearbench.records.exclusive import lock_folder, replace_folder, restore_all


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "model" / "toy"
    place.mkdir(parents=True)
    (place / "old").write_text("old")
    return place


def names(folder):
    return sorted(path.name for path in folder.parent.iterdir() if not path.name.endswith(".lock"))


def test_a_second_writer_waits_for_the_first_and_says_so(folder, capsys):
    order = []

    def second():
        with lock_folder(folder):
            order.append("second")

    with lock_folder(folder):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert "another run is writing scores there; this one waits" in capsys.readouterr().err


def test_writers_of_two_folders_do_not_wait(folder):
    with lock_folder(folder), lock_folder(folder.with_name("toy.x")):
        pass


def test_a_replacement_takes_the_place_when_it_is_finished(folder):
    with replace_folder(folder) as fresh:
        (fresh / "new").write_text("new")
        assert [path.name for path in folder.iterdir()] == ["old"]
        with lock_folder(folder):  # others may write meanwhile
            pass
    assert [path.name for path in folder.iterdir()] == ["new"] and names(folder) == ["toy"]


def test_a_replacement_that_fails_leaves_what_was_there(folder):
    def interrupted():
        with replace_folder(folder) as fresh:
            (fresh / "new").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in folder.iterdir()] == ["old"] and names(folder) == ["toy"]


def test_replacements_at_once_all_succeed_and_the_last_is_kept(folder):
    with replace_folder(folder) as one, replace_folder(folder) as two:
        (one / "one").write_text("")
        (two / "two").write_text("")
    assert [path.name for path in folder.iterdir()] == ["one"] and names(folder) == ["toy"]


def test_a_first_result_may_be_a_replacement(folder):
    shutil.rmtree(folder)
    with replace_folder(folder) as fresh:
        (fresh / "new").write_text("new")
    assert [path.name for path in folder.iterdir()] == ["new"]


def hold(folder, begun, over):
    with replace_folder(folder):
        begun.set()
        over.wait()


def test_replacements_of_killed_runs_are_swept_and_those_of_living_runs_are_not(folder):
    context = multiprocessing.get_context("spawn")
    begun, over = context.Event(), context.Event()
    process = context.Process(target=hold, args=(folder, begun, over))
    process.start()
    assert begun.wait(60)
    with replace_folder(folder):
        assert len(names(folder)) == 3  # the record, the other's and ours
    assert len(names(folder)) == 2
    process.kill()
    process.join()
    with replace_folder(folder):
        assert len(names(folder)) == 2
    assert names(folder) == ["toy"]


@pytest.mark.parametrize("moved", [True, False])
def test_an_exchange_that_a_kill_interrupted_is_finished(folder, moved):
    folder.rename(folder.with_name(".toy.old"))
    if moved:  # the new folder was in place already
        folder.mkdir()
        (folder / "new").write_text("new")
    restore_all(folder.parent)
    assert [path.name for path in folder.iterdir()] == ["new" if moved else "old"] and names(folder) == ["toy"]
