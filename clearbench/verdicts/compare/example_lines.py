"""The queries that gained and lost most, as text: for a terminal, and as Markdown."""

from collections.abc import Iterator, Sequence

from clearbench.common.measures import find_measure
from clearbench.common.text import escape_controls
from clearbench.verdicts.compare.examples import Examples, Passage

# Characters of a text that a terminal and Markdown show.
TEXT_CHARACTERS = 200


def to_lines(examples: Sequence[Examples]) -> Iterator[str]:
    """Yield the lines that a terminal shows."""
    for part in examples:
        yield from (f"Note: {note}" for note in part.notes)
        for change, changed in (("gained", part.gained), ("lost", part.lost)):
            yield f"\n{part.task}: queries that {change} most" if changed else f"\n{part.task}: no query {change}"
            for example in changed:
                scale = find_measure(example.measure).points
                scores = f"{scale * example.base.score:.1f} -> {scale * example.other.score:.1f}"
                difference = f"{scale * example.difference:+.1f}"
                yield f"  {example.pair} {example.query}: {example.measure} {scores} ({difference})"
                if example.text:
                    yield f"    query: {_shorten(example.text)}"
                for name, retrieved in ((part.base, example.base), (part.other, example.other)):
                    yield from (f"    {name} {_describe_passage(passage)}" for passage in retrieved.top)
                    first = retrieved.relevant[:1]
                    if first and first[0] not in retrieved.top:
                        yield f"    {name} {_describe_passage(first[0])}"


def to_markdown_lines(examples: Sequence[Examples]) -> str:
    """Return the examples as a block of preformatted text; no query or passage can end the block."""
    block = escape_controls("\n".join(to_lines(examples)).strip("\n").replace("```", "'''"))
    return f"\n```text\n{block}\n```\n"


def _describe_passage(passage: Passage) -> str:
    place = "not among the saved ranks" if passage.rank is None else f"rank {passage.rank}"
    mark = ", relevant" if passage.relevant else ""
    return f"{place}{mark} [{passage.id}] {_shorten(passage.text or '')}".rstrip()


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TEXT_CHARACTERS else line[: TEXT_CHARACTERS - 1] + "…"
