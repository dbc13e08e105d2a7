"""A part that is not what was written is never used: it is set aside, said, and its texts are encoded again."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from safetensors.numpy import load_file, save_file

from clearbench.common.errors import StoreError
from clearbench.encoders.cache import list_vectors
from clearbench.encoders.vectors.embed import encode_missing, plan_encoding
from clearbench.encoders.vectors.part import ASIDE, PART_PATTERN, read_vectors
from clearbench.encoders.vectors.store import EMBEDDINGS, EmbeddingStore

DATA = parallel_set(("en", "de"), size=8)
PLAN = plan_encoding(HashEncoder(), [DATA])
VECTORS = HashEncoder().encode_batch(PLAN.texts, "query")


def encode(folder: Path, encoder: HashEncoder | None = None) -> EmbeddingStore:
    """Open the store of an encoder, and encode what it lacks."""
    encoder = encoder or HashEncoder()
    store = EmbeddingStore(folder, encoder=encoder.fingerprint)
    encode_missing(encoder, store, PLAN)
    return store


def fill(folder: Path) -> list[Path]:
    """Write three parts."""
    encoder, store = HashEncoder(), EmbeddingStore(folder, encoder=HashEncoder().fingerprint)
    for rows in np.array_split(np.arange(len(PLAN.texts)), 3):
        store.add(PLAN.keys[rows], encoder.encode_batch([PLAN.texts[row] for row in rows], "query"))
    return sorted(folder.glob(PART_PATTERN))


def test_no_damage_anywhere_changes_a_vector(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bits turned over, blocks zeroed and ends cut off, at places spread over every part."""
    rng = np.random.default_rng(6)
    fill(tmp_path / "sound")
    for number in range(60):
        shutil.copytree(tmp_path / "sound", tmp_path / str(number))
        file = sorted((tmp_path / str(number)).glob(PART_PATTERN))[rng.integers(0, 3)]
        before = bytearray(file.read_bytes())
        place = int(rng.integers(0, len(before) if number % 2 else 400))  # every other one in the header
        after = before.copy()
        match number % 3:
            case 0:
                after[place] ^= 1 << int(rng.integers(0, 8))
            case 1:
                after[place : place + 100] = bytes(len(after[place : place + 100]))
            case 2:
                del after[place:]
        file.write_bytes(after)
        capsys.readouterr()
        store = encode(tmp_path / str(number))
        assert np.array_equal(store.get(PLAN.keys), VECTORS), (number, place)
        said = capsys.readouterr().err
        assert after == before or (str(file) in said and "encoded again" in said and not file.exists()), (number, place)


def _patch_nan(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-4] + np.float32(np.nan).tobytes())


def _cut_keys(path: Path) -> None:
    tensors = load_file(path)
    save_file({**tensors, "keys": tensors["keys"][:-1]}, path, {"encoder": HashEncoder().fingerprint, "checksum": "0"})


def _half_precision(path: Path) -> None:
    tensors = load_file(path)
    half = tensors["vectors"].astype(np.float16)
    save_file({**tensors, "vectors": half}, path, {"encoder": HashEncoder().fingerprint, "checksum": "0"})


def _odd_keys(path: Path) -> None:
    tensors = load_file(path)
    save_file({**tensors, "keys": tensors["keys"][:, :8].copy()}, path)


def _earlier_version(path: Path) -> None:
    save_file(load_file(path), path)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (_patch_nan, "its checksum differs"),
        (_cut_keys, "vectors of shape"),
        (_half_precision, "float16 vectors"),
        (_odd_keys, "keys of shape"),
        (_earlier_version, "an earlier version of clearbench wrote it"),
    ],
)
def test_what_is_wrong_with_a_part_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], harm: Callable[[Path], None], reason: str
) -> None:
    [file, *_] = fill(tmp_path)
    harm(file)
    assert np.array_equal(encode(tmp_path).get(PLAN.keys), VECTORS)
    assert reason in capsys.readouterr().err
    assert file.with_name(file.name + ASIDE).exists() and not file.exists()
    encode(tmp_path)
    assert capsys.readouterr().err == ""  # once is enough


def test_a_part_of_another_encoder_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = HashEncoder(salt="other")
    encode(tmp_path / "other", other)
    [foreign] = (tmp_path / "other").glob(PART_PATTERN)
    (tmp_path / "own").mkdir()
    foreign.rename(tmp_path / "own" / foreign.name)
    assert np.array_equal(encode(tmp_path / "own").get(PLAN.keys), VECTORS)
    assert f"is of another encoder, {other.fingerprint}" in capsys.readouterr().err


def test_many_parts_with_one_fault_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = fill(tmp_path)
    for part in parts:
        _earlier_version(part)
    encode(tmp_path)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{parts[0]} has no checksum") and "(the same is true of 2 more parts)" in line


def test_the_other_copy_of_a_vector_is_used_where_one_is_damaged(tmp_path: Path) -> None:
    fill(tmp_path)
    again = HashEncoder()
    EmbeddingStore(tmp_path, encoder=again.fingerprint).add(PLAN.keys, VECTORS)
    for part in sorted(tmp_path.glob(PART_PATTERN))[:1]:
        _patch_nan(part)
    encode(tmp_path, again)
    assert again.encoded == []
    assert np.array_equal(encode(tmp_path).get(PLAN.keys), VECTORS)


def test_a_part_that_is_gone_is_encoded_again_and_named_where_it_is_too_late(tmp_path: Path) -> None:
    parts = fill(tmp_path)
    store = EmbeddingStore(tmp_path, encoder=HashEncoder().fingerprint)
    parts[0].unlink()
    assert not store.contains(PLAN.keys).all()
    assert store.contains(PLAN.keys).any()
    parts[1].unlink()
    with pytest.raises(StoreError, match=r"cannot be read any more.*Run again"):
        store.get(PLAN.keys[store.contains(PLAN.keys)])
    with pytest.raises(StoreError, match=parts[1].name):
        read_vectors(parts[1], np.array([0]))


def test_a_part_set_aside_counts_in_the_size_of_the_cache(tmp_path: Path) -> None:
    folder = tmp_path / EMBEDDINGS / HashEncoder().fingerprint
    parts = fill(folder)
    [before] = list_vectors(tmp_path)
    _patch_nan(parts[0])
    EmbeddingStore(folder, encoder=HashEncoder().fingerprint).contains(PLAN.keys)
    [after] = list_vectors(tmp_path)
    assert (after.num_parts, after.num_bytes) == (before.num_parts - 1, before.num_bytes)
