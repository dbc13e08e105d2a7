"""The tokenizer: a literal oracle on a tiny vocabulary; the official ids in all scripts with the real one."""

import json
from pathlib import Path

import pytest
from builders.q4 import PIECES, TinyFile
from tokenizers import Tokenizer

from clearbench.common.hashing import content_hash
from clearbench.encoders.packaged.q4 import read_q4
from clearbench.encoders.packaged.tokenizer import describe_loading, describe_tokenizer

STORED = json.loads(Path(__file__).with_name("e5_tokens.json").read_text(encoding="utf-8"))
"""Texts with the ids of the official tokenizer; of the demo data, a hash of them; benchmarks/e5_tokens.py writes it."""
DEMO = Path(__file__).resolve().parents[3] / "tasks" / "demo"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer") / "tiny.bin"
    TinyFile().write(path)
    return read_q4(path).vocabulary


@pytest.fixture(scope="module")
def real(e5_small):
    _, folder = e5_small
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("the river flows", ["▁the", "▁river", "▁flows"]),
        ("the   river\tflows", ["▁the", "▁river", "▁flows"]),
        ("Ｒiver", ["▁", "<unk>", "i", "v", "e", "r"]),  # normalised to R, which is no piece
        ("the\u200dri\u200bver", ["▁the", "▁river"]),
        ("o\u0323", ["▁", "ọ"]),
        ("", []),
        ("the <mask> </s>", ["▁the", "▁", "<mask>", "▁", "</s>"]),
    ],
)
def test_pieces_of_a_tiny_vocabulary(tiny, text, pieces):
    tokenizer = Tokenizer.from_str(json.dumps(describe_tokenizer(tiny)))
    ids = [[piece for piece, _ in PIECES].index(piece) for piece in pieces]
    assert tokenizer.encode(text).ids == [0, *ids, 2]


def test_special_pieces_have_their_roles(tiny):
    loading = describe_loading(tiny, 16)
    roles = {role: piece for role, piece in loading.items() if role.endswith("_token")}
    assert roles == {
        "bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>",
        "unk_token": "<unk>", "mask_token": "<mask>",
    }  # fmt: skip
    assert loading["model_max_length"] == 16


def test_ids_are_the_official_ones_in_all_scripts(real):
    texts = [text for text, _ in STORED["texts"]]
    found = [encoding.ids for encoding in real.encode_batch(texts)]
    assert dict(zip(texts, found, strict=True)) == dict(STORED["texts"])


@pytest.mark.parametrize("language", sorted(STORED["demo"]))
def test_ids_of_the_demo_data_are_the_official_ones(real, language):
    rows = [json.loads(line) for line in (DEMO / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()]
    texts = [row[key] for row in rows for key in ("question", "flores_passage")]
    ids = [" ".join(map(str, encoding.ids)) for encoding in real.encode_batch(texts)]
    assert content_hash(*ids) == STORED["demo"][language]
