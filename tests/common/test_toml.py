"""TOML files and validated records: every fault is one sentence that says what was found and what was expected."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, field_validator

from clearbench.common.errors import ClearbenchError, TaskError, UsageError
from clearbench.common.toml import describe_problems, read_toml


class Settings(BaseModel):
    """A record with a number, a name and a rule of its own."""

    model_config = ConfigDict(extra="forbid")

    depth: int = 10
    name: str = "x"

    @field_validator("name")
    @classmethod
    def _named(cls, name: str) -> str:
        if not name:
            raise ValueError("expected a name, such as xquad.")
        return name


class Named(BaseModel):
    """A record that needs a name."""

    name: str


def problems_of(found: dict[str, object], *known: str, most: int = 5) -> str:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(found)
    return describe_problems(caught.value, known, most)


def test_a_file_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    for start in (b"", b"\xef\xbb\xbf"):
        (tmp_path / "a.toml").write_bytes(start + 'name = "é"\n'.encode())
        assert read_toml(tmp_path / "a.toml", TaskError) == {"name": "é"}


@pytest.mark.parametrize("kind", [TaskError, UsageError])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'a = "\xff"', r"a\.toml: not UTF-8 at byte 5; expected a TOML file in UTF-8\."),
        (b"a = [", r"a\.toml: not a TOML file: .*\."),
        (None, r"a\.toml: cannot be read: No such file or directory\."),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, kind: type[ClearbenchError], content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(kind, match=f"^--rules .*{message}$"):
        read_toml(tmp_path / "a.toml", kind, "--rules ")


def test_an_unknown_key_comes_with_those_there_are_and_the_nearest() -> None:
    assert problems_of({"dept": 3}, "depth", "name") == "dept: unknown key; there are depth, name. Did you mean depth?"
    assert problems_of({"zzz": 3}, "depth", "name") == "zzz: unknown key; there are depth, name."
    assert problems_of({"zzz": 3}) == "zzz: unknown key."


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"depth": "deep"}, "depth: found 'deep', expected: input should be a valid integer"),
        ({"name": ""}, "name: expected a name, such as xquad."),
        ({"depth": "d" * 200}, f"depth: found '{'d' * 79}…, expected"),
    ],
)
def test_a_wrong_value_is_shown_with_what_was_expected(found: dict[str, object], message: str) -> None:
    text = problems_of(found)
    assert text.startswith(message) and text.endswith(".") and not text.endswith("..")


def test_a_missing_key_is_called_missing_and_a_key_within_keys_has_its_path() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, Named]).validate_python({"a": {}, "b": {"name": 3}})
    assert describe_problems(caught.value).startswith("a.name: missing; b.name: found 3, expected: ")


@pytest.mark.parametrize(("wrong", "rest"), [(5, ""), (6, "; and 1 more"), (1205, "; and 1,200 more")])
def test_of_many_problems_the_first_are_named_and_the_rest_counted(wrong: int, rest: str) -> None:
    text = problems_of({f"key{number}": 0 for number in range(wrong)})
    assert text == "; ".join(f"key{number}: unknown key" for number in range(5)) + f"{rest}."
