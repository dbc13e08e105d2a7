"""Records of options from keyword arguments."""

from pathlib import Path

import pytest

from clearbench.common.errors import UsageError
from clearbench.common.options import make_record
from clearbench.encoders.base import EncoderOptions


def test_keyword_arguments_make_a_record():
    assert make_record(EncoderOptions, {"max_length": 7}, "load") == EncoderOptions(max_length=7)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_lenght": 3}, "load has no setting 'max_lenght': there are pooling, .* Did you mean max_length"),
        ({"max_length": "3"}, "load: max_length: found a str, expected int or None"),
        ({"pooling": ["cls"]}, "load: pooling: found a list of str, expected a text or None"),
        ({"pooling": Path("cls")}, "load: pooling: found a PosixPath, expected a text or None"),
    ],
)
def test_a_slip_is_answered(given, message):
    with pytest.raises(UsageError, match=message):
        make_record(EncoderOptions, given, "load")
