"""JSON files of a checkpoint: whatever stands in them, one error names the file."""

import json

import pytest
from builders.encoders import tiny_checkpoint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearbench.common.errors import EncoderError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints import metadata
from clearbench.encoders.checkpoints.kinds import refuse_other_kinds
from clearbench.encoders.checkpoints.metadata import Module, named_paths, read_modules, read_object
from clearbench.encoders.checkpoints.prompts import check_stored
from clearbench.encoders.checkpoints.transformer import load_transformer

ODD = ["", "[", "[{", "null", "3", '"text"', "{}", "[]", "[3]", "[null]", "[[]]", '[{"path": ""}]', '[{"type": 3}]',
       '[{"type": "a.B", "path": 3}]', '[{"type": "a.B", "path": "../up"}]', '[{"type": "a.B", "path": "/etc"}]',
       "[" * 100_000, '{"a":' * 100_000, "1" * 5_000, "\ud800"]  # fmt: skip
FILES = ("modules.json", "config.json", "config_sentence_transformers.json", "sentence_bert_config.json",
         "tokenizer_config.json", "tokenizer.json", "1_Pooling/config.json")  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "path", "x"]), inner),
    max_leaves=8,
)


def write(file, text):
    file.write_bytes(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("content", ODD, ids=range(len(ODD)))
def test_odd_modules_are_refused_by_file(tmp_path, content):
    write(tmp_path / "modules.json", content)
    with pytest.raises(EncoderError, match=r"modules\.json: "):
        read_modules(tmp_path)


@pytest.mark.parametrize("file", FILES)
def test_no_content_of_any_file_is_a_traceback(tmp_path, file):
    folder = tiny_checkpoint(tmp_path / "model")
    content = (folder / file).read_bytes()
    for number, odd in enumerate(ODD):
        write(folder / file, odd)
        try:
            load_transformer(str(folder), EncoderOptions(device="cpu"))
        except EncoderError as error:
            assert "\n" not in str(error) and len(str(error)) < 2_000, number
    (folder / file).write_bytes(content)
    load_transformer(str(folder), EncoderOptions(device="cpu"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"similarity_fn_name": "euclidean"}, "only cosine and dot can be searched"),
        ({"truncate_dim": "many"}, "truncate_dim is 'many'|cannot be used"),
        ({"truncate_dim": 2.5}, "truncate_dim is 2.5"),
        ({"default_prompt_name": "nowhere"}, "cannot be loaded"),
        ({"__version__": {"sentence_transformers": "later"}}, "cannot be loaded"),
    ],
)
def test_odd_settings_are_one_error(tmp_path, values, message):
    folder = tiny_checkpoint(tmp_path / "model")
    file = folder / "config_sentence_transformers.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))
    with pytest.raises(EncoderError, match=message):
        load_transformer(str(folder), EncoderOptions(device="cpu"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(values=VALUES, file=st.sampled_from([*FILES[:4], "router_config.json", "model.safetensors.index.json"]))
def test_readers_take_any_json_or_refuse_it(tmp_path, values, file):
    (tmp_path / "modules.json").write_text('[{"type": "a.B", "path": ""}]')
    (tmp_path / file).write_text(json.dumps(values))
    for read in (read_modules, named_paths, check_stored, lambda folder: refuse_other_kinds(folder, "model")):
        try:
            result = read(tmp_path)
            list(result or ())
        except EncoderError as error:
            assert str(tmp_path) in str(error) or "model" in str(error)
    (tmp_path / file).unlink()


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(metadata, "LARGEST", 10)
    (tmp_path / "config.json").write_text(json.dumps({"a": "b" * 20}))
    with pytest.raises(EncoderError, match=r"config\.json: 29 bytes, expected 10 at most"):
        read_object(tmp_path / "config.json")


def test_modules_and_the_paths_that_they_name_are_read(tmp_path):
    entries = [{"type": "a.b.Router", "path": "0_Router"}, {"type": "a.Normalize"}]
    (tmp_path / "modules.json").write_text(json.dumps(entries))
    (tmp_path / "0_Router" / "eval").mkdir(parents=True)
    (tmp_path / "0_Router" / "router_config.json").write_text(json.dumps({"types": {"eval": "a.Transformer"}}))
    index = {"weight_map": {"w": "onnx/one.safetensors", "v": "onnx/one.safetensors"}}
    (tmp_path / "0_Router" / "eval" / "model.safetensors.index.json").write_text(json.dumps(index))
    assert read_modules(tmp_path) == (Module("a.b.Router", "0_Router"), Module("a.Normalize", ""))
    assert read_modules(tmp_path)[0].class_name == "Router"
    assert list(named_paths(tmp_path)) == ["0_Router", "", "eval", "onnx/one.safetensors"]
