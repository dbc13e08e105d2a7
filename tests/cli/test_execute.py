"""How a command ends: which failures are one message, and which are faults of ours."""

import sys

import pytest
import typer

from clearbench.cli.execute import execute_command


def command_that_imports(text):
    def command(arguments, standalone_mode):
        exec(compile(text, "command", "exec"), {"__name__": "clearbench.cli.commands.tried"})

    return command


@pytest.mark.parametrize(
    "source",
    ["from json import no_such_name", "import no_such_module", "def f():\n    import no_such_module\nf()"],
)
def test_a_package_that_does_not_fit_the_others_is_one_message(tmp_path, monkeypatch, capsys, source):
    (tmp_path / "ill_fitting").mkdir()
    (tmp_path / "ill_fitting" / "__init__.py").write_text("")
    (tmp_path / "ill_fitting" / "inside.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("ill_fitting", "ill_fitting.inside"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert execute_command(command_that_imports("import ill_fitting.inside"), []) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: The package ill_fitting cannot be imported: ")
    assert said.endswith("pip install -U ill_fitting.\n")


def test_an_import_of_our_own_that_fails_is_a_fault_of_ours():
    with pytest.raises(ImportError):
        execute_command(command_that_imports("from json import no_such_name"), [])


def test_exit_codes_of_typer_are_kept():
    app = typer.Typer()

    @app.command()
    def stop() -> None:
        raise typer.Exit(4)

    assert execute_command(app, []) == 4
