"""What a record says about its pairs together."""

from builders.records import query_scores

from clearbench.records.derive import fields_of_pairs


def test_fields_of_pairs_follow_from_the_pairs_in_any_order():
    german = query_scores("de-en", [0.5, 1.0]).summary.model_copy(update={"num_skipped": 3})
    english = query_scores("en-en", [0.25]).summary
    fields = fields_of_pairs([english, german])
    assert fields == fields_of_pairs([german, english]) and fields["pairs"] == [german, english]
    assert fields["coverage"] == {"pairs": 2, "queries_scored": 3, "queries_skipped": 3}
    assert fields["averages"]["all"] == {"num_pairs": 2, "nDCG@10": 0.5}
    assert fields["data"] != fields_of_pairs([german.model_copy(update={"data": "other"}), english])["data"]
