"""Finding the files of a task: in a data folder, in the download cache, else on the Hub or at a URL.

With a data folder, or offline, nothing is ever downloaded. Downloads have a pinned revision, or a known SHA-256 where
the task file gives one; they get their name only when they are complete.
"""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from clearbench.common.environment import default_cache
from clearbench.common.errors import DataError, MissingFileError, TaskError
from clearbench.common.languages import Language
from clearbench.common.pairs import Pair
from clearbench.tasks.download import download_hub_file, download_url, unpack
from clearbench.tasks.options import DataLocation
from clearbench.tasks.pattern import PLACEHOLDERS, check_value, check_writable, fill, path_below
from clearbench.tasks.spec import Source, TaskSpec


@dataclass(frozen=True)
class UsedFile:
    """A file that a load opened, and the SHA-256 that the task file has for it."""

    path: Path
    sha256: str | None
    downloaded: bool


class SourceFiles:
    """Finds the files of one task, and keeps a list of those that it returned."""

    def __init__(self, spec: TaskSpec, location: DataLocation, split: str = "") -> None:
        """Find the files of a task where the user allows it.

        Args:
            spec: The task.
            location: Where files may come from.
            split: Value of `{split}` in file names.
        Raises:
            DataError: The data folder does not exist.
        """
        self.spec = spec
        self.location = location
        self.used: dict[Path, UsedFile] = {}
        self._split = split
        if location.data_dir is not None and not location.data_dir.is_dir():
            raise DataError(f"--data-dir {location.data_dir}: there is no such folder.")

    def has(self, key: str) -> bool:
        """Return whether the task file has a source of that key."""
        return self.spec.source(key) is not None

    def find(self, key: str, *, language: Language | None = None, pair: Pair | None = None) -> Path | None:
        """Return the file of a source, downloaded if that is allowed; None if it does not exist.

        Args:
            key: The source's key in the task file.
            language: The language, for a source with one file per language.
            pair: The pair, for a source with one file per pair.
        Raises:
            DataError: A download failed or gave another file than the task file describes.
        """
        if (path := self.find_local(key, language=language, pair=pair)) is not None:
            return path
        source = self._source(key)
        fields = self._fields(language, pair)
        path_in_cache = self._find_cached(source, fields)
        if path_in_cache is None and self.location.downloads and (source.url or source.hub):
            path_in_cache = self._download(source, fields)
        return None if path_in_cache is None else self._record_use(source, fields, path_in_cache, downloaded=True)

    def find_local(self, key: str, *, language: Language | None = None, pair: Pair | None = None) -> Path | None:
        """Return the file of a source in the data folder or with the task file, as `find` does, without a download.

        Args:
            key: The source's key in the task file.
            language: The language, for a source with one file per language.
            pair: The pair, for a source with one file per pair.
        """
        source = self._source(key)
        fields = self._fields(language, pair)
        for path in self._local_paths(source, fields):
            if path.exists():
                return self._record_use(source, fields, path, downloaded=False)
        return None

    def require(self, key: str, *, language: Language | None = None, pair: Pair | None = None) -> Path:
        """Return the file of a source.

        Args:
            key: The source's key in the task file.
            language: The language, for a source with one file per language.
            pair: The pair, for a source with one file per pair.
        Raises:
            DataError: It does not exist; the message names the paths that were tried and what to do.
        """
        path = self.find(key, language=language, pair=pair)
        if path is None:
            raise self.missing_error(key, language=language, pair=pair)
        return path

    def missing_error(
        self, key: str, *, language: Language | None = None, pair: Pair | None = None
    ) -> MissingFileError:
        """Return the error for a file that does not exist.

        Args:
            key: The source's key in the task file.
            language: The language, for a source with one file per language.
            pair: The pair, for a source with one file per pair.
        """
        source = self._source(key)
        fields = self._fields(language, pair)
        what = f" for {language or pair}" if language or pair else ""
        tried = [str(path) for path in self._local_paths(source, fields)]
        lines = [f"{self.spec.name}: no {key} file{what}."]
        if tried:
            lines.append(f"Looked for: {', '.join(tried)}.")
        elif source.local:
            lines.append("No data folder was given (--data-dir).")
        names = ", ".join(fill(pattern, fields) for pattern in source.local)
        if source.url or source.hub:
            lines.append(f"Download it with `clearbench tasks fetch {self.spec.name} {key}`.")
        elif names:
            lines.append(f"It is not on the web: --data-dir must hold {names}.")
        else:
            lines.append("It belongs to the task file and should be in the same folder.")
        return MissingFileError(" ".join(lines))

    def fetch(self, keys: tuple[str, ...] = ()) -> Iterator[Path]:
        """Yield the path of each file of the task (of the given sources, or of all), after downloading it to the cache.

        Raises:
            DataError: A download failed.
            TaskError: No source has the key.
        """
        for key in keys:
            self._source(key)
        for source in self.spec.sources:
            if (keys and source.key not in keys) or not (source.url or source.hub):
                continue
            pattern = f"{source.url or ''}{source.member or ''}{source.hub.path if source.hub else ''}"
            for language, pair in self.combinations(source, pattern):
                fields = self._fields(language, pair)
                yield self._find_cached(source, fields) or self._download(source, fields)

    def official_languages(self, key: str) -> tuple[Language, ...]:
        """Return the languages of the task that have an official file of a source.

        Raises:
            TaskError: No source has the key.
        """
        spellings, lacking = self.spec.spellings, self._source(key).without
        return tuple(language for language, spelling in spellings.items() if spelling not in lacking)

    def combinations(self, source: Source, pattern: str) -> Iterator[tuple[Language | None, Pair | None]]:
        """Yield the language or the pair of each file of a source; one (None, None) if it is a single file.

        Args:
            source: A source of the task.
            pattern: The source's paths or URL; their placeholders say whether a file belongs to a language or a pair.
        """
        languages = tuple(self.spec.spellings)
        if "{query}" in pattern or "{passage}" in pattern:
            yield from ((None, Pair(*sides)) for sides in itertools.product(languages, repeat=2))
        elif any(f"{{{name}}}" in pattern for name in ("language", "short", "variant", "name")):
            yield from ((language, None) for language in self.official_languages(source.key))
        else:
            yield None, None

    def _source(self, key: str) -> Source:
        source = self.spec.source(key)
        if source is None:
            keys = ", ".join(source.key for source in self.spec.sources)
            raise TaskError(f"Task {self.spec.name} has no [[sources]] entry with key {key!r}; it has: {keys}.")
        return source

    def _fields(self, language: Language | None, pair: Pair | None) -> dict[str, str]:
        def spell(side: Language) -> str:
            return self.spec.spellings.get(side, str(side))

        fields = dict.fromkeys(PLACEHOLDERS, "") | {"split": self._split}
        if language:
            fields |= {"language": spell(language), "short": str(language), "variant": language.variant}
            fields["name"] = self.spec.names.get(spell(language), spell(language))
        if pair:
            fields |= {"query": spell(pair.query), "passage": spell(pair.passage)}
        return fields

    def _local_paths(self, source: Source, fields: Mapping[str, str]) -> list[Path]:
        paths = []
        if source.bundled and self.spec.home:
            paths.append(path_below(self.spec.home, source.bundled, fields))
        if self.location.data_dir is not None:
            paths += [path_below(self.location.data_dir, pattern, fields) for pattern in source.local]
        return paths

    def _record_use(self, source: Source, fields: Mapping[str, str], path: Path, *, downloaded: bool) -> Path:
        self.used[path] = UsedFile(path, source.sha256.get(_download_name(source, fields)), downloaded)
        return path

    def _find_cached(self, source: Source, fields: Mapping[str, str]) -> Path | None:
        if source.url:
            path = self._archive_member(source, fields) or self._url_path(source, fields)
            return path if path.exists() else None
        if source.hub:
            from huggingface_hub import try_to_load_from_cache

            found = try_to_load_from_cache(
                source.hub.repo,
                fill(source.hub.path, fields),
                cache_dir=self._hub_cache_folder(),
                revision=source.hub.revision,
                repo_type="dataset",
            )
            return Path(found) if isinstance(found, str) else None
        return None

    def _download(self, source: Source, fields: Mapping[str, str]) -> Path:
        sha256 = source.sha256.get(_download_name(source, fields))
        if source.hub:
            name = fill(source.hub.path, fields)
            repo, revision = source.hub.repo, source.hub.revision
            return download_hub_file(repo, revision, name, self._hub_cache_folder(), sha256, source.max_mb)
        assert source.url is not None  # the caller has checked that there is a hub or a url
        path = self._url_path(source, fields)
        if not path.exists():
            download_url(fill(source.url, fields), check_writable(self._cache_folder(), path), sha256, source.max_mb)
        target = self._archive_member(source, fields)
        if source.member is None or target is None:
            return path
        unpack(path, fill(source.member, fields), check_writable(self._cache_folder(), target), source.max_mb)
        return target

    def _url_path(self, source: Source, fields: Mapping[str, str]) -> Path:
        """Return the path in the cache; it depends on URL and SHA-256, so a changed task file downloads again."""
        assert source.url is not None
        url = fill(source.url, fields)
        name = _download_name(source, fields)
        tag = hashlib.sha256(f"{url} {source.sha256.get(name, '')}".encode()).hexdigest()[:16]
        return self._cache_folder() / "data" / self.spec.name / tag / name

    def _archive_member(self, source: Source, fields: Mapping[str, str]) -> Path | None:
        if source.member is None:
            return None
        archive = self._url_path(source, fields)
        return path_below(archive.with_name(f"{archive.name}.files"), source.member, fields)

    def _cache_folder(self) -> Path:
        return self.location.cache_dir or default_cache()

    def _hub_cache_folder(self) -> str | None:
        """Return the Hub's cache folder; None is huggingface_hub's own, shared with other programs."""
        return None if self.location.cache_dir is None else str(self.location.cache_dir / "hub")


def _download_name(source: Source, fields: Mapping[str, str]) -> str:
    """Return the name of a download: the end of its URL or path.

    Raises:
        TaskError: The end of the URL cannot be a file's name.
    """
    pattern = source.url or (source.hub.path if source.hub else "")
    filled = fill(pattern, fields)
    name = filled.partition("?")[0].partition("#")[0].rstrip("/").rpartition("/")[2]
    try:
        return check_value(name)
    except ValueError as error:
        raise TaskError(f"{filled}: the end of the URL: {error}.") from None
