"""Turn rows into tensors, with the same prompts as in evaluation, and split flat feature names into columns."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator

from clearbench.encoders.base import Role
from clearbench.encoders.checkpoints.transformer import ROUTES, TransformerEncoder
from clearbench.training.run.batches import ROW


def column_role(column: str) -> Role:
    """Return the role whose prompt a column gets: "passage" for passages and their negatives, otherwise "query"."""
    return "passage" if column.startswith("passage") else "query"


def column_prompts(encoder: TransformerEncoder, columns: Sequence[str]) -> dict[str, str]:
    """Return column -> prompt, for the columns with a prompt; evaluation uses the same prompts."""
    prompts = {column: encoder.prompts[column_role(column)] for column in columns}
    return {column: prompt for column, prompt in prompts.items() if prompt}


class RowCollator(SentenceTransformerDataCollator):
    """Tokenizes the texts of a batch, and keeps the rows' positions in the file.

    Args:
        encoder: The checkpoint, with its prompts and routes.
        columns: The loss's columns.
        max_length: Tokens kept per text in training; the checkpoint's own limit does not change.
    """

    def __init__(self, encoder: TransformerEncoder, columns: Sequence[str], max_length: int | None) -> None:
        routes = {column: ROUTES[column_role(column)] for column in columns} if encoder.is_routed else {}
        super().__init__(
            preprocess_fn=encoder.model.preprocess,
            prompts=column_prompts(encoder, columns),
            router_mapping=routes,
        )
        self.model = encoder.model
        self.limit = max_length

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the tensors as `<column>_<feature>`, and the rows' positions as "row"."""
        texts = [{name: value for name, value in row.items() if name != ROW} for row in features]
        with self._limit_length():
            batch: dict[str, Any] = super().__call__(texts)
        return {**batch, ROW: [row[ROW] for row in features]}

    @contextmanager
    def _limit_length(self) -> Iterator[None]:
        usual = self.model.max_seq_length
        if self.limit is None or usual == self.limit:
            yield
            return
        self.model.max_seq_length = self.limit
        try:
            yield
        finally:
            self.model.max_seq_length = usual


def split_columns(inputs: Mapping[str, Any], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the features of each column, in the columns' order.

    sentence-transformers assigns features by prefix, so `passage` also gets the features of `passage_negative_1`. Here
    a feature belongs to the longest column name that it begins with.
    """
    split: dict[str, dict[str, Any]] = {column: {} for column in columns}
    longest_first = sorted(columns, key=len, reverse=True)
    for name, value in inputs.items():
        owner = next((column for column in longest_first if name.startswith(f"{column}_")), None)
        if owner is not None:
            split[owner][name[len(owner) + 1 :]] = value
    return [split[column] for column in columns]
