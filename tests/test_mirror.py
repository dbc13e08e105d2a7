"""The tests mirror the package: a test file lies and is named like the module it tests, or that and an aspect of it."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

TESTS = Path(__file__).resolve().parent
PACKAGE = TESTS.parent / "clearbench"
OF_NO_MODULE = {
    "docs": "pages, whose commands and programs are run",
    "faults": "commands and readers under injected faults",
    "tasks/test_demo_data.py": "the texts of tasks/demo/",
    "tasks/test_demo_official.py": "the same in official forms",
    "test_layering.py": "the package as a whole",
    "test_mirror.py": "the tests as a whole",
}
"""What tests no one module -> what it tests."""


def without_module(tests: Iterable[str], modules: Iterable[str]) -> list[str]:
    """Return the test files that no module has the place and the name of."""
    known = {str(PurePosixPath(module).with_suffix("")) for module in modules}

    def has_module(test: PurePosixPath) -> bool:
        words = test.stem.removeprefix("test_").split("_")
        return any(str(test.parent / "_".join(words[:length])) in known for length in range(1, len(words) + 1))

    return [test for test in tests if not has_module(PurePosixPath(test))]


def paths_in(folder: Path, pattern: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob(pattern))


def test_every_test_file_has_the_place_and_name_of_a_module() -> None:
    found = without_module(paths_in(TESTS, "test_*.py"), paths_in(PACKAGE, "*.py"))
    excused = [test for test in found if test in OF_NO_MODULE or test.split("/")[0] in OF_NO_MODULE]
    assert found == excused
    assert all((TESTS / name).exists() for name in OF_NO_MODULE)


def test_the_check_sees_a_wrong_place_and_a_wrong_name() -> None:
    right = ["stats/test_ranks.py", "stats/test_ranks_of_ties.py", "test_api.py"]
    wrong = ["test_ranks.py", "stats/test_ties.py", "stats/test_rank.py"]
    assert without_module([*right, *wrong], ["stats/ranks.py", "api.py"]) == wrong
