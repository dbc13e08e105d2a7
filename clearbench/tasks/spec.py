"""A task definition: what `tasks/*.toml` says, checked when it is read.

A task file names a reader (a format), the languages as the data set spells them, where the files are, and how many
queries and passages there must be. It holds no code.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from clearbench.common.errors import UsageError
from clearbench.common.languages import Language, find_language, parse_language
from clearbench.common.measures import MAIN_MEASURE, RULES, ScoringRule
from clearbench.common.pairs import parse_pair
from clearbench.common.strict import StrictModel
from clearbench.tasks.download import check_url
from clearbench.tasks.pattern import check_pattern, check_relative, check_value

Count = int | tuple[int, ...]
"""A number, or several for different editions of the files."""


class HubFile(StrictModel):
    """A file of a data set on the Hugging Face Hub; files only, never a loading script.

    Attributes:
        repo: Name of the data set, such as `facebook/belebele`.
        revision: Full commit hash, so that the data cannot change unnoticed.
        path: Path pattern in the repository.
    """

    repo: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    path: str

    _check_path = field_validator("path")(check_relative)


class Source(StrictModel):
    """One kind of file of a task, and the places where it is looked for.

    Attributes:
        key: Name by which the reader asks for it.
        without: Languages, spelled as in the task file, that have no such file although every other language has one.
        local: Path patterns tried in order under the data folder.
        bundled: Path pattern relative to the task file's own folder.
        hub: Where it is on the Hub.
        url: URL pattern.
        member: Path pattern inside the zip file that `url` gives.
        sha256: File name (the end of the filled URL or Hub path) -> SHA-256.
        max_mb: Largest size in MB of a download and of what it unpacks to, if `download.LARGEST_MB` is too small.
    """

    key: str
    without: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    bundled: str | None = None
    hub: HubFile | None = None
    url: str | None = None
    member: str | None = None
    sha256: Mapping[str, str] = Field(default_factory=dict)
    max_mb: int | None = Field(default=None, ge=1)

    @field_validator("local")
    @classmethod
    def _check_local(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_relative(pattern) for pattern in patterns)

    @field_validator("bundled", "member")
    @classmethod
    def _check_relative(cls, pattern: str | None) -> str | None:
        return pattern if pattern is None else check_relative(pattern)

    @field_validator("url")
    @classmethod
    def _check_url(cls, pattern: str | None) -> str | None:
        return pattern if pattern is None else check_pattern(check_url(pattern))

    @field_validator("sha256")
    @classmethod
    def _check_sha256(cls, table: Mapping[str, str]) -> Mapping[str, str]:
        for name, value in table.items():
            if not re.fullmatch(r"[0-9a-f]{64}", value):
                raise ValueError(f"SHA-256 of {name!r} is {value!r}, expected 64 hexadecimal digits")
        return table

    @model_validator(mode="after")
    def _check_places(self) -> Self:
        if not (self.local or self.bundled or self.hub or self.url):
            raise ValueError("a source needs at least one of local, bundled, hub, url")
        if self.hub and self.url:
            raise ValueError("a source has either hub or url, not both")
        if self.member and not self.url:
            raise ValueError("member is a path in the zip file that url gives: url is missing")
        return self


class ExpectedCounts(StrictModel):
    """Counts that loading must give; the two tables override the two numbers for a language or a pair.

    Attributes:
        queries: Queries of each pair.
        passages: Passages of each pool.
        queries_by: Pair such as `ar-en`, or query language -> queries.
        passages_by: Pair, or passage language -> passages of its pool.
    """

    queries: Count | None = None
    passages: Count | None = None
    queries_by: Mapping[str, Count] = Field(default_factory=dict)
    passages_by: Mapping[str, Count] = Field(default_factory=dict)

    @field_validator("queries_by", "passages_by")
    @classmethod
    def _read_names(cls, table: Mapping[str, Count]) -> Mapping[str, Count]:
        """Return the table with languages and pairs as they print; an unknown name would check nothing."""
        named: dict[str, Count] = {}
        for name, number in table.items():
            try:
                printed = str(find_language(name) or parse_pair(name))
            except UsageError as error:
                raise ValueError(str(error)) from None
            if printed in named:
                raise ValueError(f"{name!r} is {printed}, which is already in the table")
            named[printed] = number
        return named


class TaskSpec(StrictModel):
    """A task definition.

    Attributes:
        name: The name by which commands know it; also the file's name.
        version: Raised whenever a change can change a score.
        title: One line for tables.
        description: What is retrieved from what, and what to know about it.
        licence: The data set's licence.
        citation: Paper or data set to cite.
        homepage: The data set's page.
        reader: Format of the files: a key of `formats.table.FORMATS`.
        languages: Languages as the data set spells them, in the order of all tables.
        names: Language as in `languages` -> what `{name}` in file patterns stands for, where that is another spelling.
        default_pairs: Pair patterns of a run that names none.
        judged_by: What decides relevance: judgements, or answer strings by XOR's or MKQA's rule.
        main_measure: The measure shown where there is room for only one.
        options: Reader options.
        sources: Where the files are.
        expected: Counts that are checked after loading.
        home: Folder that `bundled` paths start from: the task file's own. Not a key of the file.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: int = Field(default=1, ge=1)
    title: str = ""
    description: str = ""
    licence: str = ""
    citation: str = ""
    homepage: str = ""
    reader: str
    languages: tuple[str, ...] = ()
    names: Mapping[str, str] = Field(default_factory=dict)
    default_pairs: str = "*-*"
    judged_by: ScoringRule = "qrels"
    main_measure: str = MAIN_MEASURE
    options: Mapping[str, Any] = Field(default_factory=dict)
    sources: tuple[Source, ...]
    expected: ExpectedCounts = ExpectedCounts()
    home: Path | None = Field(default=None, exclude=True)

    @field_validator("languages")
    @classmethod
    def _check_languages(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        seen: dict[Language, str] = {}
        for name in names:
            try:
                language = parse_language(name)
            except UsageError as error:
                raise ValueError(str(error)) from None
            if language in seen:
                raise ValueError(f"{name!r} and {seen[language]!r} are the same language")
            seen[language] = name
        return names

    @field_validator("sources")
    @classmethod
    def _check_sources(cls, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        if not sources:
            raise ValueError("a task needs at least one source")
        keys = [source.key for source in sources]
        if repeated := {key for key in keys if keys.count(key) > 1}:
            raise ValueError(f"source key {min(repeated)!r} is used twice")
        return sources

    @field_validator("names")
    @classmethod
    def _check_names(cls, names: Mapping[str, str], info: ValidationInfo) -> Mapping[str, str]:
        for language, name in names.items():
            if language not in info.data.get("languages", ()):
                raise ValueError(f"{language!r} is not a language of the task")
            check_value(name)
        return names

    @model_validator(mode="after")
    def _check_without(self) -> Self:
        for source in self.sources:
            if unknown := [name for name in source.without if name not in self.languages]:
                raise ValueError(f"source {source.key!r}: without: {unknown[0]!r} is not a language of the task")
        return self

    @model_validator(mode="after")
    def _check_measure(self) -> Self:
        known = (*RULES[self.judged_by].measures, *RULES[self.judged_by].mixed_measures)
        if self.main_measure not in known:
            raise ValueError(f"main_measure: found {self.main_measure!r}, expected one of: {', '.join(known)}")
        return self

    @property
    def has_qrels(self) -> bool:
        """Whether the task judges passages; if not, answers decide what a hit is."""
        return RULES[self.judged_by].judges_passages

    @cached_property
    def spellings(self) -> Mapping[Language, str]:
        """Language -> its spelling in the data set's file names, in the task's order."""
        return {parse_language(name): name for name in self.languages}

    def source(self, key: str) -> Source | None:
        """Return the source with that key, None if the task has none."""
        return next((source for source in self.sources if source.key == key), None)
