"""Line-parallel text: NTREX's layout and Tatoeba's, blank and repeated lines, files that are not parallel."""

import pytest
from builders.datasets import pair_named
from builders.files import write
from builders.tasks import write_task
from builders.values import require

from clearbench.common.errors import DataError, TaskError, UsageError
from clearbench.tasks.catalogue import find_task
from clearbench.tasks.choose import defined_pairs
from clearbench.tasks.load import load_task
from clearbench.tasks.options import DataLocation, Selection
from clearbench.tasks.sources import SourceFiles

ALL = Selection(all_pairs=True)
PARALLEL = [
    {"key": "sentences", "without": ["eng"], "local": ["ref.{language}.txt"]},
    {"key": "english", "local": ["src.txt"]},
    {"key": "documents", "local": ["documents.tsv"]},
]
ENGLISH = [
    {"key": "sentences", "without": ["eng"], "local": ["t.{language}-eng.{language}"]},
    {"key": "english", "without": ["eng"], "local": ["t.{language}-eng.eng"]},
]


def write_parallel(folder, **changed):
    """Write five sentences in English, German and Brazilian Portuguese, in two documents; `None` leaves a file out."""
    files = {
        "src": "One.\nTwo.\nThree.\nFour.\nFive.\n",
        "deu": "Eins.\r\nZwei.\r\nDrei.\r\nVier.\r\nFünf.\r\n",
        "por_BR": "Um.\nDois.\nTrês.\nQuatro.\nCinco.\n",
        "documents": "a\na\na\nb\nb\n",
        **changed,
    }
    names = {"src": "src.txt", "deu": "ref.deu.txt", "por_BR": "ref.por-BR.txt", "documents": "documents.tsv"}
    for key, text in files.items():
        if text is not None:
            write(folder / names[key], text)
    return folder


def load_parallel(folder, selection=ALL, sources=PARALLEL, **options):
    languages = ["eng", "deu", "por-BR"]
    task = write_task(
        folder, reader="lines", languages=languages, sources=sources, options={"layout": "parallel", **options}
    )
    return load_task(str(task), selection, DataLocation(data_dir=folder))


def write_english(folder, **changed):
    """Write a German file of three lines and a French one of two, each with English translations of its own."""
    files = {
        "deu-eng.deu": "Eins.\nZwei.\nDrei.\n",
        "deu-eng.eng": "One.\nTwo.\nThree.\n",
        "fra-eng.fra": "Bonjour.\nMerci.\n",
        "fra-eng.eng": "Hello.\nThanks.\n",
        **changed,
    }
    for name, text in files.items():
        if text is not None:
            write(folder / f"t.{name}", text)
    return folder


def load_english(folder, selection=ALL, **options):
    languages = ["eng", "deu", "fra"]
    task = write_task(
        folder, reader="lines", languages=languages, sources=ENGLISH, options={"layout": "english", **options}
    )
    return load_task(str(task), selection, DataLocation(data_dir=folder))


def test_a_line_is_the_translation_of_the_same_line(tmp_path):
    data = load_parallel(write_parallel(tmp_path), num_lines=5)
    assert [str(pair) for pair in data.pairs] == ["en-de", "en-pt_BR", "de-en", "de-pt_BR", "pt_BR-en", "pt_BR-de"]
    pair = pair_named(data, "de-en")
    assert data.queries_of(pair).ids == data.passages_of(pair).ids == ("1", "2", "3", "4", "5")
    assert data.queries_of(pair).texts[1] == "Zwei." and data.passages_of(pair).texts[1] == "Two."
    assert data.qrels_of(pair)["2"] == {"2": 1}
    assert data.clusters == {"1": "a", "2": "a", "3": "a", "4": "b", "5": "b"}
    assert (len(data.queries), len(data.pools), len(data.qrels)) == (3, 3, 1)
    assert data.notes == ()


def test_only_a_line_feed_ends_a_line(tmp_path):
    data = load_parallel(write_parallel(tmp_path, deu="a\u2028b\x85c\n2\n3\n4\n5\n"))
    assert data.pools["de"].texts[0] == "a\u2028b\x85c"


def test_a_blank_line_is_left_out_of_its_language_only(tmp_path):
    plain = load_parallel(write_parallel(tmp_path))
    data = load_parallel(write_parallel(tmp_path, deu="Eins.\n \nDrei.\nVier.\nFünf.\n"), num_lines=5)
    assert data.pools["de"].ids == data.queries_of(pair_named(data, "de-en")).ids == ("1", "3", "4", "5")
    assert data.queries_of(pair_named(data, "en-de")).ids == ("1", "3", "4", "5")
    assert data.left_out == {"en-de": ("2",), "pt_BR-de": ("2",)}
    assert set(data.qrels_of(pair_named(data, "en-de"))) == {"1", "3", "4", "5"}
    assert data.pools["en"].ids == ("1", "2", "3", "4", "5")
    assert data.notes == ("blank lines are not used as queries or passages of their language: ref.deu.txt (1).",)
    # The other pairs, and this one loaded alone, are what they were.
    before, after = ({str(pair): loaded.pair_fingerprint(pair) for pair in loaded.pairs} for loaded in (plain, data))
    assert [name for name in after if after[name] == before[name]] == ["en-pt_BR", "pt_BR-en"]
    alone = load_parallel(tmp_path, Selection(pairs="en-de"))
    assert alone.pair_fingerprint(alone.pairs[0]) == data.pair_fingerprint(pair_named(data, "en-de"))


def test_pairs_without_a_common_line_are_an_error(tmp_path):
    write_parallel(tmp_path, deu="Eins.\n\n\n\n\n", por_BR="\nDois.\nTrês.\nQuatro.\nCinco.\n")
    with pytest.raises(DataError, match=r"ref\.deu\.txt: none of its lines with text has text in .*ref\.por-BR\.txt"):
        load_parallel(tmp_path, Selection(pairs="de-pt_BR"))


def test_a_repeated_line_stays_and_is_reported(tmp_path):
    data = load_parallel(write_parallel(tmp_path, deu="Eins.\nEins.\nDrei.\nVier.\nFünf.\n"))
    assert len(data.pools["de"]) == 5 and data.qrels_of(data.pairs[0])["2"] == {"2": 1}
    [note] = data.notes
    assert note.startswith("de: 2 passages with the text of a relevant passage, not judged for its question: 2, 1;")


@pytest.mark.parametrize(
    ("changed", "options", "message"),
    [
        ({"deu": "Eins.\nZwei.\n"}, {}, r"ref\.deu\.txt: 2 lines, but .*src|but .*ref\.deu\.txt has 2"),
        ({"deu": "Eins.\n"}, {"num_lines": 5}, r"ref\.deu\.txt: 1 line, the task file expects 5"),
        ({}, {"num_lines": 4}, r": 5 lines, the task file expects 4"),
        ({"documents": "a\na\n"}, {}, r"documents\.tsv: 2 lines; expected 5"),
        ({"documents": None}, {}, r"no documents file"),
        ({"deu": ""}, {}, r"ref\.deu\.txt: the file is empty"),
        ({"deu": "1\n2\n\0\n4\n5\n"}, {}, r"ref\.deu\.txt:3: .*NUL"),
    ],
)
def test_files_that_are_not_parallel_or_broken_are_an_error(tmp_path, changed, options, message):
    with pytest.raises(DataError, match=message):
        load_parallel(write_parallel(tmp_path, **changed), **options)


def test_a_missing_language_is_left_out_unless_it_is_named(tmp_path):
    data = load_parallel(write_parallel(tmp_path, deu=None))
    assert [str(pair) for pair in data.pairs] == ["en-pt_BR", "pt_BR-en"]
    assert data.notes == ("languages without files: de (1 of 2).",)
    with pytest.raises(DataError, match="no sentences file for de"):
        load_parallel(tmp_path, Selection(pairs="de-en,pt_BR-en"))


def test_a_missing_english_file_is_left_out_too(tmp_path):
    data = load_parallel(write_parallel(tmp_path, src=None))
    assert [str(pair) for pair in data.pairs] == ["de-pt_BR", "pt_BR-de"]
    assert data.notes == ("languages without files: en (1 of 3).",)
    for selection in (Selection(pairs="de-en"), Selection(pairs="*-en")):
        with pytest.raises(DataError, match="no english file"):
            load_parallel(tmp_path, selection)


def test_tasks_without_an_english_file_or_documents_read_one_file_a_language(tmp_path):
    sources = [{"key": "sentences", "local": ["ref.{language}.txt"]}]
    write(write_parallel(tmp_path) / "ref.eng.txt", "One.\nTwo.\nThree.\nFour.\nFive.\n")
    data = load_parallel(tmp_path, sources=sources)
    assert len(data.pairs) == 6 and data.clusters == {}


def test_each_language_has_english_sentences_of_its_own(tmp_path):
    data = load_english(write_english(tmp_path), num_lines=3, num_lines_by={"fra": 2})
    assert [str(pair) for pair in data.pairs] == ["de-en", "fr-en", "en-de", "en-fr"]
    pair = pair_named(data, "fr-en")
    assert data.queries_of(pair).texts == ("Bonjour.", "Merci.")
    assert data.passages_of(pair).texts == ("Hello.", "Thanks.")
    back = pair_named(data, "en-fr")
    assert data.queries_of(back).texts == ("Hello.", "Thanks.") and data.passages_of(back).language == pair.query
    # Line 1 of the German file is another sentence than line 1 of the French one, and has another id.
    assert data.queries_of(pair).ids == data.queries_of(back).ids == ("fr:1", "fr:2")
    assert data.qrels_of(pair) == {"fr:1": {"fr:1": 1}, "fr:2": {"fr:2": 1}}


def test_a_blank_line_of_one_side_is_left_out_of_the_pair(tmp_path):
    data = load_english(write_english(tmp_path, **{"deu-eng.eng": "One.\n\nThree.\n"}))
    assert data.queries_of(pair_named(data, "de-en")).ids == ("de:1", "de:3") and data.left_out == {"de-en": ("de:2",)}
    assert data.queries_of(pair_named(data, "en-de")).ids == ("de:1", "de:3")
    assert data.pools["en-de"].ids == ("de:1", "de:2", "de:3")
    assert "t.deu-eng.eng (1)" in data.notes[0]


def test_the_two_files_of_a_language_must_be_parallel(tmp_path):
    with pytest.raises(DataError, match=r"t\.deu-eng\.eng: 1 line, but .*t\.deu-eng\.deu has 3"):
        load_english(write_english(tmp_path, **{"deu-eng.eng": "One.\n"}))
    with pytest.raises(DataError, match=r"t\.fra-eng\.fra: 2 lines, the task file expects 3"):
        load_english(write_english(tmp_path, **{"deu-eng.eng": "One.\nTwo.\nThree.\n"}), num_lines=3)


def test_a_language_lacks_its_english_file(tmp_path):
    data = load_english(write_english(tmp_path, **{"fra-eng.eng": None}))
    assert [str(pair) for pair in data.pairs] == ["de-en", "en-de"]
    with pytest.raises(DataError, match="no english file for fr"):
        load_english(tmp_path, Selection(pairs="fr-en"))


def test_a_number_of_lines_for_an_unknown_language_is_an_error(tmp_path):
    with pytest.raises(TaskError, match="num_lines_by: 'spa' is not a language of the task"):
        load_english(write_english(tmp_path), num_lines_by={"spa": 2})


def test_a_source_without_an_unknown_language_is_an_error(tmp_path):
    sources = [{"key": "sentences", "without": ["xx"], "local": ["ref.{language}.txt"]}]
    with pytest.raises(TaskError, match="source 'sentences': without: 'xx' is not a language of the task"):
        load_parallel(write_parallel(tmp_path), sources=sources)


def test_a_language_with_itself_is_not_a_pair(tmp_path):
    with pytest.raises(UsageError, match="No language pair matches 'de-de'"):
        load_parallel(write_parallel(tmp_path), Selection(pairs="de-de"))


@pytest.mark.parametrize(("name", "languages", "pairs"), [("ntrex", 128, 128 * 127), ("tatoeba", 113, 2 * 112)])
def test_the_shipped_tasks_name_all_languages_of_the_official_data(name, languages, pairs):
    spec = find_task(name)
    assert len(spec.spellings) == languages
    defined = require(defined_pairs(spec))
    assert len(defined) == len(set(map(str, defined))) == pairs


@pytest.mark.parametrize("name", ["ntrex", "tatoeba"])
def test_no_file_is_fetched_that_the_data_set_lacks(name):
    spec = find_task(name)
    files = SourceFiles(spec, DataLocation())
    for source in spec.sources:
        wanted = [str(language) for language, _ in files.combinations(source, source.url or "") if language]
        assert "en" not in wanted and len(wanted) in (0, len(spec.languages) - 1)
