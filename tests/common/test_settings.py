"""Records of options from keyword arguments."""

from pathlib import Path

import pytest

from clearbench.common.environment import default_cache
from clearbench.common.errors import UsageError
from clearbench.common.settings import make_options, make_several
from clearbench.encoders.base import EncoderOptions
from clearbench.tasks.options import DataLocation, Selection
from clearbench.verdicts.compare.options import CompareOptions


def test_keyword_arguments_make_a_record():
    expected = EncoderOptions(max_length=7, cache_dir=default_cache())
    assert make_options(EncoderOptions, {"max_length": 7}, "load") == expected
    for tasks in (["xquad", "mlqa"], "xquad, mlqa"):
        assert make_options(CompareOptions, {"tasks": tasks}, "compare") == CompareOptions(tasks=("xquad", "mlqa"))


def test_settings_are_divided_among_records_and_a_text_will_do_for_a_path(monkeypatch):
    monkeypatch.setenv("CLEARBENCH_CACHE", "/from/environment")
    made = make_several((Selection, DataLocation), {"pairs": "de-en", "data_dir": "data", "cache_dir": None}, "load")
    assert made == (Selection("de-en"), DataLocation(Path("data"), cache_dir=Path("/from/environment")))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_lenght": 3}, "load has no setting 'max_lenght': there are pooling, .* Did you mean max_length"),
        ({"max_length": "3"}, "load: max_length: found a str, expected int or None"),
        ({"max_length": True}, "load: max_length: found a bool, expected int or None"),
        ({"offline": 1}, "load: offline: found a int, expected bool"),
        ({"pooling": ["cls"]}, "load: pooling: found a list of str, expected a text or None"),
        ({"pooling": Path("cls")}, "load: pooling: found a PosixPath, expected a text or None"),
    ],
)
def test_a_slip_is_answered(given, message):
    with pytest.raises(UsageError, match=message):
        make_options(EncoderOptions, given, "load")
