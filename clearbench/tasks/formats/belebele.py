"""Belebele in retrieval form: one JSONL file per language variant, passages by link, questions by link and number.

Source: Bandarkar et al. (2024), "The Belebele Benchmark: a Parallel Reading Comprehension Dataset in 122 Language
Variants". The retrieval form (question -> `flores_passage`) is MTEB's BelebeleRetrieval.
"""

from pathlib import Path

from clearbench.common.errors import DataError
from clearbench.common.languages import Language
from clearbench.common.pairs import Pair
from clearbench.tasks.dataset import Dataset
from clearbench.tasks.formats.base import ReaderOptions, Wanted, language_files, languages_of
from clearbench.tasks.formats.gather import TextsBuilder
from clearbench.tasks.formats.parallel import Parsed, all_pairs, assemble
from clearbench.tasks.formats.parsing import read_json_lines, text_field
from clearbench.tasks.sources import SourceFiles
from clearbench.tasks.spec import TaskSpec


class BelebeleOptions(ReaderOptions):
    """Options of the `belebele` reader.

    Attributes:
        merge_duplicate_questions: Make one query of equal question texts of a language, relevant to the passages of
            all of them, as MTEB does; else every (link, question_number) is a query.
    """

    merge_duplicate_questions: bool = False


class BelebeleReader:
    """Reads the variants that the wanted pairs need; the identity of a question is (link, question_number).

    Question texts do not identify questions: 18 variants have equal ones.
    """

    def __init__(self, spec: TaskSpec, files: SourceFiles, options: BelebeleOptions) -> None:
        self._spec, self._files, self._options = spec, files, options

    def pairs(self) -> tuple[Pair, ...]:
        """Return every pair of variants: 14,884 for the 122."""
        return all_pairs(self._spec)

    def load(self, wanted: Wanted) -> Dataset:
        """Read the wanted pairs; see `Reader.load`."""
        paths, notes = language_files(self._files, "passages", languages_of(wanted.pairs), wanted)
        parsed = {language: _parse(language, path) for language, path in paths.items()}
        return assemble(self._spec, wanted, parsed, merge=self._options.merge_duplicate_questions, notes=notes)


def _parse(language: Language, path: Path) -> Parsed:
    """Read one variant. Queries are encoded as they stand, passages without blanks around them, as MTEB does."""
    queries, passages = TextsBuilder(language, "query"), TextsBuilder(language, "passage")
    known: dict[str, str] = {}
    gold: dict[str, str] = {}
    for where, row in read_json_lines(path):
        link = text_field(row, "link", where)
        passage = text_field(row, "flores_passage", where).strip()
        if link not in known:
            known[link] = passage
            passages.add(link, passage, where)
        elif known[link] != passage:
            raise DataError(f"{where}: link {link!r} has another passage than in an earlier line.")
        query = f"{link}#{text_field(row, 'question_number', where)}"
        queries.add(query, text_field(row, "question", where), where)
        gold[query] = link
    return Parsed(path, queries.build(path), passages.build(path), gold)
