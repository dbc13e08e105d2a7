"""A sealed file gives back what was written, and whatever else its bytes have become is noticed."""

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clearbench.common.sealed import DOCUMENT_KEY, SEAL_KEY, open_sealed, sealed_bytes

TABLE = pa.table({"pair": pa.array(["de-en", "en-en"]).dictionary_encode(), "nDCG@10": [0.5, 1.0]})
DOCUMENT: dict[str, Any] = {"pairs": ["de-en", "en-en"], "mean": 0.1 + 0.2, "note": "ü \" 'clearbench-seal'"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "part.parquet"
    path.write_bytes(sealed_bytes(TABLE, DOCUMENT))
    return path


def test_rows_and_document_come_back(file: Path) -> None:
    opened = open_sealed(file)
    assert opened.is_sealed and opened.document == DOCUMENT
    assert opened.read() == TABLE and opened.read(["nDCG@10"]).column_names == ["nDCG@10"]
    assert pq.read_table(file) == TABLE  # any other reader sees a plain Parquet file


def test_a_column_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(KeyError, match="no column recall@10"):
        open_sealed(file).read(["pair", "recall@10"])


def test_the_same_content_is_the_same_bytes() -> None:
    assert sealed_bytes(TABLE, DOCUMENT) == sealed_bytes(TABLE, DOCUMENT) != sealed_bytes(TABLE, {})


def test_every_bit_flip_is_noticed(file: Path) -> None:
    data = file.read_bytes()
    chosen = random.Random(0)
    seal = data.index(b"clearbench-seal:")
    places = {*range(seal - 40, seal + 90), *chosen.sample(range(len(data)), 400), 0, len(data) - 1}
    for place in sorted(places):
        file.write_bytes(data[:place] + bytes([data[place] ^ 1 << chosen.randrange(8)]) + data[place + 1 :])
        with pytest.raises((ValueError, OSError, pa.ArrowException)):
            open_sealed(file)


@pytest.mark.parametrize("damage", ["cut", "longer", "zeros", "empty", "text", "another document"])
def test_other_damage_is_noticed(file: Path, damage: str) -> None:
    data = file.read_bytes()
    file.write_bytes({
        "cut": data[:-20], "longer": data + b"PAR1", "zeros": data[:200] + bytes(100) + data[300:], "empty": b"",
        "text": b"hello", "another document": data.replace(b"de-en", b"sw-en"),
    }[damage])  # fmt: skip
    with pytest.raises((ValueError, OSError, pa.ArrowException)):
        open_sealed(file)


def test_a_file_without_a_seal_is_read_and_known_as_such(tmp_path: Path) -> None:
    pq.write_table(TABLE.replace_schema_metadata({DOCUMENT_KEY: json.dumps(DOCUMENT)}), tmp_path / "old.parquet")
    opened = open_sealed(tmp_path / "old.parquet")
    assert not opened.is_sealed and opened.document == DOCUMENT


def test_a_seal_that_was_overwritten_or_a_file_of_others_is_refused(tmp_path: Path) -> None:
    metadata = {DOCUMENT_KEY: json.dumps(DOCUMENT), SEAL_KEY: "none"}
    pq.write_table(TABLE.replace_schema_metadata(metadata), tmp_path / "unsealed.parquet")
    with pytest.raises(ValueError, match="its seal is damaged"):
        open_sealed(tmp_path / "unsealed.parquet")
    pq.write_table(TABLE, tmp_path / "foreign.parquet")
    with pytest.raises(ValueError, match="was not written by clearbench"):
        open_sealed(tmp_path / "foreign.parquet")
