"""Code that comes with a checkpoint does not run unless it is allowed."""

import json

import pytest
from builders.encoders import tiny_checkpoint

from clearbench.common.errors import EncoderError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.transformer import load_transformer

CODE = """
from pathlib import Path
Path(r"{mark}").touch()
"""


def write_code(folder, mark):
    (folder / "stranger.py").write_text(CODE.format(mark=mark))
    return mark


def change(file, **values):
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_a_module_of_a_checkpoints_own_is_not_imported(tmp_path):
    folder = tiny_checkpoint(tmp_path / "model")
    mark = write_code(folder, tmp_path / "ran")
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["type"] = "stranger.Transformer"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(EncoderError):
        load_transformer(str(folder), EncoderOptions(device="cpu", offline=True))
    assert not mark.exists()
    with pytest.raises(EncoderError):
        load_transformer(str(folder), EncoderOptions(device="cpu", offline=True, trust_remote_code=True))
    assert mark.exists(), "with permission it runs, so the check above can fail"


def test_a_model_or_tokenizer_of_a_checkpoints_own_is_not_imported(tmp_path):
    folder = tiny_checkpoint(tmp_path / "model")
    mark = write_code(folder, tmp_path / "ran")
    change(folder / "config.json", auto_map={"AutoConfig": "stranger.C", "AutoModel": "stranger.M"}, model_type="own")
    change(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["stranger.T", None]})
    with pytest.raises(EncoderError):
        load_transformer(str(folder), EncoderOptions(device="cpu", offline=True))
    assert not mark.exists()
