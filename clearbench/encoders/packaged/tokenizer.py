"""A SentencePiece unigram tokenizer as `tokenizer.json`, which the packages tokenizers and transformers read."""

import base64
from typing import Any

from clearbench.encoders.packaged.charsmap import compile_charsmap
from clearbench.encoders.packaged.q4 import MASK, Vocabulary


def describe_tokenizer(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the content of `tokenizer.json`: character map, runs of blanks to one, unigram pieces, `<s> text </s>`.

    It is written out here, so that it does not depend on the version of a library.
    """
    ids = {piece: number for number, (piece, _) in enumerate(vocabulary.pieces)}
    bos, eos, *_ = special = special_pieces(vocabulary)
    metaspace = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True, "prepend_scheme": "always"}
    charsmap = base64.b64encode(compile_charsmap(vocabulary.replaced)).decode("ascii")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special_token(ids[piece], piece) for piece in sorted(special, key=ids.__getitem__)],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Precompiled", "precompiled_charsmap": charsmap},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            ],
        },
        "pre_tokenizer": metaspace,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_token(bos), _text("A"), _token(eos)],
            "pair": [_token(bos), _text("A"), _token(eos), _token(eos), _text("B"), _token(eos)],
            "special_tokens": {
                piece: {"id": piece, "ids": [ids[piece]], "tokens": [piece]} for piece in (bos, eos)
            },
        },
        "decoder": metaspace,
        "model": {
            "type": "Unigram",
            "unk_id": vocabulary.unk,
            "vocab": [list(piece) for piece in vocabulary.pieces],
            "byte_fallback": False,
        },
    }  # fmt: skip


def describe_loading(vocabulary: Vocabulary, length: int) -> dict[str, Any]:
    """Return the content of `tokenizer_config.json`.

    Args:
        vocabulary: Its special pieces get their roles.
        length: Tokens that the model reads.
    """
    begin, end, padding, unknown, mask = special_pieces(vocabulary)
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": length,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        "bos_token": begin,
        "eos_token": end,
        "pad_token": padding,
        "unk_token": unknown,
        "cls_token": begin,
        "sep_token": end,
        "mask_token": mask,
    }


def special_pieces(vocabulary: Vocabulary) -> list[str]:
    """Return the pieces that are not text: begin, end, padding, unknown and mask."""
    numbers = (vocabulary.bos, vocabulary.eos, vocabulary.pad, vocabulary.unk)
    return [*(vocabulary.pieces[number][0] for number in numbers), MASK]


def _special_token(number: int, piece: str) -> dict[str, Any]:
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": piece, **plain, "special": True}


def _token(piece: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": piece, "type_id": 0}}


def _text(name: str) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": 0}}
