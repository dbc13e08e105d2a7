"""Tokenisers of XOR-Retrieve's rule: the official one, the one without its data, and what is said where it lacks."""

from pathlib import Path
from typing import Any

import nltk
import pytest

from clearbench.common.errors import ScoringError
from clearbench.scoring.answers.xor import Tokeniser, fallback_tokeniser, official_tokeniser, score_xor


def test_tokenisers_have_different_names(official: Tokeniser) -> None:
    fallback = fallback_tokeniser()
    assert official.name == "nltk.word_tokenize"
    assert fallback.name == "nltk-treebank-unsplit"
    text = 'It left York. Then "it" (the train) stopped.'
    assert " ".join(official.tokenise(text)) == "It left York . Then `` it '' ( the train ) stopped ."
    assert " ".join(fallback.tokenise(text)) == "It left York. Then `` it '' ( the train ) stopped ."
    result = score_xor({"q": ["p"]}, {"p": text}, {"q": ["York ."]}, fallback)
    assert result.scores["q"] == (0.0, 0.0)
    assert score_xor({"q": ["p"]}, {"p": text}, {"q": ["York ."]}, official).scores["q"] == (1.0, 1.0)


def test_without_punkt_the_official_tokeniser_is_an_error_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[str] = []

    def download(name: str, **options: Any) -> bool:
        calls.append(name)
        assert options["quiet"]
        options["print_error_to"].write("[nltk_data] no\n[nltk_data] network")
        return False

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    monkeypatch.setattr(nltk, "download", download)
    with pytest.raises(ScoringError, match=r"offline, no download tried") as failure:
        official_tokeniser(offline=True)
    assert calls == []
    for part in ("nltk.word_tokenize", str(tmp_path), "python -m nltk.downloader punkt_tab", "NLTK_DATA"):
        assert part in str(failure.value)
    with pytest.raises(ScoringError, match=r"the download failed: \[nltk_data\] no \[nltk_data\] network"):
        official_tokeniser()
    assert calls == ["punkt_tab"]

    def unreachable(name: str, **options: Any) -> bool:
        raise OSError("unreachable")

    monkeypatch.setattr(nltk, "download", unreachable)
    with pytest.raises(ScoringError, match="the download failed: unreachable"):
        official_tokeniser()


def test_a_broken_punkt_folder_is_not_taken_for_the_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tokenizers" / "punkt_tab" / "english").mkdir(parents=True)

    def incomplete(text: str) -> list[str]:
        raise FileNotFoundError("collocations.tab")

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    monkeypatch.setattr(nltk, "word_tokenize", incomplete)
    with pytest.raises(ScoringError, match=r"found, but it cannot be loaded \(collocations.tab\)"):
        official_tokeniser(offline=True)


def test_a_download_makes_the_official_tokeniser_usable(
    official: Tokeniser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folders = list(nltk.data.path)

    def download(name: str, **options: Any) -> bool:
        nltk.data.path[:] = folders
        return True

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    monkeypatch.setattr(nltk, "download", download)
    assert official_tokeniser() == official
