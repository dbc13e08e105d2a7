"""The tests mirror the package, both ways.

A test file has the path and the name of the module that it tests, or that name and an aspect of it. A module of more
than SHORT lines has such a file, or stands in TESTED_ELSEWHERE.
"""

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

TESTS = Path(__file__).resolve().parent
PACKAGE = TESTS.parent / "clearbench"
OF_NO_MODULE = {
    "docs": "pages and benchmarks, whose commands and programs are run",
    "faults": "commands and readers under injected faults",
    "tasks/test_demo_data.py": "the texts of tasks/demo/",
    "tasks/test_demo_official.py": "the same in official forms",
    "test_layering.py": "the package as a whole",
    "test_mirror.py": "the tests as a whole",
}
"""What tests no one module -> what it tests."""
SHORT = 75
"""Lines of a module that need no test file of their own: the tests of what uses it are enough."""
TESTED_ELSEWHERE = {
    "cli/show/task.py": "its tables as printed: cli/commands/test_tasks.py",
    "common/language_table.py": "a literal table: common/test_languages.py",
    "encoders/base.py": "protocols, and options as flags: cli/test_options.py",
    "encoders/packaged/table.py": "a literal table: encoders/packaged/test_packages.py",
    "evaluation/job.py": "its jobs as they run: evaluation/test_pipeline.py",
    "evaluation/summary.py": "the records that it fills: evaluation/test_pipeline.py",
    "report/charts/draw_matrix.py": "its drawings as written: report/test_figures.py",
    "report/content/words.py": "its sentences on the page: report/test_page.py",
    "scoring/judge.py": "a protocol, and a ranking without the query itself: scoring/test_qrels.py",
    "training/loss/scores.py": "inside losses, against literal ones: training/loss/test_clear.py",
    "training/run/card.py": "the card as saved: training/run/test_train.py",
    "verdicts/compare/rows.py": "rows of whole comparisons: verdicts/compare/test_compute.py",
    "verdicts/leaderboard/document.py": "a schema without code: test_schemas.py",
}
"""Module without a test file of its own -> what tests it."""


def without_module(tests: Iterable[str], modules: Iterable[str]) -> list[str]:
    """Return the test files that no module has the place and the name of."""
    known = {str(PurePosixPath(module).with_suffix("")) for module in modules}

    return [test for test in tests if not known.intersection(possible_modules(test))]


def without_test(modules: Iterable[str], tests: Iterable[str]) -> list[str]:
    """Return the modules whose place and name no test file has."""
    tested = {module for test in tests for module in possible_modules(test)}
    return [module for module in modules if str(PurePosixPath(module).with_suffix("")) not in tested]


def possible_modules(test: str) -> list[str]:
    """Return the modules, without suffix, that a test file may belong to: test_a_b.py to a_b or to an aspect b of a."""
    path = PurePosixPath(test)
    words = path.stem.removeprefix("test_").split("_")
    return [str(path.parent / "_".join(words[:length])) for length in range(1, len(words) + 1)]


def paths_in(folder: Path, pattern: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob(pattern))


def test_every_test_file_has_the_place_and_name_of_a_module() -> None:
    found = without_module(paths_in(TESTS, "test_*.py"), paths_in(PACKAGE, "*.py"))
    excused = [test for test in found if test in OF_NO_MODULE or test.split("/")[0] in OF_NO_MODULE]
    assert found == excused
    assert all((TESTS / name).exists() for name in OF_NO_MODULE)


def test_every_module_that_is_not_short_has_a_test_file_or_a_reason() -> None:
    modules = [module for module in paths_in(PACKAGE, "*.py") if num_lines(PACKAGE / module) > SHORT]
    assert without_test(modules, paths_in(TESTS, "test_*.py")) == sorted(TESTED_ELSEWHERE)
    for reason in TESTED_ELSEWHERE.values():
        named = re.findall(r"[\w/]+\.py", reason)
        assert named and all((TESTS / name).exists() for name in named), reason


def num_lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def test_the_check_sees_a_wrong_place_and_a_wrong_name() -> None:
    right = ["stats/test_ranks.py", "stats/test_ranks_of_ties.py", "test_api.py"]
    wrong = ["test_ranks.py", "stats/test_ties.py", "stats/test_rank.py"]
    assert without_module([*right, *wrong], ["stats/ranks.py", "api.py"]) == wrong


def test_the_check_sees_a_module_without_a_test_file() -> None:
    tests = ["stats/test_ranks.py", "stats/test_flips_of_ties.py", "test_api.py"]
    assert without_test(["api.py", "stats/flips.py", "stats/ranks.py"], tests) == []
    assert without_test(["flips.py", "stats/api.py", "stats/of_ties.py"], tests) == [
        "flips.py", "stats/api.py", "stats/of_ties.py"
    ]  # fmt: skip
