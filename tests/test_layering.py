"""The layers of the package: a folder imports only from what the table allows, and modules form no circle."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "clearbench"
MAY_IMPORT = {
    "common": set(),
    "stats": {"common"},
    "tasks": {"common"},
    "encoders": {"common", "tasks"},
    "search": {"common", "tasks", "encoders"},
    "scoring": {"common", "stats", "tasks", "search"},
    "records": {"common", "stats", "tasks"},
    "evaluation": {"common", "stats", "tasks", "encoders", "search", "scoring", "records"},
    "verdicts": {"common", "stats", "records"},
    "report": {"common", "stats", "records", "verdicts"},
    "export": {"common", "tasks", "records"},
    "training": {"common", "tasks", "encoders", "search", "records"},
    "api": {"common", "tasks", "encoders", "search", "scoring", "records", "evaluation", "verdicts"},
    "doctor": {"common", "tasks", "encoders", "scoring"},
    "cli": {
        *("common", "stats", "tasks", "encoders", "search", "scoring", "records", "evaluation"),
        *("training", "verdicts", "report", "export", "doctor"),
    },
    "schemas": {"common", "records", "training", "verdicts"},
    "__main__": {"cli"},
    "__init__": {"api", "training"},
}
"""Folder (or module at the top) -> the folders that it imports from: no others, and each of them somewhere."""
FILES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def layer_of(module: str) -> str:
    return [*module.split("."), "__init__"][1]


def imported(path: Path, everywhere: bool = True) -> Iterator[str]:
    """Modules of the package that a file imports: wherever it does, or only at its top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            inside = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULES else node.module for name in inside)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


MODULES = {module_of(path) for path in FILES}


def neighbours(path: Path) -> Iterator[tuple[str, str]]:
    """Modules of other folders that a file imports, each with its folder."""
    for name in imported(path):
        if name in MODULES and name != "clearbench" and layer_of(name) != layer_of(module_of(path)):
            yield name, layer_of(name)


def unused(allowed: dict[str, set[str]]) -> set[tuple[str, str]]:
    """What a table allows and no file does."""
    used = {(layer_of(module_of(path)), layer) for path in FILES for _, layer in neighbours(path)}
    return {(own, layer) for own, layers in allowed.items() for layer in layers} - used


def test_a_folder_imports_only_from_those_before_it() -> None:
    wrong = []
    for path in FILES:
        own = layer_of(module_of(path))
        assert own in MAY_IMPORT, f"{own} has no place in the layering"
        wrong += [
            f"{module_of(path)} imports {name}" for name, layer in neighbours(path) if layer not in MAY_IMPORT[own]
        ]
    assert wrong == []


def test_the_table_allows_nothing_that_no_folder_needs() -> None:
    assert unused(MAY_IMPORT) == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module_of(path): set(imported(path)) & MODULES - {module_of(path)} for path in FILES}
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_the_checks_see_imports() -> None:
    assert unused(MAY_IMPORT | {"training": {*MAY_IMPORT["training"], "report"}}) == {("training", "report")}
    assert "clearbench.encoders.vectors.embed" in set(imported(PACKAGE / "evaluation" / "pipeline.py"))
    with pytest.raises(ValueError, match="cycle"):
        list(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())
