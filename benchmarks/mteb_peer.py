"""The MTEB side of the benchmarks: build a cross-lingual task in memory, evaluate it with MTEB, write JSON.

Runs in its own environment (`pip install "mteb==2.26.*"`), because MTEB may need other versions than clearbench. MTEB
is used as its users use it: `mteb.evaluate` gets a SentenceTransformer, and batch size and top-k have their defaults.
Only the result cache is off, because a cached result would take no time.

    python mteb_peer.py --task xquad --languages en,de --data-dir DATA --model FOLDER --output OUT.json
    python mteb_peer.py --task belebele --data-dir DATA --vectors TABLE.npz --merge --output OUT.json

With `--vectors`, the vector of every text comes from a table, so both evaluators use the same numbers.
"""

import argparse
import json
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mteb
import numpy as np
from datasets import Dataset
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ModelMeta, ScoringFunction
from official_files import READERS, PairTexts
from sentence_transformers import SentenceTransformer

SPLIT = "test"
# Metadata: MTEB requires an ISO 639-3 code and a script for each subset, but does not use them here.
ISO = {
    "ar": "ara-Arab",
    "de": "deu-Latn",
    "el": "ell-Grek",
    "en": "eng-Latn",
    "es": "spa-Latn",
    "hi": "hin-Deva",
    "ro": "ron-Latn",
    "ru": "rus-Cyrl",
    "th": "tha-Thai",
    "tr": "tur-Latn",
    "vi": "vie-Latn",
    "zh": "zho-Hans",
}


def make_task(name: str, pairs: list[PairTexts]) -> AbsTaskRetrieval:
    """Return an MTEB retrieval task with its data in memory: one subset per pair, named query language first."""

    class InMemoryRetrieval(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name=f"{name.capitalize()}CrossLingualRetrieval",
            description="All language pairs, built in memory from the official files.",
            reference=None,
            dataset={"path": "in-memory", "revision": "1"},
            type="Retrieval",
            category="t2t",
            modalities=["text"],
            eval_splits=[SPLIT],
            eval_langs={pair.name: [_iso(pair.passage_language), _iso(pair.query_language)] for pair in pairs},
            main_score="ndcg_at_10",
            date=None,
            domains=None,
            task_subtypes=None,
            license=None,
            annotations_creators=None,
            dialect=None,
            sample_creation=None,
            bibtex_citation=None,
        )

        data_loaded: bool

        def load_data(self, num_proc: int | None = None, **kwargs: Any) -> None:
            """Fill `self.dataset`. Pairs with the same pool share one Dataset, which saves MTEB conversions."""
            if self.data_loaded:
                return
            pools: dict[int, Dataset] = {}
            self.dataset = {}
            for pair in pairs:
                if id(pair.passages) not in pools:
                    rows = [{"id": k, "title": title, "text": text} for k, (title, text) in pair.passages.items()]
                    pools[id(pair.passages)] = Dataset.from_list(rows)
                self.dataset[pair.name] = {
                    SPLIT: {
                        "corpus": pools[id(pair.passages)],
                        "queries": Dataset.from_list([{"id": k, "text": v} for k, v in pair.queries.items()]),
                        "relevant_docs": pair.relevant,
                        "top_ranked": None,
                    }
                }
            self.data_loaded = True

    return InMemoryRetrieval()


class CountingModel(SentenceTransformer):
    """A SentenceTransformer that also counts its texts."""

    num_texts = 0

    def encode(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        self.num_texts += len(inputs)
        return super().encode(inputs, *args, **kwargs)


class TableModel(AbsEncoder):
    """An MTEB encoder that reads vectors from a table; a text that is not in the table is an error."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as table:
            self.vectors = table["vectors"]
            self.position = {text: i for i, text in enumerate(json.loads(table["texts"].tobytes()))}
        self.num_texts = 0
        self.mteb_model_meta = ModelMeta.create_empty(
            {"name": "benchmark/table", "similarity_fn_name": ScoringFunction.COSINE}
        )

    def encode(self, inputs: Any, **kwargs: Any) -> np.ndarray:
        texts = [text for batch in inputs for text in batch["text"]]
        self.num_texts += len(texts)
        vectors: np.ndarray = self.vectors[[self.position[text] for text in texts]]
        return vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=sorted(READERS), required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--languages", help="comma-separated, as the file names write them")
    parser.add_argument("--merge", action="store_true", help="one query for equal questions")
    parser.add_argument("--output", type=Path, required=True, help="JSON file for the scores")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", help="a sentence-transformers folder")
    source.add_argument("--vectors", type=Path, help="table of vectors (.npz)")
    options = parser.parse_args()

    chosen: dict[str, Any] = {"merge": options.merge}
    if options.languages:
        chosen["languages"] = options.languages.split(",")
    pairs = READERS[options.task](options.data_dir, **chosen)
    task = make_task(options.task, pairs)
    model = TableModel(options.vectors) if options.vectors else CountingModel(options.model)
    started = time.perf_counter()
    result = mteb.evaluate(model, task, cache=None)
    seconds = time.perf_counter() - started
    scores = {row["hf_subset"]: row for row in result.task_results[0].scores[SPLIT]}
    answer = {
        "task": options.task,
        "merged": options.merge,
        "versions": {name: version(name) for name in ("mteb", "torch", "sentence-transformers", "numpy")},
        "num_texts": model.num_texts,
        "evaluate_seconds": round(seconds, 2),
        "pairs": {
            pair.name: {
                "nDCG@10": scores[pair.name]["ndcg_at_10"],
                "recall@100": scores[pair.name]["recall_at_100"],
                "num_queries": len(pair.queries),
                "num_passages": len(pair.passages),
            }
            for pair in pairs
        },
    }
    options.output.write_text(json.dumps(answer, indent=1), "utf-8")


def _iso(language: str) -> str:
    return ISO.get(language, language.replace("_", "-") if "_" in language else "eng-Latn")


if __name__ == "__main__":
    main()
