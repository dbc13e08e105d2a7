"""`clearbench cache`: vectors and checkpoints are listed, and go when they have not been used."""

import os

from clearbench.cli.app import execute
from clearbench.encoders.packaged.cached_folder import MODELS


def test_vectors_and_checkpoints(place, capsys):
    cache = place / "cache"
    kept = cache / MODELS / "e5-small-0123"
    kept.mkdir(parents=True)
    (kept / "weights").write_bytes(b"w" * 2_000_000)
    task = ["run", "--model", "minimal:encode", "--tasks", "demo", "--pairs", "en-en", "--cache-dir", str(cache)]
    (place / "minimal.py").write_text(
        "import numpy as np\n\n\ndef encode(texts, role):\n"
        "    return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)\n\n\nencode.fingerprint = '1'\n"
    )
    assert execute(task) == 0
    capsys.readouterr()
    listed = ["cache", "ls", "--cache-dir", str(cache)]
    assert execute(listed) == 0
    shown = capsys.readouterr().out
    assert "e5-small-0123" in shown and "2.0" in shown and "encode" in shown
    os.utime(kept, (0, 0))
    assert execute(["cache", "prune", "--idle-days", "30", "--cache-dir", str(cache)]) == 0
    assert capsys.readouterr().out == "Deleted 0 encoders, 0.0 MB.\nDeleted 1 checkpoint, 2.0 MB.\n"
    assert execute(["cache", "prune", "--idle-days", "0", "--cache-dir", str(cache)]) == 0
    assert capsys.readouterr().out.startswith("Deleted 1 encoder,")
    assert execute(listed) == 0
    assert "The cache is empty." in capsys.readouterr().out
