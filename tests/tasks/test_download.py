"""Downloading: complete or not there, right, bounded, and resumed where it broke off; against a local server."""

import hashlib
import random
import threading
import zipfile
from types import SimpleNamespace

import pytest
from builders.files import write
from builders.web import Web

from clearbench.common.errors import DataError
from clearbench.tasks import download
from clearbench.tasks.download import CHUNK, check_url, download_hub_file, download_url, unpack

CONTENT = random.Random(7).randbytes(3 << 20)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def web(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.0)
    with Web(tmp_path / "web") as server:
        write(server.folder / "a.bin", CONTENT)
        yield server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "a.bin"


def files_in(folder):
    return sorted(file.name for file in folder.iterdir() if file.suffix != ".lock")


@pytest.mark.parametrize(
    "url", ["https://x.org/a", "http://localhost:1/a", "http://127.0.0.1/a", "http://[::1]/a", "HTTPS://x.org"]
)
def test_https_and_this_machine_may_be_asked(url):
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    ["http://x.org/a", "http://127.0.0.1.x.org", "http://localhost@x.org/a", "ftp://x", "file:///etc/passwd", "x"],
)
def test_anything_else_may_not(url):
    with pytest.raises(ValueError, match="is not an https URL"):
        check_url(url)


@pytest.mark.parametrize("known", [SHA256, None])
@pytest.mark.parametrize("lengths", [True, False])
def test_a_file_appears_when_it_is_complete(web, path, known, lengths):
    web.lengths = lengths
    download_url(f"{web.url}/a.bin", path, known)
    assert path.read_bytes() == CONTENT and files_in(path.parent) == ["a.bin"]


def test_an_interrupted_download_continues_in_the_same_call(web, path):
    web.break_after = 1 << 20
    download_url(f"{web.url}/a.bin", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert web.asked == ["/a.bin", f"/a.bin from {1 << 20}", f"/a.bin from {2 << 20}"]


def test_a_failed_download_continues_in_the_next_call(web, path):
    web.break_after = 100_000
    with pytest.raises(
        DataError, match=r"Cannot download .*\(5 tries\)\. What has arrived is kept: the next try continues"
    ):
        download_url(f"{web.url}/a.bin", path, SHA256)
    assert not path.exists() and files_in(path.parent) == [".a.bin.part", ".a.bin.part.tag"]
    web.break_after, web.asked = None, []
    download_url(f"{web.url}/a.bin", path, SHA256)
    assert path.read_bytes() == CONTENT and web.asked == [f"/a.bin from {5 * CHUNK}"]
    assert files_in(path.parent) == ["a.bin"]


@pytest.mark.parametrize("changed", [{"etag": '"2"'}, {"etag": ""}, {"ranges": False}])
def test_a_file_that_has_changed_or_cannot_be_continued_is_downloaded_again(web, path, changed):
    web.break_after = 100_000
    with pytest.raises(DataError):
        download_url(f"{web.url}/a.bin", path, None)
    other = CONTENT[::-1]
    write(web.folder / "a.bin", other)
    web.break_after, web.asked = None, []
    for name, value in changed.items():
        setattr(web, name, value)
    download_url(f"{web.url}/a.bin", path, None)
    assert path.read_bytes() == other and web.asked == ["/a.bin"]


def test_a_file_that_has_become_shorter_is_downloaded_again(web, path):
    write(path.parent / ".a.bin.part", b"x" * (4 << 20))
    write(path.parent / ".a.bin.part.tag", f'{web.url}/a.bin\n"1"\n')
    download_url(f"{web.url}/a.bin", path, SHA256)
    assert path.read_bytes() == CONTENT


def test_a_part_of_another_url_is_not_continued(web, path):
    write(path.parent / ".a.bin.part", b"x" * 1000)
    write(path.parent / ".a.bin.part.tag", f'{web.url}/other\n"1"\n')
    download_url(f"{web.url}/a.bin", path, SHA256)
    assert web.asked == ["/a.bin"]


def test_a_file_with_another_sha256_is_thrown_away(web, path):
    with pytest.raises(DataError, match=f"another SHA-256 than the task file expects: {SHA256}"):
        download_url(f"{web.url}/a.bin", path, "0" * 64)
    assert files_in(path.parent) == []


@pytest.mark.parametrize("lengths", [True, False])
def test_a_file_that_is_too_large_is_refused(web, path, lengths):
    web.lengths = lengths
    with pytest.raises(DataError, match=r"larger than 2 MB\. If that is right, set max_mb"):
        download_url(f"{web.url}/a.bin", path, None, max_mb=2)
    assert not path.exists()
    download_url(f"{web.url}/a.bin", path, None, max_mb=4)
    assert path.read_bytes() == CONTENT


def test_redirects_lead_only_to_allowed_urls_and_end(web, path):
    web.redirects = {"/to": "/a.bin", "/out": "http://example.org/a.bin", "/file": "file:///etc/passwd", "/on": "/on"}
    download_url(f"{web.url}/to", path, SHA256)
    assert path.read_bytes() == CONTENT
    for name in ("out", "file"):
        with pytest.raises(DataError, match=r"it redirects to '.*' is not an https URL|it redirects to '.*' is not"):
            download_url(f"{web.url}/{name}", path.with_name(name), None)
    with pytest.raises(DataError, match="redirects more than 5 times"):
        download_url(f"{web.url}/on", path.with_name("on"), None)


def test_a_missing_file_is_an_error_at_once(web, path):
    with pytest.raises(DataError, match=r"Cannot download .*404"):
        download_url(f"{web.url}/none", path, None)


def test_downloads_of_one_file_at_once_give_that_file_once(web, path):
    threads = [threading.Thread(target=download_url, args=(f"{web.url}/a.bin", path, SHA256)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == CONTENT and web.asked == ["/a.bin"]


def make_zip(path, **members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_only_the_member_asked_for_is_unpacked(tmp_path):
    archive = make_zip(tmp_path / "a.zip", **{"in/a": "wanted", "../victim": "not wanted", "/etc/x": "neither"})
    unpack(archive, "in/a", tmp_path / "a.files" / "in" / "a")
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()) == [
        "a.files/in/a",
        "a.zip",
    ]


def test_a_member_that_unpacks_to_far_more_than_a_text_can_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_SMALL", 1 << 20)
    archive, target = make_zip(tmp_path / "a.zip", bomb=b"\0" * (3 << 20)), tmp_path / "out"
    with pytest.raises(DataError, match=r"bomb of .* unpacks to more than 1,048,576, which no text does\. .*max_mb"):
        unpack(archive, "bomb", target)
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]
    with pytest.raises(DataError, match="unpacks to more than 2,000,000"):
        unpack(archive, "bomb", target, max_mb=2)
    unpack(archive, "bomb", target, max_mb=4)
    assert target.stat().st_size == 3 << 20


def test_a_zip_file_with_a_wrong_member_size_is_an_error(tmp_path):
    archive = make_zip(tmp_path / "a.zip", lie=b"x" * 5000)
    archive.write_bytes(archive.read_bytes().replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    with pytest.raises(DataError, match="cannot unpack lie"):
        unpack(archive, "lie", tmp_path / "out")


def test_a_hub_download_that_fails_is_an_error_with_its_first_line(monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("no such revision\nand so on")

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", fail)
    with pytest.raises(DataError, match=r"Cannot download x of a/b at revision c: no such revision$"):
        download_hub_file("a/b", "c", "x", None, None)


def test_a_hub_file_that_is_too_large_is_not_downloaded(monkeypatch):
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda url: SimpleNamespace(size=5 * 10**9))
    with pytest.raises(DataError, match=r"x of a/b: larger than 4,000 MB"):
        download_hub_file("a/b", "c", "x", None, None)


def test_a_hub_file_with_another_sha256_is_an_error(tmp_path, monkeypatch):
    path = write(tmp_path / "x", "content")
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda url: SimpleNamespace(size=7))
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *args, **kwargs: str(path))
    with pytest.raises(DataError, match=f"SHA-256 {hashlib.sha256(b'content').hexdigest()}, the task file expects 12"):
        download_hub_file("a/b", "c", "x", None, "12")
