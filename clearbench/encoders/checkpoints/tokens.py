"""Tokens: how many of a text a checkpoint reads, and whether it has a tokenizer at all."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from clearbench.common.errors import EncoderError, UsageError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

UNLIMITED = 10**9
"""A tokenizer without a maximum length reports a larger number than this."""
FEWEST_TOKENS = 3
"""The smallest limit that can be set: one token of the text between two special ones."""


def token_limit(model: "SentenceTransformer") -> int | None:
    """Return the tokens that a checkpoint keeps of a text, special tokens included; None where it sets no limit.

    It may say more than it has positions for, see `num_positions`.
    """
    limit = model.max_seq_length
    return int(limit) if limit is not None and limit < UNLIMITED else None


def num_positions(model: "SentenceTransformer") -> int | None:
    """Return the tokens that a checkpoint's model has positions for; None where positions are relative.

    RoBERTa and its relatives (XLM-R, MPNet) number positions from the padding token's id plus 1 on, so that 514
    positions hold 512 tokens.
    """
    inner = model.transformers_model
    if inner is None:
        return None
    for module in inner.modules():
        table, padding = getattr(module, "position_embeddings", None), getattr(module, "padding_idx", None)
        if isinstance(table, torch.nn.Embedding) and isinstance(padding, int):
            return table.num_embeddings - padding - 1
    positions = getattr(inner.config, "max_position_embeddings", None)
    return positions if isinstance(positions, int) and positions > 0 else None


def set_max_length(model: "SentenceTransformer", max_length: int) -> None:
    """Keep this many tokens of a text.

    Raises:
        UsageError: It is not a number of tokens that the model can read.
    """
    limit = num_positions(model)
    if max_length < FEWEST_TOKENS or (limit is not None and max_length > limit):
        longest = limit or "the length the model was made for"
        raise UsageError(f"--max-length {max_length}: expected {FEWEST_TOKENS} to {longest}.")
    model.max_seq_length = max_length


def check_tokenizers(model: "SentenceTransformer", source: str) -> None:
    """Refuse a checkpoint without a tokenizer of its own, or with one that cannot pad.

    Where the files are missing, the library makes up a vocabulary of nothing but special tokens, and every text
    becomes a row of unknown ones.

    Args:
        model: The loaded checkpoint.
        source: What the user typed, for messages.
    Raises:
        EncoderError: The message says which file is expected.
    """
    for tokenizer in _tokenizers(model):
        vocabulary = set(tokenizer.get_vocab())
        if len(words := vocabulary - set(tokenizer.all_special_tokens)) <= 1:  # an invented one may have "▁"
            raise EncoderError(
                f"{source} has no tokenizer, or an empty one ({len(vocabulary)} tokens, {len(words)} of them not "
                "special): expected tokenizer.json, vocab.txt or a sentencepiece model in the folder of config.json. "
                "Copy them from the checkpoint that this one was made from."
            )
        if tokenizer.pad_token is None:
            raise EncoderError(
                f"{source}: its tokenizer has no padding token, so that texts of different lengths cannot be encoded "
                'together. Name the one it was trained with as "pad_token" in its tokenizer_config.json.'
            )


def _tokenizers(model: "SentenceTransformer") -> Iterator[Any]:
    """Yield the tokenizers of transformers in a checkpoint, of which each route of a router may have its own."""
    from transformers import PreTrainedTokenizerBase

    attributes = (getattr(module, "tokenizer", None) for module in model.modules())
    tokenizers = [tokenizer for tokenizer in attributes if isinstance(tokenizer, PreTrainedTokenizerBase)]
    yield from {id(tokenizer): tokenizer for tokenizer in tokenizers}.values()
