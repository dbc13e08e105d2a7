"""Belebele in retrieval form: one JSONL file per language variant, passages by link, questions by link and number.

Source: Bandarkar et al. (2024), "The Belebele Benchmark: a Parallel Reading Comprehension Dataset in 122 Language
Variants". The retrieval form (question -> `flores_passage`) is MTEB's BelebeleRetrieval.
"""

from pathlib import Path

from clearbench.common.errors import DataError
from clearbench.common.languages import Language
from clearbench.common.pairs import Pair
from clearbench.tasks.dataset import Dataset
from clearbench.tasks.formats.base import Reader, ReaderOptions, WantedPairs, find_language_files, languages_of
from clearbench.tasks.formats.gather import TextsBuilder
from clearbench.tasks.formats.parallel import ParallelFile, all_pairs, assemble
from clearbench.tasks.formats.parsing import read_json_lines, text_field


class BelebeleOptions(ReaderOptions):
    """Options of the `belebele` reader.

    Attributes:
        merge_duplicate_questions: Merge questions of a language with equal texts into one query, to which the
            passages of all of them are relevant, as MTEB does. Otherwise every (link, question_number) is a query.
    """

    merge_duplicate_questions: bool = False


class BelebeleReader(Reader[BelebeleOptions]):
    """Reads the variants that the wanted pairs need; the identity of a question is (link, question_number).

    Question texts do not identify questions: 18 variants have equal ones.
    """

    def pairs(self) -> tuple[Pair, ...]:
        """Return every pair of variants: 14,884 for the 122."""
        return all_pairs(self._spec)

    def load(self, wanted: WantedPairs) -> Dataset:
        """Read the wanted pairs; see `Reader.load`."""
        paths, notes = find_language_files(self._files, "passages", languages_of(wanted.pairs), wanted)
        parsed = {language: _parse(language, path) for language, path in paths.items()}
        return assemble(self._spec, wanted, parsed, merge=self._options.merge_duplicate_questions, notes=notes)


def _parse(language: Language, path: Path) -> ParallelFile:
    """Read one variant. Queries are encoded unchanged, passages without surrounding blanks, as MTEB does."""
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
            raise DataError(f"{where}: link {link!r} has a different passage in an earlier line.")
        query = f"{link}#{text_field(row, 'question_number', where)}"
        queries.add(query, text_field(row, "question", where), where)
        gold[query] = link
    return ParallelFile(path, queries.build(path), passages.build(path), gold)
