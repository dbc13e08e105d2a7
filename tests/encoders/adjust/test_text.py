"""Text that ships for statistics."""

from builders.adjust import SWAHILI

from clearbench.common.languages import ENGLISH
from clearbench.encoders.adjust.text import load_text


def test_the_demo_gives_statistics_for_its_twelve_languages():
    text = load_text("demo")
    assert len(text.languages("query")) == len(text.languages("passage")) == 12
    assert len(text.shared_ids("passage", SWAHILI, ENGLISH)) == 64
