"""`clearbench doctor` sees what is there, and says what to do about what is not."""

import socket
import tomllib
from pathlib import Path

import pytest
from builders.files import write
from builders.tasks import write_belebele

from clearbench import doctor
from clearbench.cli.app import execute
from clearbench.doctor import count_files, examine
from clearbench.tasks.catalogue import find_task
from clearbench.tasks.options import DataLocation

ROOT = Path(__file__).resolve().parents[1]


def findings(**arguments):
    return {f.topic: f for f in examine(DataLocation(**{"offline": True, **arguments}))}


def test_files_are_counted_by_language(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    assert count_files(find_task("belebele"), DataLocation(data_dir=tmp_path, offline=True)) == (2, 122)


def test_languages_without_a_file_are_not_counted(tmp_path):
    spec = find_task("ntrex")
    translated = [name for name in spec.languages if name != "eng"]
    for name in ("newstest2019-src.eng.txt", *(f"newstest2019-ref.{name}.txt" for name in translated)):
        write(tmp_path / "NTREX-128" / name, "A sentence.\n")
    write(tmp_path / "DOCUMENT_IDS.tsv", "1\n")
    complete = len(translated) + 2
    assert count_files(spec, DataLocation(data_dir=tmp_path, offline=True)) == (complete, complete)


def test_found_and_missing_tasks(tmp_path):
    write_belebele(tmp_path, "eng_Latn")
    found = findings(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    assert found["task belebele"].state == "ok" and "1 of 122" in found["task belebele"].text
    assert found["task xquad"].state == "note" and "tasks fetch xquad" in found["task xquad"].text
    assert found["task demo"].state == "ok"
    assert not (tmp_path / "cache").exists()  # it only looks


def test_every_extra_for_users_is_listed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].keys() - {"dev", "docs"}
    assert {topic.removeprefix("extra ") for topic in findings() if topic.startswith("extra ")} == extras


def test_a_wrong_data_folder_is_a_problem_with_exit_code_1(tmp_path, capsys):
    assert execute(["doctor", "--data-dir", str(tmp_path / "no"), "--offline"]) == 1
    assert "no such folder" in " ".join(capsys.readouterr().out.split())


def test_all_well_is_exit_code_0(tmp_path, capsys):
    assert execute(["doctor", "--cache-dir", str(tmp_path), "--offline"]) == 0
    assert "torch" in capsys.readouterr().out


def test_a_little_disk_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_SPACE", 1e18)
    assert findings(cache_dir=tmp_path)["cache"].state == "problem"


@pytest.mark.parametrize("reachable", [True, False])
def test_the_network_is_tried_once_and_briefly(reachable):
    tried = []

    def connect(address, timeout):
        tried.append((address, timeout))
        if not reachable:
            raise OSError("unreachable")
        return socket.socket()

    finding = doctor._examine_network(connect)
    assert finding.state == ("ok" if reachable else "note")
    assert tried == [((doctor.HUB, 443), doctor.NETWORK_SECONDS)]
