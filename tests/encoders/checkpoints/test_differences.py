"""Weights that only the model or only its files have are known by name, and the libraries stay as they were."""

import torch
from builders.checkpoints import drop_weights
from safetensors.torch import load_file, save_file

from clearbench.encoders.checkpoints.differences import record_differences


def test_both_kinds_are_recorded_by_name(copy):
    from transformers import AutoModel

    file = copy / "model.safetensors"
    drop_weights(copy, "embeddings.word_embeddings")
    save_file({**load_file(file), "encoder.more": torch.ones(2)}, file, metadata={"format": "pt"})
    with record_differences() as differences:
        AutoModel.from_pretrained(copy)
    assert differences.missing == {"embeddings.word_embeddings.weight"}
    assert differences.unexpected == {"encoder.more"}


def test_weights_that_a_module_reads_by_name_or_all_at_once_are_not_unexpected(tmp_path):
    from sentence_transformers.base.modules import Module

    save_file({"first": torch.ones(2), "second": torch.ones(2)}, tmp_path / "model.safetensors")
    with record_differences() as by_name:
        Module.load_torch_weights(str(tmp_path))["first"]
    with record_differences() as at_once:
        torch.nn.ParameterDict(Module.load_torch_weights(str(tmp_path)).items())
    assert by_name.unexpected == {"second"} and at_once.unexpected == set()


def test_the_libraries_stay_as_they_were():
    from sentence_transformers.base.modules import Module
    from transformers import PreTrainedModel

    before = PreTrainedModel.__dict__["from_pretrained"], Module.__dict__["load_torch_weights"]
    with record_differences():
        assert PreTrainedModel.__dict__["from_pretrained"] is not before[0]
    assert (PreTrainedModel.__dict__["from_pretrained"], Module.__dict__["load_torch_weights"]) == before
