"""Downloading one file so that it appears under its name only when it is complete and right."""

import shutil
import zipfile
from pathlib import Path

from clearbench.common.errors import DataError
from clearbench.common.hashing import file_sha256


def download_hub_file(repo: str, revision: str, name: str, cache_dir: str | None, sha256: str | None) -> Path:
    """Download a file of a data set on the Hugging Face Hub, or find it in the Hub's cache; no script is ever run.

    Args:
        repo: Name of the data set, such as `facebook/belebele`.
        revision: Full commit hash.
        name: Path in the repository.
        cache_dir: Cache folder; None is huggingface_hub's own, which other programs share.
        sha256: Expected SHA-256, if known.
    Raises:
        DataError: It cannot be downloaded, or is another file.
    """
    from huggingface_hub import hf_hub_download

    try:
        path = Path(hf_hub_download(repo, name, repo_type="dataset", revision=revision, cache_dir=cache_dir))
    except Exception as error:  # each version of huggingface_hub has the errors of another HTTP client
        reason = str(error).strip().partition("\n")[0]
        raise DataError(f"Cannot download {name} of {repo} at revision {revision}: {reason}") from error
    if sha256 and (found := file_sha256(path)) != sha256:
        raise DataError(f"{name} of {repo}: the file has SHA-256 {found}, the task file expects {sha256}.")
    return path


def download_url(url: str, path: Path, sha256: str | None) -> None:
    """Download a URL; a file with another SHA-256 than expected is thrown away.

    Args:
        url: What to download.
        path: Where the file appears when it is complete.
        sha256: Expected SHA-256, if known.
    Raises:
        DataError: It cannot be downloaded or written, or is another file.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(
            url,
            known_hash=f"sha256:{sha256}" if sha256 else None,
            fname=path.name,
            path=path.parent,
            downloader=pooch.HTTPDownloader(timeout=60),
        )
    except ValueError as error:
        raise DataError(f"{url}: the file has another SHA-256 than the task file expects ({sha256}).") from error
    except OSError as error:
        raise DataError(f"Cannot download {url} to {path}: {error}") from error


def unpack(archive: Path, member: str, target: Path) -> None:
    """Write one member of a zip file to `target`, under a temporary name first.

    Args:
        archive: The zip file.
        member: Path of the member inside it.
        target: Where the member appears when it is complete.
    Raises:
        DataError: The archive is broken, has no such member, or the target cannot be written.
    """
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(archive) as files, files.open(member) as stream, temporary.open("wb") as out:
            shutil.copyfileobj(stream, out)
        temporary.replace(target)
    except KeyError:
        raise DataError(f"{archive}: the zip file has no member {member}.") from None
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{archive}: cannot unpack {member}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
