"""Tables of comparisons for people: Markdown, the terminal, the summary."""

import numpy as np
from builders.compare import TOY, both, model, sample
from builders.records import write_record

from clearbench.verdicts.compare.compute import compare
from clearbench.verdicts.compare.tables import summary, to_markdown, to_tables


def test_markdown_escapes_names_and_keeps_its_columns(out):
    write_record(out, "a|b*c<script>\n", sample(1))
    text = to_markdown([compare(model(out, "base"), model(out, "a|b*c<script>\n"), TOY)])
    assert "a\\|b\\*c\\<script\\>" in text and "<script" not in text.replace("\\<script", "")
    lines = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1 and "\\*-en (mean)" in text


def test_the_terminal_s_tables_hold_all_figures_or_the_most_changed(tmp_path, out):
    shown = list(to_tables(both(out)))
    tables = [part for part in shown if not isinstance(part, str)]
    assert [table.row_count for table in tables][:1] == [6 + 8] and len(tables) == 3
    codes = ["ar", "bn", "de", "es", "fi", "fr", "hi"]
    many = [f"{q}-{p}" for q in codes for p in codes]
    for number, name in enumerate(("base", "tuned")):
        rng = np.random.default_rng(number)
        write_record(tmp_path / "many", name, {pair: rng.random(12) for pair in many})
    found = compare(model(tmp_path / "many", "base"), model(tmp_path / "many", "tuned"))
    parts = list(to_tables([found]))
    table = next(part for part in parts if not isinstance(part, str))
    assert table.row_count == 20 + len(found.groups) and any("29 pairs" in str(part) for part in parts)


def test_the_summary_counts_what_the_marks_say(out):
    found = compare(model(out, "base"), model(out, "tuned"), TOY)
    better = sum(bool(row.marks) and row.difference > 0 for row in found.pairs)
    assert 0 < better < 6
    assert f"better in {better} of 6 pairs, worse in 0, not told apart in {6 - better}" in summary(
        found, "toy", found.pairs
    )
