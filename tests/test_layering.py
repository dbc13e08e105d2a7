"""The package's layers: a module imports only from its own layer and those before it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "clearbench"
BASE = {"errors", "languages", "files", "progress", "environment"}
MAY_IMPORT = {
    **dict.fromkeys(BASE, BASE),
    "tasks": BASE,
    "encoders": BASE | {"tasks"},
    "search": BASE | {"tasks", "encoders"},
    "scoring": BASE | {"tasks", "encoders", "search"},
    "records": BASE | {"tasks"},
    "pool_scores": BASE | {"tasks", "encoders", "search", "scoring", "records"},
    "evaluation": BASE | {"pool_scores"} | {"tasks", "encoders", "search", "scoring", "records"},
    "verdicts": BASE | {"tasks", "scoring", "records"},
    "training": BASE | {"tasks", "encoders", "search"},
    "reproduce": BASE | {"evaluation"},
    "planning": BASE | {"tasks", "encoders", "records", "evaluation"},
    "api": BASE | {"tasks", "encoders", "scoring", "evaluation", "verdicts"},
    "doctor": BASE | {"tasks", "encoders", "scoring"},
    "cli": BASE
    | {"tasks", "encoders", "search", "scoring", "records", "evaluation", "reproduce", "training", "verdicts"}
    | {"api", "doctor", "planning"},
    "__main__": {"cli"},
    "__init__": {"api", "training"},
}


def layer(path):
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported_layers(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name.split(".")[1] for name in names if name and name.startswith("clearbench."))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_backwards(path):
    own = layer(path)
    assert own in MAY_IMPORT, f"{own} has no place in the layering"
    assert set(imported_layers(path)) <= MAY_IMPORT[own] | {own}


def test_the_check_sees_imports():
    assert "encoders" in set(imported_layers(PACKAGE / "evaluation.py"))
