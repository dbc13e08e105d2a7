"""The software that decides trained weights."""

from importlib.metadata import PackageNotFoundError, version

from clearbench.common.environment import describe_environment


def describe_software() -> dict[str, str]:
    """Versions of Python and of the packages that decide trained weights."""
    found = dict(describe_environment())
    for package in ("accelerate", "datasets", "peft"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
