"""Values that may be None where a test has made sure that they are there."""

from typing import TypeVar

T = TypeVar("T")


def require(value: T | None) -> T:
    """Return the value; fail the test where it is None."""
    assert value is not None
    return value
