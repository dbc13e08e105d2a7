"""A gate as tables: every verdict has a row, many are cut, and names cannot break Markdown."""

import re
from dataclasses import replace

from clearbench.verdicts.gate import sentences, tables


def test_markdown_has_a_row_per_verdict(result):
    text = tables.to_markdown(result)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) == 2 + 5
    assert {row.count("|") for row in rows} == {len(tables.HEADINGS) + 1}
    assert text.startswith("### ❌ English gate: fail")


def test_hostile_names_stay_text_in_tables(hostile):
    text = tables.to_markdown(hostile)
    assert re.search(r"(?<!\\)<", text) is None and re.search(r"(?<!\\)`", text) is None
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {len(tables.HEADINGS) + 1}
    assert tables.to_tables(hostile)


def test_many_verdicts_are_cut_to_the_tightest_and_counted(result):
    many = tuple(
        replace(
            result.verdicts[0], where=f"p{k}", interval=replace(result.verdicts[0].interval, guarded=0.5 - k / 1000)
        )
        for k in range(100)
    )
    [(_, table, rest)] = tables.to_tables(replace(result, verdicts=many))
    assert table.row_count == sentences.VERDICTS_PER_RULE
    assert rest == "the 12 of 100 with the least room; all: 100 pass"
    assert next(iter(table.columns[1].cells)) == "p99"
