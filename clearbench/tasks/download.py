"""Downloading one file. It gets its name only when it is complete, has the expected hash, and is not too large.

An interrupted download continues where it stopped, in the same run or in the next.
"""

import os
import time
import zipfile
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from clearbench.common.errors import DataError
from clearbench.common.hashing import file_sha256
from clearbench.common.text import first_line

LARGEST_MB = 4_000
"""Largest size of a download, and of what it unpacks to, unless the task file gives another."""
MEGABYTE = 1_000_000
TRIES = 5
PAUSE = 1.0
"""Seconds before the second try; before each further one, this much more."""
MOST_REDIRECTS = 5
CHUNK = 1 << 16
"""Bytes read at once: at most these are lost when a connection breaks."""
SECONDS_WITHOUT_DATA = 60

_SMALL, _RATIO = 64 << 20, 100
"""A member may unpack to the first number of bytes, or to the second number times its packed size if that is more."""


def check_url(url: str) -> str:
    """Return a URL that may be downloaded: https, or http on this machine.

    Raises:
        ValueError: It is another kind of URL.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")):
        return url
    raise ValueError(f"{url[:200]!r} is not an https URL; http is allowed for this machine only")


def download_hub_file(
    repo: str, revision: str, name: str, cache_dir: str | None, sha256: str | None, max_mb: int | None = None
) -> Path:
    """Download a file of a data set on the Hugging Face Hub, or find it in the Hub's cache; scripts are never run.

    Args:
        repo: Name of the data set, such as `facebook/belebele`.
        revision: Full commit hash.
        name: Path in the repository.
        cache_dir: Cache folder; None is huggingface_hub's own, shared with other programs.
        sha256: Expected SHA-256, if known.
        max_mb: Largest size; None is LARGEST_MB.
    Raises:
        DataError: It cannot be downloaded, is too large, or has another hash.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    try:
        size = get_hf_file_metadata(hf_hub_url(repo, name, repo_type="dataset", revision=revision)).size or 0
        _check_size(f"{name} of {repo}", size, max_mb)
        path = Path(hf_hub_download(repo, name, repo_type="dataset", revision=revision, cache_dir=cache_dir))
    except DataError:
        raise
    except Exception as error:  # its versions raise the errors of different HTTP clients
        raise DataError(f"Cannot download {name} of {repo} at revision {revision}: {first_line(error)}") from error
    if sha256 and (found := file_sha256(path)) != sha256:
        raise DataError(f"{name} of {repo}: the file has SHA-256 {found}, the task file expects {sha256}.")
    return path


def download_url(url: str, path: Path, sha256: str | None, max_mb: int | None = None) -> None:
    """Download a URL; a file with another SHA-256 than expected is deleted.

    Args:
        url: What to download.
        path: Where the file appears when it is complete.
        sha256: Expected SHA-256, if known.
        max_mb: Largest size; None is LARGEST_MB.
    Raises:
        DataError: It cannot be downloaded or written, is too large, or has another hash.
    """
    from filelock import FileLock

    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            if path.exists():  # another process has downloaded it in the meantime
                return
            _download_part(url, part, max_mb)
            if sha256 and (found := file_sha256(part)) != sha256:
                part.unlink()
                raise DataError(f"{url}: the file has another SHA-256 than the task file expects: {found}.")
            part.replace(path)
    except OSError as error:
        raise DataError(f"Cannot download {url} to {path}: {error}") from error
    finally:
        if not part.exists():
            _tag_path(part).unlink(missing_ok=True)


def unpack(archive: Path, member: str, target: Path, max_mb: int | None = None) -> None:
    """Write one member of a zip file to `target`, under a temporary name first; no other member is read.

    Args:
        archive: The zip file.
        member: Path of the member inside it.
        target: Where the member appears when it is complete.
        max_mb: Largest size; None is LARGEST_MB, or a hundred times the packed size where that is less.
    Raises:
        DataError: The archive is broken, has no such member, the target cannot be written, or it is too large.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(archive) as files:
            info = files.getinfo(member)
            most = (LARGEST_MB if max_mb is None else max_mb) * MEGABYTE
            if max_mb is None:
                most = min(most, max(_SMALL, _RATIO * info.compress_size))
            with files.open(info) as stream, temporary.open("wb") as out:
                _copy_bounded(stream, out, most, f"{archive}: {member} of {info.compress_size:,} bytes")
        temporary.replace(target)
    except KeyError:
        raise DataError(f"{archive}: the zip file has no member {member}.") from None
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise DataError(f"{archive}: cannot unpack {member}: {first_line(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _copy_bounded(stream: IO[bytes], out: IO[bytes], most: int, what: str) -> None:
    left = most
    while data := stream.read(1 << 20):
        left -= len(data)
        if left < 0:
            raise DataError(
                f"{what} unpacks to more than {most:,}, which no text does. If that is right, set max_mb = ... in "
                "the task file's source."
            )
        out.write(data)


def _download_part(url: str, part: Path, max_mb: int | None) -> None:
    """Download to a file that may hold the beginning already; try again when the connection breaks."""
    import requests

    for attempt in range(1, TRIES + 1):
        try:
            with requests.Session() as session:
                _download_rest(session, url, part, max_mb)
            return
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            if attempt == TRIES:
                raise DataError(
                    f"Cannot download {url}: {first_line(error)} ({TRIES} tries). What has arrived is kept: the next "
                    "try continues from there."
                ) from error
            time.sleep(PAUSE * attempt)


def _download_rest(session: Any, url: str, part: Path, max_mb: int | None) -> None:
    import requests

    tag = _read_tag(part, url)
    start = part.stat().st_size if tag and part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-", "If-Range": tag} if start else {})
    with _request(session, url, headers) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            raise requests.ConnectionError("the file has become shorter")
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            start = 0  # the server sends the whole file: it has changed, or cannot send a part
        length = response.headers.get("Content-Length", "")
        if length.isdigit():
            _check_size(url, start + int(length), max_mb)
        _write_tag(part, url, response.headers)
        size = start
        with part.open("r+b" if start else "wb") as out:
            out.seek(start)
            for data in response.iter_content(CHUNK):
                size += len(data)
                _check_size(url, size, max_mb)
                out.write(data)
            out.truncate()
            out.flush()
            os.fsync(out.fileno())
    if length.isdigit() and "Content-Encoding" not in response.headers and size != start + int(length):
        raise requests.ConnectionError(f"{size:,} of {start + int(length):,} bytes have arrived")


def _request(session: Any, url: str, headers: dict[str, str]) -> Any:
    """Request a URL, and follow redirects to other URLs that may be downloaded.

    Raises:
        DataError: A redirect leads to a URL that may not be downloaded, or there are too many redirects.
    """
    target = url
    for _ in range(MOST_REDIRECTS + 1):
        response = session.get(
            target, headers=headers, stream=True, timeout=SECONDS_WITHOUT_DATA, allow_redirects=False
        )
        if not response.is_redirect:
            return response
        target = urljoin(target, response.headers["Location"])
        response.close()
        try:
            check_url(target)
        except ValueError as error:
            raise DataError(f"Cannot download {url}: it redirects to {error}.") from None
    raise DataError(f"Cannot download {url}: it redirects more than {MOST_REDIRECTS} times.")


def _check_size(what: str, size: int, max_mb: int | None) -> None:
    most = LARGEST_MB if max_mb is None else max_mb
    if size > most * MEGABYTE:
        raise DataError(f"{what}: larger than {most:,} MB. If that is right, set max_mb = ... in the task's source.")


def _tag_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _read_tag(part: Path, url: str) -> str:
    """Return the tag by which the server tells whether a part is still of the same file; "" if there is none."""
    try:
        lines = _tag_path(part).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return lines[1] if len(lines) == 2 and lines[0] == url else ""


def _write_tag(part: Path, url: str, headers: Any) -> None:
    etag = headers.get("ETag", "")
    tag = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")
    if tag and "Content-Encoding" not in headers:
        _tag_path(part).write_text(f"{url}\n{tag}\n", encoding="utf-8")
    else:
        _tag_path(part).unlink(missing_ok=True)
