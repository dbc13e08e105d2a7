"""BM25: the literal formula, and tokens for scripts with and without blanks."""

import math
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearbench.encoders.bm25 import BM25, tokenise

PASSAGES = [
    "the river flows to the sea",
    "a delta is where a river meets the sea sea",
    "bread needs flour",
    "川は海へ流れる",
]


def test_scores_are_lucenes_bm25():
    documents = [tokenise(text) for text in PASSAGES]
    mean_length = sum(map(len, documents)) / len(documents)

    def literal(query, document):
        total = 0.0
        for token in tokenise(query):
            frequency = document.count(token)
            holding = sum(token in other for other in documents)
            inverse = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            length = 1 - BM25.b + BM25.b * len(document) / mean_length
            total += inverse * frequency / (frequency + BM25.k1 * length)
        return total

    queries = ["river to the sea", "Flour", "川が流れる", "nothing shared here", ""]
    expected = [[literal(query, document) for document in documents] for query in queries]
    assert np.abs(BM25.index(PASSAGES).scores(queries) - np.array(expected)).max() < 1e-5
    assert expected[0][1] > 0 and expected[2][3] > 0


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't stop-2024!", ["don", "t", "stop", "2024"]),
        ("Größe ÉCOLE", ["grösse", "école"]),
        ("東京タワー2", ["東京", "京タ", "タワ", "ワー", "2"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("犬", ["犬"]),
        ("ภาษา", ["ภา", "าษ", "ษา"]),
        ("", []),
    ],
)
def test_tokens(text, tokens):
    assert tokenise(text) == tokens


@pytest.mark.parametrize(
    ("query", "passage"),
    [
        (unicodedata.normalize("NFD", "Zürich"), "Zürich"),
        (unicodedata.normalize("NFD", "বাংলাদেশের বড় নদী"), unicodedata.normalize("NFC", "বাংলাদেশের বড় নদী")),
        (unicodedata.normalize("NFD", "Tiếng Việt"), "TIẾNG VIỆT"),
        (unicodedata.normalize("NFD", "한국어"), "한국어"),
        ("İSTANBUL IĞDIR", "istanbul ığdır"),
        ("ＡＢＣ １２３", "abc 123"),
        ("ｶﾀｶﾅ", "カタカナ"),
        ("STRASSE", "Straße"),
        ("ΟΔΟΣ", "οδος"),
        ("ﬁnal", "final"),
        ("co\u00adop\ufe0f", "coop"),
    ],
)
def test_a_query_finds_its_passage_however_it_is_written(query, passage):
    [scores] = BM25.index(["another text altogether", passage]).scores([query])
    [same] = BM25.index(["another text altogether", passage]).scores([passage])
    assert scores[0] == 0 and scores[1] == same[1] > 0


@given(st.text())
def test_no_unicode_form_changes_tokens(text):
    assert {tuple(tokenise(unicodedata.normalize(form, text))) for form in ("NFC", "NFD", "NFKC", "NFKD")} == {
        tuple(tokenise(text))
    }


@given(st.text(st.characters(categories=["L", "N", "Zs"])))
def test_no_case_changes_tokens(text):
    assert tokenise(text.casefold()) == tokenise(text) == tokenise(text.casefold().upper())
