"""Text that must not be used for statistics, or that lacks them."""

from dataclasses import replace

import numpy as np
import pytest
from builders.adjust import GERMAN, LANGUAGES, SWAHILI, adjusted, fit, run, text_of
from builders.datasets import parallel_set

from clearbench.common.errors import EncoderError, UsageError
from clearbench.encoders.adjust.check import check_text
from clearbench.encoders.adjust.method import Method


def test_a_language_without_statistics_is_an_error_that_lists_them():
    with pytest.raises(UsageError, match=r"other has no questions in sw; it has them in en, de\. Name another"):
        check_text(Method("center"), text_of(("en", "de")), [parallel_set(LANGUAGES)])
    with pytest.raises(UsageError, match="has no passages in en; it has them in de, sw"):
        check_text(Method("shift"), text_of(("de", "sw")), [parallel_set(("de", "sw"))])
    adjuster = fit(adjusted("center"), [parallel_set(("en", "de"))])
    with pytest.raises(EncoderError, match="no statistics for passages in sw"):
        adjuster(np.ones((1, 16), dtype=np.float32), [SWAHILI], "passage")


def test_statistics_towards_english_need_translations():
    text = text_of()
    part = text.parts["passage", GERMAN]
    foreign = replace(part, ids=tuple(f"de-{key}" for key in part.ids))
    text = replace(text, parts={**text.parts, ("passage", GERMAN): foreign})
    with pytest.raises(UsageError, match="passages of other in de share no id with the English ones"):
        check_text(Method("shift"), text, [parallel_set(LANGUAGES)])
    check_text(Method("center"), text, [parallel_set(LANGUAGES)])


def test_the_evaluated_text_gives_no_statistics(tmp_path):
    retrieval = parallel_set(LANGUAGES)
    with pytest.raises(UsageError, match="toy: this task is evaluated"):
        check_text(Method("center"), text_of(task="toy"), [retrieval])
    text = text_of()
    part = text.parts["query", GERMAN]
    stolen = replace(part, texts=(*part.texts[:-1], f" {retrieval.queries['en'].texts[3]}\n"))
    leaking = replace(text, parts={**text.parts, ("query", GERMAN): stolen})
    check_text(Method("center"), text, [retrieval])
    with pytest.raises(UsageError, match=r"its query 'p8#2' \(de\) is also the query 'p1#2' of toy \(en\)"):
        run(tmp_path, adjusted("center", text=leaking), retrieval)
    assert not (tmp_path / "out").exists()  # refused before anything is done
    blank = replace(retrieval.pools["de"], texts=(f"{text.parts['passage', GERMAN].texts[5]} ", *["x"] * 5))
    with pytest.raises(UsageError, match=r"its passage 'p5' \(de\) is also the passage 'p0' of toy \(de\)"):
        check_text(Method("center"), text, [replace(retrieval, pools={**retrieval.pools, "de": blank})])
