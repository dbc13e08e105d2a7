"""Task definitions: what a task file may say, and messages for what it may not."""

import re

import pytest
from builders.files import write
from builders.tasks import write_task

from clearbench.common.errors import TaskError, UsageError
from clearbench.tasks.catalogue import list_tasks, read_task
from clearbench.tasks.formats.table import FORMATS, reader_options


def test_a_minimal_task_file_is_enough(tmp_path):
    spec = read_task(write_task(tmp_path))
    assert (spec.name, spec.version, spec.default_pairs) == ("tiny", 1, "*-*")
    assert {str(language): name for language, name in spec.spellings.items()} == {"en": "en", "de": "de"}


def test_every_packaged_task_names_a_format_and_every_format_is_named():
    assert {spec.reader for spec in list_tasks()} <= FORMATS.keys()
    assert all(FORMATS[spec.reader].options.model_validate(dict(spec.options)) for spec in list_tasks())


SOURCE = {"key": "passages", "local": ["x"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reader": "belebel"}, "unknown reader 'belebel'.* Did you mean belebele"),
        ({"reader": None}, "reader: missing"),
        ({"versoin": 2}, "versoin: unknown key"),
        ({"home": "x"}, "home: unknown key"),
        ({"version": "two"}, "version: found 'two', expected: .*integer"),
        ({"name": "a b"}, None),
        ({"languages": ["en", "xx"]}, "languages: .*'xx'"),
        ({"languages": ["de", "deu_Latn"]}, "'deu_Latn' and 'de' are the same language"),
        ({"judged_by": "people"}, "judged_by: found 'people'"),
        ({"main_measure": "nDCG@11"}, "main_measure: found 'nDCG@11', expected one of: nDCG@1, "),
        ({"options": {"merge": True}}, "merge: unknown key"),
        ({"sources": []}, "sources: (missing|a task needs at least one source)"),
        ({"sources": [{"key": "a"}]}, "at least one of local, bundled, hub, url"),
        ({"sources": [SOURCE, SOURCE]}, "source key 'passages' is used twice"),
        ({"sources": [{"key": "a", "local": ["{lang}.json"]}]}, "unknown placeholder {lang}"),
        ({"sources": [{"key": "a", "local": ["{language.__class__}"]}]}, "is not a file pattern: braces hold"),
        ({"sources": [{"key": "a", "local": ["{language:>999999999}"]}]}, "is not a file pattern"),
        ({"sources": [{"key": "a", "member": "{split!x}", "url": "https://x"}]}, "is not a file pattern"),
        ({"sources": [{"key": "a", "local": ["{}"]}]}, "is not a file pattern"),
        ({"sources": [{"key": "a", "local": ["{{language}}"]}]}, "is not a file pattern"),
        ({"sources": [{"key": "a", "bundled": "a\\..\\..\\b"}]}, "must be a relative path"),
        ({"sources": [{"key": "a", "bundled": "C:/x"}]}, "must be a relative path"),
        (
            {"sources": [{"key": "a", "url": "http://x.org/a"}]},
            "is not an https URL; http is allowed for this machine only",
        ),
        ({"sources": [{"key": "a", "url": "file:///etc/passwd"}]}, "is not an https URL"),
        ({"sources": [{"key": "a", "url": "https://x", "max_mb": 0}]}, "max_mb: found 0"),
        ({"sources": [{"key": "a", "hub": {"repo": "../x", "revision": "0" * 40, "path": "x"}}]}, "repo: found '../x'"),
        (
            {"reader": "squad", "options": {"layout": "parallel", "split": "../x"}},
            "split: found '../x', expected a name",
        ),
        ({"sources": [{"key": "a", "local": ["{"]}]}, "is not a file pattern"),
        ({"sources": [{"key": "a", "local": ["../x"]}]}, "must be a relative path"),
        ({"sources": [{"key": "a", "local": ["/x"]}]}, "must be a relative path"),
        ({"sources": [{"key": "a", "url": "ftp://x"}]}, "is not an https URL"),
        ({"sources": [{"key": "a", "local": ["x"], "member": "x"}]}, "url is missing"),
        ({"sources": [{"key": "a", "url": "https://x", "sha256": {"x": "12"}}]}, "expected 64 hexadecimal digits"),
        (
            {"sources": [{"key": "a", "hub": {"repo": "a/b", "revision": "main", "path": "x"}}]},
            "revision: found 'main'",
        ),
        ({"expected": {"queries": "many"}}, "expected.queries"),
        ({"expected": {"queries_by": {"english": 1}}}, "expected.queries_by: 'english' is not a language pair"),
        (
            {"expected": {"passages_by": {"de": 1, "deu": 2}}},
            "passages_by: .deu. is de, which is already in the table",
        ),
    ],
)
def test_a_broken_task_file_is_named_with_key_and_what_was_found(tmp_path, changes, message):
    path = write_task(tmp_path, **{"name": "tiny", **changes})
    with pytest.raises(TaskError, match=message) as caught:
        read_task(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "not a TOML file"),
        (b'name = "\xe9"', "not UTF-8 at byte 8"),
        (b"name = " + b"[" * 100_000, "nested hundreds deep"),
        (b"a = " + b"{a = " * 10_000, "nested hundreds deep"),
        (b"name = " + b"9" * 5_000, "not a TOML file"),
        (b"#" * (5 << 20), "more than 4,194,304 bytes; expected a TOML file of settings"),
    ],
)
def test_a_file_that_is_not_toml_is_an_error(tmp_path, content, message):
    with pytest.raises(TaskError, match=re.escape(message)):
        read_task(write(tmp_path / "x.toml", content))


def test_options_of_a_run_take_text_and_are_checked(tmp_path):
    spec = read_task(write_task(tmp_path))
    assert reader_options(spec, {"merge_duplicate_questions": "true"}) != reader_options(spec)
    with pytest.raises(UsageError, match="Options of task tiny: merge: unknown key"):
        reader_options(spec, {"merge": "true"})
