"""Words and figures as clearbench writes and compares them: counts, cut lists, p-values, escapes, folding."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

_INVISIBLE = dict.fromkeys((0x00AD, 0x034F, 0x200D, 0x2060, 0xFEFF, *range(0xFE00, 0xFE10)))
"""Marks that change how letters join or where a line may break, and what says how a character is to be drawn."""

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Escape sequences begin with C0 or C1 controls; the others are line separators, directional marks and overrides."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
LONGEST_MESSAGE = 500
"""Characters of a message that are shown, a few lines of a terminal."""
FOREIGN = 200
"""Characters of a text in a message that came from elsewhere."""
_JSON_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}


def fold(text: str) -> str:
    """Return the form in which words are compared, whatever their case and however Unicode spells them.

    That is NFKC and full case folding, so that composed and decomposed letters, full-width ones and ligatures are the
    same. Turkish writes four letters i, and which two are a pair depends on the language: all four are the same here.
    Soft hyphens, joiners and variation selectors are left out.
    """
    folded = unicodedata.normalize("NFKC", text).translate(_INVISIBLE).casefold()
    return unicodedata.normalize("NFKC", folded).replace("i\u0307", "i").replace("ı", "i")


def count(number: int, noun: str) -> str:
    """Return a number with its noun: 1 pair, 1,190 queries."""
    if number != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun}"


def join_names(names: Iterable[object], most: int = 5) -> str:
    """Return names joined by commas; of more than `most` the first ones, and how many more there are."""
    everything = list(map(str, names))
    more = f" and {len(everything) - most:,} more" if len(everything) > most else ""
    return ", ".join(everything[:most]) + more if everything else "none"


def split_list(text: str) -> list[str]:
    """Return the parts of a list such as "de, sw,en", without blanks and without empty parts."""
    return [name for part in text.split(",") if (name := part.strip())]


def join_words(words: Sequence[str], most: int = 6) -> str:
    """Return words as in a sentence, "a, b and c"; a long list ends in "and 12 more"."""
    words = list(words)
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1:,} more"]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def json_kind(value: object) -> str:
    """Return what a JSON value is, in words: "a list", "text", "a number"."""
    return _JSON_KINDS.get(type(value), "a number")


def p_value(p: float) -> str:
    """Return a p-value with its relation: "= 0.012", "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def signed_figure(value: float, digits: int) -> str:
    """Return a figure with its sign and that many decimals; what rounds to zero has no sign."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text


def capitalise(sentence: str) -> str:
    """Return a sentence with a capital first letter, the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, shortened, or its type's name where it says nothing."""
    return shorten((str(error).strip() or type(error).__name__).splitlines()[0], FOREIGN)


def task_label(task: str, options: Iterable[tuple[str, str]]) -> str:
    """Return a task's name with the reader options that make it another measurement, such as `xquad+pool=mixed`."""
    return "+".join([task, *(f"{key}={value}" for key, value in sorted(options))])


def escape_controls(text: str) -> str:
    """Return text with its control characters and bidirectional marks as escapes: \\u001b.

    A terminal would obey them, and a page would show words in another order. Tabs and line ends stay.
    """
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def shorten(message: str, most: int = LONGEST_MESSAGE) -> str:
    """Return a message without its middle where it is too long to be read: what it begins and what it ends with."""
    if len(message) <= most:
        return message
    end = most // 4
    return f"{message[: most - end]} […] {message[-end:]}"


def spreadsheet_cell(value: object) -> object:
    """Return a cell of a CSV file that no spreadsheet takes for a formula; numbers stay numbers.

    Source: OWASP, "CSV Injection": a text that begins with one of these signs is preceded by an apostrophe.
    """
    if not isinstance(value, str):
        return value
    # Some spreadsheets drop blanks in front; of a name such as " =1+1" they would see the formula only.
    is_formula = value.startswith(_FORMULA_STARTS) or value.lstrip().startswith(_FORMULA_STARTS)
    return escape_controls(f"'{value}" if is_formula else value)


def file_name(text: str, filler: str = "_") -> str:
    """Return text as file names spell it: a filler for each run of what is neither letter nor digit nor one of .+-_."""
    return re.sub(r"[^\w.+-]+", filler, text)


def escape_markdown(text: str) -> str:
    """Return text on one line, with what Markdown or HTML would read as a sign escaped: cells, tags, mentions."""
    line = escape_controls(" ".join(text.split()))
    escaped = "".join(f"\\{sign}" if sign in "\\`*_{}[]<>|#@~" else sign for sign in line)
    return escaped.replace("&", "&amp;")
