"""Finding and downloading the files of a task, against a local server."""

import hashlib
import io
import zipfile
from types import SimpleNamespace

import pytest
from builders.files import write, write_jsonl
from builders.tasks import belebele_rows, write_belebele, write_task
from builders.web import Web

from clearbench.common.errors import DataError, TaskError
from clearbench.common.languages import parse_language
from clearbench.common.pairs import parse_pair
from clearbench.tasks.catalogue import read_task
from clearbench.tasks.formats.table import open_files
from clearbench.tasks.options import DataLocation

ENGLISH, GERMAN = parse_language("en"), parse_language("de")


@pytest.fixture
def web(tmp_path):
    with Web(tmp_path / "web") as server:
        yield server


def make_files(folder, location, **source):
    spec = read_task(write_task(folder, sources=[{"key": "passages", **source}]))
    return open_files(spec, location)


def test_the_first_pattern_that_exists_wins(tmp_path):
    write_belebele(tmp_path, "eng_Latn")
    write(tmp_path / "en.jsonl", "x")
    location = DataLocation(data_dir=tmp_path)
    files = make_files(tmp_path, location, local=["none.jsonl", "belebele/{variant}.jsonl", "{short}.jsonl"])
    assert files.find("passages", language=ENGLISH) == tmp_path / "belebele" / "eng_Latn.jsonl"
    assert files.find("passages", language=GERMAN) is None
    assert [file.downloaded for file in files.used.values()] == [False]


def test_languages_and_pairs_are_spelled_as_the_task_file_does(tmp_path):
    source = {"key": "q", "local": ["a.{language}.{short}.{variant}", "{query}>{passage}"]}
    spec = read_task(write_task(tmp_path, languages=["zh_cn", "swa"], sources=[source]))
    files = open_files(spec, DataLocation(data_dir=tmp_path))
    assert "zh_cn.zh.zho_Hans" in str(files.missing_error("q", language=parse_language("zh")))
    assert "swa>zh_cn" in str(files.missing_error("q", pair=parse_pair("sw-zh")))


def test_a_missing_file_is_named_with_the_paths_and_the_command(tmp_path):
    files = make_files(tmp_path, DataLocation(data_dir=tmp_path), local=["a/{variant}"], url="https://x.org/{variant}")
    with pytest.raises(DataError) as caught:
        files.require("passages", language=GERMAN)
    assert str(caught.value) == (
        f"tiny: no passages file for de. Looked for: {tmp_path}/a/deu_Latn. "
        "Download it with `clearbench tasks fetch tiny passages`."
    )


def test_a_missing_file_that_is_not_on_the_web_says_what_the_data_folder_must_hold(tmp_path):
    files = make_files(tmp_path, DataLocation(), local=["a/{variant}"])
    with pytest.raises(DataError, match=r"No data folder was given.*--data-dir must hold a/deu_Latn\."):
        files.require("passages", language=GERMAN)


def test_a_data_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(DataError, match="there is no such folder"):
        make_files(tmp_path, DataLocation(data_dir=tmp_path / "none"), local=["a"])


def test_an_unknown_source_is_an_error(tmp_path):
    with pytest.raises(TaskError, match=r"no \[\[sources\]\] entry with key 'corpus'; it has: passages"):
        make_files(tmp_path, DataLocation(), local=["a"]).find("corpus")


def test_bundled_files_are_found_in_the_folder_of_the_task_file(tmp_path):
    write_jsonl(tmp_path / "demo" / "eng_Latn.jsonl", belebele_rows("en"))
    files = make_files(tmp_path, DataLocation(offline=True), bundled="demo/{variant}.jsonl")
    assert files.require("passages", language=ENGLISH) == tmp_path / "demo" / "eng_Latn.jsonl"
    with pytest.raises(
        DataError, match=r"deu_Latn\.jsonl\. It belongs to the task file and should be in the same folder"
    ):
        files.require("passages", language=GERMAN)


@pytest.mark.parametrize("known", [True, False])
def test_a_url_is_downloaded_once(tmp_path, web, known):
    url, folder = web.url, web.folder
    write(folder / "deu_Latn.jsonl", "content")
    sha256 = {"deu_Latn.jsonl": hashlib.sha256(b"content").hexdigest()} if known else {}
    location = DataLocation(cache_dir=tmp_path / "cache")
    for _ in range(2):
        files = make_files(tmp_path, location, url=url + "/{variant}.jsonl", sha256=sha256)
        path = files.require("passages", language=GERMAN)
        assert path.read_text() == "content"
        assert path.is_relative_to(tmp_path / "cache")
    assert web.asked == ["/deu_Latn.jsonl"]


def test_a_download_with_another_sha256_is_an_error_and_leaves_nothing(tmp_path, web):
    url, folder = web.url, web.folder
    write(folder / "deu_Latn.jsonl", "other content")
    sha256 = {"deu_Latn.jsonl": hashlib.sha256(b"content").hexdigest()}
    location = DataLocation(cache_dir=tmp_path / "cache")
    files = make_files(tmp_path, location, url=url + "/{variant}.jsonl", sha256=sha256)
    with pytest.raises(DataError, match="another SHA-256 than the task file expects"):
        files.require("passages", language=GERMAN)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_download_that_fails_is_an_error_with_the_url(tmp_path, web):
    url = web.url
    files = make_files(tmp_path, DataLocation(cache_dir=tmp_path / "cache"), url=url + "/{variant}.jsonl")
    with pytest.raises(DataError, match=f"Cannot download {url}/deu_Latn\\.jsonl"):
        files.require("passages", language=GERMAN)


@pytest.mark.parametrize("kind", ["data_dir", "offline"])
def test_nothing_is_downloaded_with_a_data_folder_or_offline(tmp_path, web, kind):
    url, folder = web.url, web.folder
    write(folder / "deu_Latn.jsonl", "content")
    where = {"data_dir": tmp_path} if kind == "data_dir" else {"offline": True}
    location = DataLocation(cache_dir=tmp_path / "cache", **where)
    files = make_files(tmp_path, location, url=url + "/{variant}.jsonl")
    assert files.find("passages", language=GERMAN) is None
    assert web.asked == []


def test_fetched_files_are_found_offline_and_with_a_data_folder(tmp_path, web):
    url, folder = web.url, web.folder
    for variant in ("eng_Latn", "deu_Latn"):
        write(folder / f"{variant}.jsonl", variant)
    cache = tmp_path / "cache"
    fetched = list(make_files(tmp_path, DataLocation(cache_dir=cache), url=url + "/{variant}.jsonl").fetch())
    assert [path.read_text() for path in fetched] == ["eng_Latn", "deu_Latn"]
    location = DataLocation(cache_dir=cache, data_dir=tmp_path, offline=True)
    files = make_files(tmp_path, location, url=url + "/{variant}.jsonl")
    assert files.require("passages", language=GERMAN) == fetched[1]


def test_members_of_a_zip_file_are_unpacked_from_one_download(tmp_path, web):
    url, folder = web.url, web.folder
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("in/eng_Latn.jsonl", "english")
        archive.writestr("in/deu_Latn.jsonl", "german")
    write(folder / "all.zip", buffer.getvalue())
    location = DataLocation(cache_dir=tmp_path / "cache")
    files = make_files(tmp_path, location, url=url + "/all.zip", member="in/{variant}.jsonl")
    assert [path.read_text() for path in files.fetch()] == ["english", "german"]
    assert web.asked == ["/all.zip"]


@pytest.mark.parametrize(("content", "message"), [(b"no zip", "cannot unpack"), (None, "has no member in/deu_Latn")])
def test_a_broken_zip_file_is_an_error(tmp_path, web, content, message):
    url, folder = web.url, web.folder
    if content is None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("other", "x")
        content = buffer.getvalue()
    write(folder / "all.zip", content)
    location = DataLocation(cache_dir=tmp_path / "cache")
    files = make_files(tmp_path, location, url=url + "/all.zip", member="in/{variant}.jsonl")
    with pytest.raises(DataError, match=message):
        files.require("passages", language=GERMAN)
    assert not list((tmp_path / "cache").rglob("*.tmp"))


HUB = {"repo": "facebook/belebele", "revision": "0" * 40, "path": "data/{variant}.jsonl"}


def test_hub_files_are_asked_for_at_the_pinned_revision(tmp_path, monkeypatch):
    asked = []

    def fake(repo, name, **arguments):
        asked.append((repo, name, arguments))
        return str(write(tmp_path / "hub" / name, "content"))

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fake)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda url: SimpleNamespace(size=7))
    files = make_files(tmp_path, DataLocation(cache_dir=tmp_path / "cache"), hub=HUB)
    assert files.require("passages", language=GERMAN).read_text() == "content"
    cache = str(tmp_path / "cache" / "hub")
    arguments = {"repo_type": "dataset", "revision": "0" * 40, "cache_dir": cache}
    assert asked == [("facebook/belebele", "data/deu_Latn.jsonl", arguments)]


def test_hub_files_in_the_hubs_cache_are_found_offline(tmp_path):
    location = DataLocation(cache_dir=tmp_path / "cache", offline=True)
    files = make_files(tmp_path, location, hub=HUB)
    assert files.find("passages", language=GERMAN) is None
    snapshot = tmp_path / "cache" / "hub" / "datasets--facebook--belebele" / "snapshots" / ("0" * 40)
    path = write(snapshot / "data" / "deu_Latn.jsonl", "content")
    assert files.find("passages", language=GERMAN) == path
