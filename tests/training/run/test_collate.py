"""Texts get the prompts and the cut that training asks for."""

from builders.values import require

from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.training.run.collate import RowCollator, split_columns


def test_training_texts_get_the_prompts_of_evaluation(place):
    encoder = load_transformer(
        str(place / "base"), EncoderOptions(device="cpu", query_prompt="ask: ", passage_prompt="p: ")
    )
    columns = ("query", "passage", "target_query", "passage_negative_1")
    collator = RowCollator(encoder, columns, 12)
    texts = dict(zip(columns, ("a b", "c d", "e f", "g h i j k l m n o p q r s t"), strict=True))
    batch = collator([{**texts, "row": 5}])
    assert batch["row"] == [5] and require(encoder.model.max_seq_length) > 12
    for column, features in zip(columns, split_columns(batch, columns), strict=True):
        prompt = "p: " if "passage" in column else "ask: "
        expected = encoder.model.preprocess([texts[column]], prompt=prompt)["input_ids"][0].tolist()
        found = features["input_ids"][0].tolist()
        assert found == (expected if len(expected) <= 12 else expected[:11] + expected[-1:])
        assert not any("negative" in name for name in features)
