"""The versions of the software that trained weights depend on."""

from importlib.metadata import PackageNotFoundError, version

from clearbench.common.environment import describe_environment


def describe_software() -> dict[str, str]:
    """Return the versions of Python and of the packages that trained weights depend on."""
    found = dict(describe_environment())
    for package in ("accelerate", "datasets", "peft"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
