"""What tests of the report share: records, comparisons of one's own choosing, and a page as a browser would read it."""

import base64
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from clearbench.evaluation.options import EvaluationOptions
from clearbench.records.select import Entry
from clearbench.report.content.models import ShownModel
from clearbench.verdicts.compare.result import ComparedRow

EVIL = "<script>alert(1)</script>"
NOTE = "<img src=x onerror=alert(2)> & more"


def write_records(out: Path, models=(("one", "1"), ("two", "2")), languages=("en", "de", "sw"), **changes) -> Path:
    """Evaluate hashing encoders, one per (name, salt), on a toy set of every pair of the languages."""
    sets = [parallel_set(languages, **changes)]
    for name, salt in models:
        encoder = HashEncoder(name=name, salt=salt, settings={"kind": "hash", "dtype": "fp32"})
        evaluate_sets(encoder, sets, EvaluationOptions(out))
    return out


def shown(entry: Entry, series: int = 0) -> ShownModel:
    """Return the model of one record as reports show it."""
    return ShownModel(entry.key, entry.name, series, (entry,))


def points(entry: Entry) -> dict[str, float]:
    """Return pair -> mean nDCG@10 in points."""
    return {pair.pair: 100 * pair.measures["nDCG@10"].mean for pair in entry.record.pairs}


def compared(pair: str, difference: float, p: float = 0.04, measure: str = "nDCG@10") -> ComparedRow:
    """Return the comparison of one pair, whose base has a mean of 0.25."""
    return ComparedRow(
        task="toy", measure=measure, kind="pair", name=pair, num_pairs=1, num_queries=9, num_clusters=3, base=0.25,
        other=0.25 + difference, difference=difference, lower=None, upper=None, p=p, p_corrected=p, wins=1, ties=1,
        losses=1, d_z=None,
    )  # fmt: skip


class Page(HTMLParser):
    """Tags with their attributes, JSON blocks by id, and tables of figures by their matrix."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.blocks, self.cells = [], {}, {}
        self._script = self._matrix = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "script":
            self._script = attributes.get("id")
        if tag == "table":
            self._matrix = attributes.get("data-matrix")
        if tag == "td" and self._matrix and attributes.get("class") != "corner":
            self.cells.setdefault(self._matrix, []).append("")

    def handle_endtag(self, tag):
        self._script = None if tag == "script" else self._script
        self._matrix = None if tag == "table" else self._matrix

    def handle_data(self, data):
        if self._script:
            self.blocks[self._script] = json.loads(data)
        elif self._matrix and self.cells.get(self._matrix) and self.lasttag == "td":
            self.cells[self._matrix][-1] += data.strip()


def pairs_of(block) -> list[str]:
    """Return the pairs of a matrix's JSON block, row by row."""
    return [f"{row['code']}-{column['code']}" for row in block["rows"] for column in block["columns"]]


def unpack(field: str, kind: str = "<i2") -> np.ndarray:
    """Return the figures of a field of a JSON block, packed as integers of a kind."""
    values = np.frombuffer(base64.b64decode(field), kind)
    return np.where(values == np.iinfo(kind).min, np.nan, values / 100)
