"""Adjusted encoders: identity, what is encoded, what is recorded, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from builders.adjust import GERMAN, LANGUAGES, adjusted, fit, literal, run, text_of
from builders.datasets import parallel_set
from builders.encoders import HashEncoder

from clearbench.common.errors import UsageError
from clearbench.encoders.adjust.encoder import adjust_encoder
from clearbench.encoders.adjust.method import Method
from clearbench.encoders.bm25 import BM25
from clearbench.records.parts import read_scores
from clearbench.tasks.dataset import Texts


def test_the_base_vectors_are_shared_and_nothing_is_encoded_twice(tmp_path):
    retrieval, text = parallel_set(LANGUAGES), text_of()
    base = run(tmp_path, HashEncoder(), retrieval)
    encoder = HashEncoder()
    result = run(tmp_path, adjusted("shift", encoder, text), retrieval)
    passages = {one for (role, _), part in text.parts.items() if role == "passage" for one in part.texts}
    assert {one for one, _ in encoder.encoded} == passages  # of the text, and only the role that shift needs
    assert len(encoder.encoded) == len(passages)
    again = HashEncoder()
    run(tmp_path, adjusted("center", again, text), retrieval)
    assert {role for _, role in again.encoded} == {"query"}
    scores = [read_scores(one.folder, ["de-en", "en-en"]).drop(columns="cluster") for one in (base, result)]
    assert scores[0].equals(scores[1])  # only passages that are not English move
    de_de = [one.record.averages["all"] for one in (base, result)]
    assert de_de[0] != de_de[1]


def test_the_record_names_method_text_and_hash(tmp_path):
    text = text_of()
    base = HashEncoder(settings={"kind": "hash", "dtype": "fp32"})
    result = run(tmp_path, adjusted("shift:0.25", base, text), parallel_set(LANGUAGES))
    assert result.record.model == {
        "name": "hash +shift:0.25 (other)", "kind": "hash", "dtype": "fp32", "adjust": "shift", "adjust_alpha": 0.25,
        "adjust_text": "other", "adjust_text_version": 1, "adjust_text_hash": text.fingerprint,
    }  # fmt: skip
    assert result.folder.parent.name.startswith("hash_+shift_0.25_other-")
    assert run(tmp_path, adjusted("lir:2", base, text), parallel_set(LANGUAGES)).record.model["adjust_k"] == 2


def test_the_name_leaves_the_usual_text_out():
    assert adjusted("lir:2", text=text_of(task="demo")).name == "hash +lir:2"


def test_identity_follows_base_method_parameter_and_text():
    text = text_of()
    part = text.parts["passage", GERMAN]
    changed = replace(part, texts=(part.texts[0] + ".", *part.texts[1:]))
    other = replace(text, parts={**text.parts, ("passage", GERMAN): changed})
    encoders = [
        HashEncoder(), adjusted("center"), adjusted("center", HashEncoder(salt="x")), adjusted("lir"),
        adjusted("lir:2"), adjusted("shift"), adjusted("shift:0.5"), adjusted("offset"), adjusted("center", text=other),
    ]  # fmt: skip
    assert len({encoder.fingerprint for encoder in encoders}) == len(encoders)
    assert adjusted("shift").fingerprint == adjusted("shift:1.0").fingerprint


def test_more_pairs_later_belong_to_the_same_record(tmp_path):
    whole, text = parallel_set(LANGUAGES), text_of()
    first = run(tmp_path, adjusted("center", text=text), replace(whole, pairs=whole.pairs[:2]))
    encoder = HashEncoder()
    second = run(tmp_path, adjusted("center", encoder, text), whole)
    assert first.folder == second.folder and len(second.record.pairs) == 9
    idle = HashEncoder()
    run(tmp_path, adjusted("center", idle, text), whole)
    assert not idle.encoded
    alone = run(tmp_path / "alone", adjusted("center", text=text), whole)
    assert alone.record.pairs == second.record.pairs


def test_no_shift_gives_the_base_figures(tmp_path):
    retrieval = parallel_set(LANGUAGES, size=20)
    records = [run(tmp_path, one, retrieval).record for one in (HashEncoder(), adjusted("shift:0"))]
    assert records[0].pairs == records[1].pairs


def test_only_ids_that_both_languages_have_count():
    text, encoder = text_of(), HashEncoder()
    part = text.parts["passage", GERMAN]
    more = Texts(GERMAN, ("only", *part.ids[::-1]), ("allein", *part.texts[::-1]))
    text = replace(text, parts={**text.parts, ("passage", GERMAN): more})
    vectors = encoder.encode_batch(["one"], "passage")
    found = fit(adjusted("shift", encoder, text), [parallel_set(LANGUAGES)])(vectors, [GERMAN], "passage")
    assert np.abs(found - literal(Method("shift"), vectors, GERMAN, "passage", text, encoder)).max() < 2e-6


def test_more_directions_than_the_text_spans_are_refused():
    with pytest.raises(UsageError, match=r"9 passages of other in de have 16 dimensions; fewer than 9"):
        fit(adjusted("lir:9"), [replace(parallel_set(("de",)), task="toy")])


def test_bm25_has_no_vectors():
    with pytest.raises(UsageError, match="bm25 has no vectors"):
        adjust_encoder(BM25, Method("center"), text_of())


def test_a_method_that_changes_nothing_says_so(tmp_path, capsys):
    run(tmp_path, adjusted("shift"), replace(parallel_set(("en",)), task="english"))
    assert "--adjust shift changes nothing here: it moves passages to English" in capsys.readouterr().err
