"""Settings: the order in which they win, and messages for those that do not fit."""

from typing import Any

import pytest

from clearbench.common.errors import UsageError
from clearbench.training.run.config import MAY_CHANGE, PRESETS, TrainConfig, make_config, read_typed_settings

NEEDED = {"model": "minilm", "data": "rows.parquet", "out": "ckpt"}


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid_and_complete_runs(preset):
    config = make_config({**NEEDED, "preset": preset})
    assert all(getattr(config, name) == value for name, value in PRESETS[preset].items())


def test_the_published_recipe():
    config = make_config({**NEEDED, "preset": "paper"})
    assert (config.batch_size, config.mini_batch_size, config.steps, config.negatives) == (64, 32, 50, 5)
    assert (config.learning_rate, config.schedule, config.warmup, config.max_length) == (5e-5, "cosine", 0.05, 512)
    assert (config.dtype, config.scale, config.loss) == ("bf16", 20.0, "clear")


def test_flags_win_over_the_file_and_the_file_over_the_preset(tmp_path):
    file = tmp_path / "train.toml"
    file.write_text('preset = "paper"\nsteps = 7\nbatch_size = 40\n')
    config = make_config({**NEEDED, "steps": 9, "seed": None}, file)
    assert (config.steps, config.batch_size, config.mini_batch_size, config.seed) == (9, 40, 32, 42)


def test_a_mini_batch_in_tokens_replaces_one_in_texts():
    config = make_config({**NEEDED, "preset": "paper", "mini_batch_tokens": 4096})
    assert (config.mini_batch_size, config.mini_batch_tokens) == (None, 4096)


BAD: dict[str, Any] = {
    "unknown setting": ({"learning_rat": 1e-5}, "learning_rate"),
    "unknown preset": ({"preset": "papr"}, "paper"),
    "negative steps": ({"steps": -1}, "steps: found -1, expected: input should be greater than 0"),
    "steps without end": ({"steps": 10**20}, "steps: found 100000000000000000000, expected: input should be less than"),
    "infinite rate": ({"learning_rate": float("inf")}, "learning_rate"),
    "rate is NaN": ({"learning_rate": float("nan")}, "learning_rate"),
    "unknown schedule": ({"schedule": "cosin"}, "'cosine', 'linear' or 'constant'"),
    "text for a number": ({"batch_size": "many"}, "batch_size: found 'many'"),
    "mini-batch larger than batch": (
        {"batch_size": 8, "mini_batch_size": 16}, "mini_batch_size 16 is larger than batch_size 8",
    ),
    "two units": ({"mini_batch_size": 2, "mini_batch_tokens": 64}, "exclude each other"),
    "limit without evaluation": ({"stop_english": 1.0}, "need eval_tasks"),
    "nothing to train": ({"model": None}, "--model missing"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_settings_are_one_message(case):
    changes, message = BAD[case]
    with pytest.raises(UsageError) as error:
        make_config({**NEEDED, **changes})
    assert message in str(error.value) and error.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"), [("steps = ", "not a TOML file"), ("step = 3", "step: unknown key"), (None, "such")]
)
def test_bad_files_name_the_file(tmp_path, text, message):
    file = tmp_path / "train.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError) as error:
        make_config(NEEDED, file)
    assert message in str(error.value) and str(file) in str(error.value)


def test_settings_on_the_command_line_are_toml_or_text():
    settings = read_typed_settings(["weight_decay=0.1", "gather=false", "duplicates = allow"], "--set")
    assert settings == {"weight_decay": 0.1, "gather": False, "duplicates": "allow"}
    with pytest.raises(UsageError, match="--set weight_decay: expected name=value"):
        read_typed_settings(["weight_decay"], "--set")


def test_what_may_change_in_a_continued_run_exists():
    assert set(TrainConfig.model_fields) >= MAY_CHANGE
    assert not {"learning_rate", "steps", "seed", "loss", "batch_size"} & MAY_CHANGE
