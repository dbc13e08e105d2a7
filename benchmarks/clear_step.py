"""Compare one CLEAR step encoded column by column with one encoded together: steps per second, memory, gradients.

The published code encodes column by column: each column is padded to its own longest text and encoded in mini-batches
of 32 rows, twice (GradCache). Both sides use the same rows, the same model, the same loss on the vectors, and no
dropout. The gradients must agree to 1e-5 of the largest entry.

Rows: English and German XQuAD from --data-dir (negatives: five other paragraphs with one of their questions). Without
--data-dir: distinct random texts with the token counts of XQuAD. Each side runs in its own process, to measure its peak
memory.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.checkpoint import find_checkpoint
from clearbench.training.loss.clear import CLEARLoss
from clearbench.training.loss.texts import collect_texts

NEGATIVES = 5
BASE = ("query", "passage", "target_query")
COLUMNS = (
    *BASE,
    *(f"passage_negative_{k}" for k in range(1, NEGATIVES + 1)),
    *(f"target_query_negative_{k}" for k in range(1, NEGATIVES + 1)),
)


Row = dict[str, str]
"""Column -> text."""
Features = dict[str, Any]
"""The tokenizer's output for one column."""


def xquad_rows(folder: Path, size: int, seed: int) -> list[Row]:
    """Return rows of distinct questions; as in mined data, rows may share passages and negatives."""
    random = np.random.default_rng(seed)
    paragraphs = [
        [
            (paragraph["context"], [question["question"] for question in paragraph["qas"]])
            for article in json.loads((folder / "xquad" / f"xquad.{language}.json").read_text())["data"]
            for paragraph in article["paragraphs"]
        ]
        for language in ("en", "de")
    ]
    english, german = paragraphs
    questions = [(p, q) for p, (_, asked) in enumerate(english) for q in range(len(asked))]
    rows = []
    for index in random.permutation(len(questions))[:size]:
        p, q = questions[index]
        others = random.choice([other for other in range(len(english)) if other != p], NEGATIVES, replace=False)
        row = {"query": english[p][1][q], "passage": english[p][0], "target_query": german[p][1][q]}
        for k, other in enumerate(others, 1):
            row[f"passage_negative_{k}"] = english[other][0]
            row[f"target_query_negative_{k}"] = random.choice(german[other][1])
        rows.append(row)
    return rows


def random_rows(size: int, seed: int) -> list[Row]:
    """Return rows of distinct texts of common words; log-normal lengths of about 150 words a passage, 11 a question."""
    random = np.random.default_rng(seed)
    words = ("time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school")

    def draw_text(mean: float, spread: float) -> str:
        length = max(3, int(random.lognormal(np.log(mean), spread)))
        return " ".join(random.choice(words, length))

    return [
        {column: draw_text(125, 0.45) if column.startswith("passage") else draw_text(10, 0.35) for column in COLUMNS}
        for _ in range(size)
    ]


def step_by_columns(model: SentenceTransformer, features: Sequence[Features], loss: CLEARLoss, size: int = 32) -> float:
    """Run GradCache column by column, with our loss on the vectors, so only the encoding differs; return the loss."""
    named = dict(zip(COLUMNS, features, strict=True))
    pieces = [(column, start) for column in COLUMNS for start in range(0, len(named[column]["input_ids"]), size)]

    def encode_piece(column: str, start: int) -> Tensor:
        # As published: a slice of the padded column, as wide as the column's longest text.
        chosen = {name: value[start : start + size] for name, value in named[column].items() if torch.is_tensor(value)}
        vectors: Tensor = model(chosen)["sentence_embedding"]
        return vectors

    with torch.no_grad():
        parts = {piece: encode_piece(*piece) for piece in pieces}
    leaves = {
        column: torch.cat([parts[piece] for piece in pieces if piece[0] == column]).requires_grad_()
        for column in COLUMNS
    }
    value, _ = loss.score(leaves, collect_texts(named))
    torch.autograd.backward(value)
    for column, start in pieces:
        gradient = leaves[column].grad
        assert gradient is not None
        torch.autograd.backward(encode_piece(column, start), gradient[start : start + size])
    return float(value.detach())


def measure_side(args: argparse.Namespace) -> None:
    """Run one side, print its figures as JSON, and write its gradient to a file."""
    torch.manual_seed(0)
    folder = find_checkpoint(args.model, EncoderOptions()).folder
    model = SentenceTransformer(str(folder), device=args.device).eval()
    model.max_seq_length = args.max_length
    rows = xquad_rows(args.data_dir, args.batch, args.seed) if args.data_dir else random_rows(args.batch, args.seed)
    features = []
    for column in COLUMNS:
        batch = model.preprocess([row[column] for row in rows])
        features.append({k: v.to(args.device) if torch.is_tensor(v) else v for k, v in batch.items()})
    loss = CLEARLoss(model, COLUMNS, mini_batch_tokens=args.tokens)
    cuda = args.device.startswith("cuda")

    def step() -> float:
        model.zero_grad()
        if args.side == "columns":
            return step_by_columns(model, features, loss)
        value = loss(features)
        torch.autograd.backward(value)
        return float(value.detach())

    value = step()
    gradient = torch.cat([weight.grad.flatten().cpu() for weight in model.parameters() if weight.grad is not None])
    seconds, processor = [], time.process_time()
    for _ in range(args.steps):
        if cuda:
            torch.cuda.synchronize()
        begin = time.perf_counter()
        step()
        if cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    peak = torch.cuda.max_memory_allocated() if cuda else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    torch.save(gradient, args.gradient)
    processor = (time.process_time() - processor) / args.steps
    figures = {"loss": value, "seconds": median(seconds), "processor": processor, "peak_mb": peak / 2**20}
    print(json.dumps(figures))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--data-dir", type=Path, help="folder with xquad/xquad.<l>.json; without it random rows")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=2048, help="padded tokens per mini-batch of our side")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--side", choices=("columns", "together"), help=argparse.SUPPRESS)
    parser.add_argument("--gradient", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        measure_side(args)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        figures, gradients = {}, {}
        for side in ("columns", "together"):
            file = f"{folder}/{side}.pt"
            command = [sys.executable, __file__, *sys.argv[1:], "--side", side, "--gradient", file]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            figures[side], gradients[side] = json.loads(done.stdout.splitlines()[-1]), torch.load(file)
    for side, row in figures.items():
        print(
            f"{side:9} {1 / row['seconds']:8.4f} steps/s  {row['processor']:7.2f} processor seconds a step  "
            f"peak {row['peak_mb']:6.0f} MB  loss {row['loss']:.7f}"
        )
    one, other = gradients["columns"], gradients["together"]
    difference = float((one - other).abs().max() / one.abs().max())
    wall, processor = (figures["columns"][name] / figures["together"][name] for name in ("seconds", "processor"))
    print(
        f"ratio {wall:.2f}, of processor seconds {processor:.2f}; "
        f"largest gradient difference {difference:.1e} of the largest gradient"
    )
    return int(difference > 1e-5)


if __name__ == "__main__":
    sys.exit(main())
