"""Models that are no dense encoders are refused, whatever tells it; dense ones are not."""

import json
import shutil

import pytest
from builders.encoders import tiny_checkpoint, write_json

from clearbench.common.errors import EncoderError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.kinds import refuse_other_kinds
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.training.run.config import TrainConfig
from clearbench.training.run.model import load_base


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("plain") / "bert", modules=False)


@pytest.fixture(scope="module")
def masked(plain, tmp_path_factory):
    """A masked language model, of which a SPLADE model can be made."""
    from transformers import BertConfig, BertForMaskedLM

    folder = shutil.copytree(plain, tmp_path_factory.mktemp("masked") / "bert")
    BertForMaskedLM(BertConfig.from_pretrained(plain)).save_pretrained(folder)
    return folder


@pytest.fixture
def dense(tmp_path):
    return tiny_checkpoint(tmp_path / "dense")


def sparse(folder, masked, plain):
    from sentence_transformers import SparseEncoder

    SparseEncoder(str(masked), device="cpu").save_pretrained(str(folder))


def late(folder, masked, plain):
    from sentence_transformers import MultiVectorEncoder

    MultiVectorEncoder(str(plain), device="cpu").save_pretrained(str(folder))


def cross(folder, masked, plain):
    from sentence_transformers import CrossEncoder

    CrossEncoder(str(plain), device="cpu", num_labels=1).save_pretrained(str(folder))


MADE = [(sparse, "a sparse model"), (late, "a late-interaction model"), (cross, "a cross-encoder")]


@pytest.mark.parametrize(("save", "what"), MADE)
@pytest.mark.parametrize("settings", ["with settings", "without"])
def test_other_kinds_are_refused_as_sentence_transformers_saves_them(save, what, settings, masked, plain, tmp_path):
    folder = tmp_path / "model"
    save(folder, masked, plain)
    if settings == "without":
        (folder / "config_sentence_transformers.json").unlink()
    for load in (
        lambda: load_transformer(str(folder), EncoderOptions(device="cpu")),
        lambda: load_base(TrainConfig(model=str(folder), data=tmp_path / "rows", out=tmp_path / "out"), "cpu"),
    ):
        with pytest.raises(EncoderError, match=f"model is {what}.*one vector per text"):
            load()


@pytest.mark.parametrize(
    ("architecture", "what"),
    [
        ("BertForSequenceClassification", "cross-encoder"),
        ("NewForSequenceClassification", "cross-encoder"),
        ("BertForTokenClassification", "another classifier"),
        ("XLMRobertaForQuestionAnswering", "another classifier"),
        ("HF_ColBERT", "late-interaction"),
        ("ColPaliForRetrieval", "late-interaction"),
        ("ColQwen2", "late-interaction"),
        ("SpladeModel", "sparse"),
    ],
)
def test_plain_folders_are_refused_by_their_architecture(plain, tmp_path, architecture, what):
    folder = shutil.copytree(plain, tmp_path / "model")
    write_json(folder / "config.json", architectures=[architecture])
    with pytest.raises(EncoderError, match=f"{what}.*config.json says {architecture}"):
        load_transformer(str(folder), EncoderOptions(device="cpu", pooling="mean"))


@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("pylate.models.Dense.Dense", "late-interaction"),
        ("sentence_transformers.models.SpladePooling", "sparse"),
        ("sentence_transformers.sparse_encoder.models.MLMTransformer", "sparse"),
        ("sentence_transformers.sparse_encoder.modules.SparseStaticEmbedding", "sparse"),
        ("sentence_transformers.cross_encoder.modules.logit_score.LogitScore", "cross-encoder"),
    ],
)
def test_a_module_that_only_another_kind_has_tells_it(dense, module, what):
    modules = json.loads((dense / "modules.json").read_text())
    modules[-1]["type"] = module
    (dense / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(EncoderError, match=f"{what}.*it has the module {module}"):
        refuse_other_kinds(dense, "dense")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "SparseEncoder"}, "sparse.*says SparseEncoder"),
        ({"model_type": "MultiVectorEncoder"}, "late-interaction"),
        ({"model_type": "CrossEncoder"}, "cross-encoder"),
        ({"model_type": "HyperEncoder"}, "calls the model 'HyperEncoder', expected 'SentenceTransformer'"),
        ({"model_type": 3}, "calls the model 3"),
        ({"similarity_fn_name": "MaxSim"}, "late-interaction.*similarity is MaxSim"),
        ({"skiplist_words": ["."], "query_prefix": "[Q] "}, "late-interaction.*skiplist_words"),
    ],
)
def test_settings_tell_another_kind(dense, settings, message):
    write_json(dense / "config_sentence_transformers.json", **settings)
    with pytest.raises(EncoderError, match=message):
        refuse_other_kinds(dense, "dense")


def test_what_a_module_is_loaded_for_and_files_tell_another_kind(dense, plain, tmp_path):
    write_json(dense / "sentence_bert_config.json", transformer_task="fill-mask")
    with pytest.raises(EncoderError, match=r"sparse.*sentence_bert_config\.json says fill-mask"):
        refuse_other_kinds(dense, "dense")
    colbert = shutil.copytree(plain, tmp_path / "colbert")
    (colbert / "artifact.metadata").write_text("{}")
    with pytest.raises(EncoderError, match=r"late-interaction.*artifact\.metadata"):
        refuse_other_kinds(colbert, "colbert")


def test_dense_models_pass_whatever_their_backbone_was_trained_for(dense, masked):
    for architecture in ("BertForMaskedLM", "BertForSequenceClassification", "Qwen3ForCausalLM", "BertModel"):
        write_json(dense / "config.json", architectures=[architecture])
        refuse_other_kinds(dense, "dense")
    write_json(dense / "config_sentence_transformers.json", model_type="SentenceTransformer")
    refuse_other_kinds(dense, "dense")
    assert load_transformer(str(masked), EncoderOptions(device="cpu", pooling="cls")).dimension == 16


def test_a_checkpoint_that_makes_no_vector_of_a_text_is_refused(dense):
    modules = json.loads((dense / "modules.json").read_text())
    (dense / "modules.json").write_text(json.dumps(modules[:1]))
    with pytest.raises(EncoderError, match=r"its modules \(Transformer\) give no vector.*pooling module is missing"):
        load_transformer(str(dense), EncoderOptions(device="cpu"))
