"""The base of the models that files are read into."""

import pytest
from pydantic import Field, ValidationError

from clearbench.common.strict import StrictModel


class Example(StrictModel):
    name: str
    notes: list[str] = Field(default=[])


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="nmae"):
        Example.model_validate({"name": "a", "nmae": "b"})


def test_a_field_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Example(name="a").name = "b"


def test_two_instances_do_not_share_a_default() -> None:
    first = Example(name="a")
    first.notes.append("one")
    assert Example(name="b").notes == []
