"""Identity: whichever file of whichever layout is changed, the checkpoint is another one, or is refused."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from builders.encoders import tiny_checkpoint, write_json
from safetensors.torch import load_file, save_file

from clearbench.common.errors import EncoderError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints import identity
from clearbench.encoders.checkpoints.identity import hash_checkpoint, relevant_files
from clearbench.encoders.checkpoints.transformer import TransformerEncoder, load_transformer

TEXTS = ["short", "a somewhat longer text about rivers"]


def load(folder: Path) -> TransformerEncoder:
    plain = not (folder / "modules.json").exists()
    options = EncoderOptions(
        device="cpu", pooling="mean" if plain else None, allow_pickle=True, trust_remote_code=True, offline=True
    )
    return load_transformer(str(folder), options)


def move_transformer(folder: Path, place: Path, name: str = "0_Transformer") -> None:
    """Move the transformer of a checkpoint to another place, as the module folder `name`."""
    place.mkdir(parents=True)
    for file in [file for file in folder.iterdir() if file.is_file()]:
        if file.name not in ("modules.json", "config_sentence_transformers.json", "README.md"):
            file.rename(place / file.name)
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = name
    (folder / "modules.json").write_text(json.dumps(modules))


def modules(root: Path) -> Path:
    return tiny_checkpoint(root / "model")


def plain(root: Path) -> Path:
    return tiny_checkpoint(root / "model", modules=False)


def transformer_in_a_linked_folder(root: Path) -> Path:
    folder = tiny_checkpoint(root / "model")
    move_transformer(folder, root / "elsewhere" / "weights")
    (folder / "0_Transformer").symlink_to(root / "elsewhere" / "weights")
    return folder


def files_that_are_links(root: Path) -> Path:
    folder = tiny_checkpoint(root / "model")
    (root / "blobs").mkdir()
    for number, file in enumerate(sorted(file for file in folder.iterdir() if file.is_file())):
        blob = root / "blobs" / f"{number}-{file.name}"
        file.rename(blob)
        file.symlink_to(os.path.relpath(blob, folder))
    return folder


def transformer_in_a_folder_called_like_an_export(root: Path) -> Path:
    folder = tiny_checkpoint(root / "model")
    move_transformer(folder, folder / "onnx", "onnx")
    return folder


def shards_in_a_linked_folder(root: Path) -> Path:
    from transformers import AutoModel

    folder = tiny_checkpoint(root / "model", modules=False)
    AutoModel.from_pretrained(folder).save_pretrained(folder, max_shard_size="20KB")
    (folder / "model.safetensors").unlink(missing_ok=True)
    (root / "shards").mkdir()
    for shard in folder.glob("model-*.safetensors"):
        shard.rename(root / "shards" / shard.name)
    (folder / "checkpoint-1").symlink_to(root / "shards")
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"] = {key: f"checkpoint-1/{name}" for key, name in index["weight_map"].items()}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def pickled_weights(root: Path) -> Path:
    folder = tiny_checkpoint(root / "model")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def tokenizer_elsewhere(root: Path) -> Path:
    folder = tiny_checkpoint(root / "model")
    (root / "tokenizer").mkdir()
    for file in folder.glob("tokenizer*"):
        file.rename(root / "tokenizer" / file.name)
    write_json(folder / "sentence_bert_config.json", tokenizer_name_or_path=str(root / "tokenizer"))
    return folder


def routed(root: Path) -> Path:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Router, Transformer

    source = tiny_checkpoint(root / "source", modules=False)
    torch.manual_seed(0)
    router = Router.for_query_document(query_modules=[Dense(16, 8)], document_modules=[Dense(16, 8)])
    transformer, folder = Transformer(str(source)), root / "model"
    routes: Any = router.sub_modules
    for dense in (routes["query"][0], routes["document"][0]):
        dense.module_input_name = dense.module_output_name = "sentence_embedding"
    SentenceTransformer(modules=[transformer, Pooling(16, "mean"), router], device="cpu").save(str(folder))
    return folder


def code_of_its_own(root: Path) -> Path:
    folder = tiny_checkpoint(root / "model")
    (folder / "scaled.py").write_text(
        "from scaling import SCALE\nfrom sentence_transformers.sentence_transformer.modules import Pooling\n\n"
        "class Scaled(Pooling):\n"
        "    def forward(self, features, **options):\n"
        "        features = super().forward(features)\n"
        "        features['sentence_embedding'][:, 0] *= SCALE\n"
        "        return features\n".replace("from scaling", "from .scaling")
    )
    (folder / "scaling.py").write_text("SCALE = 3.0\n")
    entries = json.loads((folder / "modules.json").read_text())
    entries[1]["type"] = "scaled.Scaled"
    (folder / "modules.json").write_text(json.dumps(entries))
    return folder


def adapter(root: Path) -> Path:
    peft = pytest.importorskip("peft", reason="the package peft is not installed")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    base = tiny_checkpoint(root / "base", modules=False)
    model = SentenceTransformer(modules=[Transformer(str(base)), Pooling(16, "mean")], device="cpu")
    model.add_adapter(peft.LoraConfig(r=2, target_modules=["query"], init_lora_weights=False))
    model.save(str(root / "model"))
    return root / "model"


LAYOUTS: tuple[Callable[[Path], Path], ...] = (
    modules, plain, transformer_in_a_linked_folder, files_that_are_links, transformer_in_a_folder_called_like_an_export,
    shards_in_a_linked_folder, pickled_weights, tokenizer_elsewhere, routed, code_of_its_own, adapter,
)  # fmt: skip

READ_MORE = (tokenizer_elsewhere, code_of_its_own, adapter)
"""Layouts of which loading reads, or may read, more than the files of the folder."""
IRRELEVANT = ("README.md", "tokenizer/tokenizer_config.json")


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A place of its own for the code of checkpoints, and any version of peft."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "code"))
    monkeypatch.setattr("transformers.integrations.peft.MIN_PEFT_VERSION", "0.18.0")


def change(file: Path) -> None:
    """Change a file so that it can still be read where that is possible, and means something else."""
    content = file.read_bytes()
    if file.suffix == ".safetensors":  # the last weight, a little
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif file.suffix == ".bin":
        torch.save({key: weight + 1e-3 for key, weight in torch.load(file).items()}, file)
    elif file.name == "tokenizer.json":
        vocabulary = json.loads(content)
        ids = vocabulary["model"]["vocab"]
        ids["a"], ids["b"] = ids["b"], ids["a"]
        file.write_text(json.dumps(vocabulary))
    else:
        file.write_bytes(content + b"\n")


def files_of(root: Path) -> Iterator[Path]:
    """Every file that a checkpoint below a folder is made of; a file that links lead to once."""
    yield from (file for file in sorted(root.rglob("*")) if file.is_file() and not file.is_symlink())


def identity_of(folder: Path, by_files: bool) -> str:
    """The identity of a checkpoint, without loading it where its files alone make it."""
    return hash_checkpoint(folder) if by_files else load(folder).fingerprint


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_any_file_that_changes_makes_another_identity_or_an_error(layout, tmp_path):
    folder = layout(tmp_path / "place")
    shutil.rmtree(tmp_path / "place" / "source", ignore_errors=True)
    encoder = load(folder)
    by_files = encoder.weights == hash_checkpoint(folder)
    assert by_files == (layout not in READ_MORE)
    before = identity_of(folder, by_files)
    changed = []
    for file in files_of(tmp_path / "place"):
        content = file.read_bytes()
        change(file)
        with suppress(EncoderError):
            assert (identity_of(folder, by_files) != before) == (not file.as_posix().endswith(IRRELEVANT)), file
        changed.append(file)
        file.write_bytes(content)
    assert len(changed) >= 4
    assert load(folder).fingerprint == encoder.fingerprint


def test_a_copy_is_the_same_model_and_links_count_as_what_they_lead_to(tmp_path):
    folder = transformer_in_a_linked_folder(tmp_path / "place")
    copy = shutil.copytree(folder, tmp_path / "copy", symlinks=False)
    assert not (copy / "0_Transformer").is_symlink()
    assert load(copy).fingerprint == load(folder).fingerprint


def test_a_checkpoint_without_links_keeps_the_hash_that_earlier_records_hold(tmp_path):
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(16))
    (folder / "1_Pooling" / "config.json").write_text("{}")
    assert hash_checkpoint(folder) == "a17d5a7e3606dad1f08ce72411d8aa79"


def test_what_trainers_and_model_cards_write_does_not_count(tmp_path):
    folder = modules(tmp_path)
    before = hash_checkpoint(folder)
    (folder / "README.md").write_text("another model card")
    (folder / "optimizer.pt").write_bytes(b"state")
    for leftover in ("checkpoint-10", ".git", "onnx"):
        (folder / leftover).mkdir()
        (folder / leftover / "model.safetensors").write_bytes(b"leftover")
    assert hash_checkpoint(folder) == before


def test_an_adapter_whose_base_is_not_there_is_refused(tmp_path):
    folder = modules(tmp_path)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "nobody/no-such-base"}))
    with pytest.raises(EncoderError, match="is an adapter of 'nobody/no-such-base'"):
        load(folder)


def test_links_in_a_circle_and_to_a_whole_disk_are_refused(tmp_path, monkeypatch):
    folder = modules(tmp_path / "place")
    (folder / "self").symlink_to(folder)
    with pytest.raises(EncoderError, match="leads back to a folder that contains it"):
        load(folder)
    (folder / "self").unlink()
    (tmp_path / "disk").mkdir()
    for number in range(5):
        (tmp_path / "disk" / str(number)).write_text("")
    (folder / "all").symlink_to(tmp_path / "disk")
    assert len(list(relevant_files(folder))) > 5
    monkeypatch.setattr(identity, "MOST_LINKED_FILES", 4)
    with pytest.raises(EncoderError, match="more than 4 files behind links"):
        load(folder)


@pytest.mark.parametrize("path", ["../other.safetensors", "/other.safetensors", "C:\\other.safetensors"])
def test_weights_outside_the_folder_are_refused(tmp_path, path):
    folder = plain(tmp_path / "place")
    save_file(load_file(folder / "model.safetensors"), tmp_path / "place" / "other.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(load_file(folder / "model.safetensors"), path)}
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(EncoderError, match="leads out of the checkpoint's folder"):
        load(folder)
