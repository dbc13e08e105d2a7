"""The Python interface gives what the command line gives."""

import json

import pytest
from builders.encoders import tiny_checkpoint

import clearbench
from clearbench.cli.app import execute
from clearbench.common.errors import ClearbenchError


def test_names_are_functions_even_after_everything_was_imported():
    import clearbench.evaluation.pipeline
    import clearbench.verdicts.compare.compute

    assert all(callable(getattr(clearbench, name)) for name in clearbench.__all__)
    assert clearbench.CLEARLoss.__name__ == "CLEARLoss"
    with pytest.raises(AttributeError, match="load_task"):
        clearbench.nothing  # noqa: B018


def test_evaluating_from_python_equals_the_command_line(tmp_path, capsys):
    checkpoint = tiny_checkpoint(tmp_path / "tiny")
    task = clearbench.load_task("demo", pairs="de-en,en-en")
    [ours] = clearbench.evaluate(checkpoint, [task], out=tmp_path / "a", cache=False)
    command = ["run", "--model", str(checkpoint), "--tasks", "demo", "--pairs", "de-en,en-en"]
    command += ["--out", str(tmp_path / "b"), "--cache-dir", str(tmp_path / "cache"), "--format", "json"]
    assert execute(command) == 0
    [theirs] = json.loads(capsys.readouterr().out)
    assert ours.record.model_dump(mode="json")["pairs"] == theirs["pairs"]


def test_models_are_compared_by_result_or_by_name(tmp_path):
    task = clearbench.load_task("demo", pairs="de-en,en-en")
    base = clearbench.evaluate("bm25", [task], out=tmp_path, name="base", cache=False)
    encoder = clearbench.load_encoder(tiny_checkpoint(tmp_path / "tiny"), max_length=32)
    other = clearbench.evaluate(encoder, [task], out=tmp_path, name="other", cache=False)
    comparison = clearbench.compare(base, other, flips=100)
    assert [row.name for row in comparison.pairs] == ["de-en", "en-en"]
    assert comparison == clearbench.compare("base", "other", results=tmp_path, flips=100)


@pytest.mark.parametrize(
    "call",
    [
        lambda: clearbench.load_encoder("minilm", max_lenght=3),
        lambda: clearbench.load_task("demoo"),
        lambda: clearbench.load_task("demo", pair="de-en"),
        lambda: clearbench.load_task("demo", all_pairs="yes"),
        lambda: clearbench.evaluate("bm25", [], nmae="base"),
        lambda: clearbench.evaluate("bm25", [], cache=3),
        lambda: clearbench.compare("a", "b", flip=3),
        lambda: clearbench.compare("a", "b", results="nowhere"),
        lambda: clearbench.load_task("demo", pairs=["de-en"]),
        lambda: clearbench.evaluate("bm25", clearbench.load_task("demo", pairs="de-en")),  # type: ignore[arg-type]
        lambda: clearbench.evaluate("bm25", ["demo"]),  # type: ignore[list-item]
        lambda: clearbench.evaluate("bm25", "demo"),  # type: ignore[arg-type]
        lambda: clearbench.compare(object(), "b"),  # type: ignore[arg-type]
        lambda: clearbench.compare(["a"], ["b"]),  # type: ignore[list-item]
    ],
)
def test_a_slip_is_a_known_error(call):
    with pytest.raises(ClearbenchError):
        call()


def test_settings_may_be_texts_paths_or_lists(tmp_path, monkeypatch):
    monkeypatch.setenv("CLEARBENCH_CACHE", str(tmp_path / "cache"))
    task = clearbench.load_task("demo", pairs="de-en", cache_dir=str(tmp_path))
    base = clearbench.evaluate("bm25", [task], out=str(tmp_path), name="base")
    other = clearbench.evaluate(tiny_checkpoint(tmp_path / "tiny"), [task], out=tmp_path, cache=tmp_path / "own")
    assert (tmp_path / "own" / "embeddings").is_dir() and not (tmp_path / "cache").exists()
    named = clearbench.compare(base, other, tasks="demo", flips=10)
    assert named == clearbench.compare(base, other, tasks=["demo"], flips=10)
