"""Before a command runs: an interruption during imports is one line, and closed streams are no traceback."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from builders.records import scores_with, write_record

from clearbench.cli.interruption import INTERRUPTED, INTERRUPTION

ROOT = Path(__file__).resolve().parents[2]
SWALLOWING = (
    "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept BaseException:\n    raise ImportError"
)


def run(arguments, place, *, modules=None, shell=""):
    """Run a command in a folder whose modules go before installed ones."""
    for name, text in (modules or {}).items():
        (place / f"{name}.py").write_text(text)
    command = shlex.join([sys.executable, *arguments])
    environment = {**os.environ, "PYTHONPATH": f"{place}:{ROOT}"}
    return subprocess.run(
        f"exec {command} {shell}", shell=True, cwd=place, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("typer", ["--help"]), ("pydantic", ["leaderboard", "."]), ("pyarrow", ["leaderboard", "."])],
)
def test_an_interruption_during_any_import_is_one_line_though_the_module_swallows_it(tmp_path, module, arguments):
    write_record(tmp_path, "base", {"en-en": [0.5, 1.0]})
    ended = run(["-m", "clearbench", *arguments], tmp_path, modules={module: SWALLOWING})
    assert (ended.returncode, ended.stdout, ended.stderr) == (INTERRUPTED, "", f"Error: {INTERRUPTION}\n")


def test_an_interruption_outside_of_imports_is_an_exception_that_commands_may_catch(tmp_path):
    source = (
        "import os, signal\nfrom clearbench.cli.interruption import interrupt\n"
        "signal.signal(signal.SIGINT, interrupt)\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept KeyboardInterrupt:\n    print('caught')"
    )
    ended = run(["-c", source], tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "caught\n", "")


def test_where_a_shell_ignores_interruptions_they_stay_ignored(tmp_path):
    source = (
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nimport sys\nsys.argv = ['clearbench', '--help']\n"
        "from clearbench.cli.start import main\ntry:\n    main()\nfinally:\n"
        "    print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    assert run(["-c", source], tmp_path).stdout.endswith("True\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["--help", "leaderboard .", "gate --baseline base --candidate worse --results ."])
def test_closed_streams_change_neither_the_exit_code_nor_the_other_streams(tmp_path, command, closed):
    for name, values in zip(("worse", "base"), scores_with([0.3] * 50), strict=True):
        write_record(tmp_path, name, {"en-en": values})
    arguments = ["-m", "clearbench", *command.split()]
    usual, ended = run(arguments, tmp_path), run(arguments, tmp_path, shell=closed)
    assert ended.returncode == usual.returncode
    assert ended.stdout == ("" if ">&-" in closed.replace("2>&-", "") else usual.stdout)
    assert ended.stderr == ("" if "2>&-" in closed else usual.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_output_is_one_message(tmp_path):
    ended = run(["-m", "clearbench", "tasks"], tmp_path, shell=">/dev/full")
    assert ended.returncode == 1 and ended.stderr.startswith("Error: No space left on device")
    assert ended.stderr.count("\n") == 1
