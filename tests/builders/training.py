"""Training rows and settings for tests of training."""

import os
import signal

import torch
from safetensors.torch import load_file

from builders.files import write_jsonl
from clearbench.training.run.config import TrainConfig


def sample_rows(num_rows=24, languages=("de",), negatives=1, passages=None):
    """One question per row; `passages` below `num_rows` makes rows share passages."""
    passages = passages or num_rows
    rows = []
    for language in languages:
        for number in range(num_rows):
            others = [(number + k) % passages for k in range(2, 2 + negatives)]
            rows.append(
                {
                    "query": f"{number} is what topic",
                    "passage": f"{number % passages} is the topic of a long passage",
                    "target_query": f"{number} {language} ist was für ein thema",
                    "language": language,
                    "query_id": f"q{number}",
                    "cluster": f"c{number % passages}",
                    "passage_negatives": [f"{other} is the topic of a long passage" for other in others],
                    "target_query_negatives": [f"{other} {language} ist was für ein thema" for other in others],
                }
            )
    return rows


def write_rows(path, *arguments, **keywords):
    return write_jsonl(path, sample_rows(*arguments, **keywords))


def make_settings(folder, **changes):
    """Six small steps on `rows.jsonl` of the folder, from `base`, to `out`."""
    settings = {
        "model": str(folder / "base"),
        "data": folder / "rows.jsonl",
        "out": folder / "out",
        "steps": 6,
        "batch_size": 4,
        "learning_rate": 1e-2,
        "device": "cpu",
        "save_every": 2,
    }
    return TrainConfig(**{**settings, **changes})


def read_weights(folder):
    return load_file(folder / "model.safetensors")


def equal_weights(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def unchanged(step, loss, model):
    """What a hooked loss does: nothing."""
    return loss


def interrupt_at_3(step, loss, model):
    """Press Ctrl-C in the third step."""
    if step == 3:
        os.kill(os.getpid(), signal.SIGINT)
    return loss


def nan_loss(step, loss, model):
    """Diverge in the fourth step."""
    return loss * float("nan") if step == 4 else loss


def no_space(*_):
    raise OSError(28, "No space left on device")
