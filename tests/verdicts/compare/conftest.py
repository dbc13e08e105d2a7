"""A results folder with three models on one task, two of which have a second one."""

import pytest
from builders.compare import sample
from builders.records import write_record


@pytest.fixture
def out(tmp_path):
    write_record(tmp_path, "base", sample(0))
    write_record(tmp_path, "tuned", sample(1, 0.1))
    write_record(tmp_path, "third", sample(2, 0.02, ("de-en", "en-en")), dtype="bf16")
    for name, seed in (("base", 3), ("tuned", 4)):
        write_record(tmp_path, name, sample(seed), task="second", encoder=f"encoder of {name}")
    return tmp_path
