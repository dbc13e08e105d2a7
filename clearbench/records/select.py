"""Finding records: all of a results folder, or those of one model that a user names."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from clearbench.common.errors import RecordError, UsageError, suggest
from clearbench.common.text import escape_controls, shorten
from clearbench.records.folder import find_misplaced, name_in_key, records_folder, safe_name
from clearbench.records.read import has_record, read_record
from clearbench.records.schema import Record
from clearbench.records.source import FolderScores, ScoreSource
from clearbench.records.tree import HINT, model_folders, record_folders, task_folders


@dataclass(frozen=True)
class Entry:
    """One model's complete record of one task.

    Attributes:
        record: The record.
        key: The model's folder, `<name>-<hash8>`: two checkpoints of one name have two keys.
        scores: Where its per-query scores are read.
    """

    record: Record
    key: str
    scores: ScoreSource

    @property
    def place(self) -> Path:
        """The record's folder, <out>/records/<key>/<task>, or the file that holds the record; messages name it."""
        return self.scores.place

    @property
    def name(self) -> str:
        """The model's name, as outputs may show it: see `escape_controls`."""
        return escape_controls(str(self.record.model["name"]))

    @property
    def label(self) -> str:
        """Task name with the options that make it another measurement; see Identity."""
        return escape_controls(self.record.identity.label)


def folder_entry(folder: Path, record: Record) -> Entry:
    """Return the entry of a record that was read from, or written to, a folder."""
    return Entry(record, folder.resolve().parent.name, FolderScores(folder))


def load_results(out: Path) -> list[Entry]:
    """Read all records of a results folder, sorted by model and task.

    Args:
        out: Results folder: that which holds `records/`.
    Raises:
        RecordError: There are no records; or one is damaged, unfinished or of another schema.
    """
    return _read_entries(task_folders(model_folders(out)))


class Usable(NamedTuple):
    """Records that can be used, and a message for each that cannot."""

    entries: list[Entry]
    messages: list[str]


def load_usable(out: Path, chosen: Sequence[str] | None = None, strict: bool = False) -> Usable:
    """Read the usable records of a results folder, with a message on what is wrong with each other one.

    Args:
        out: Results folder: that which holds `records/`.
        chosen: Only these models, each named as for `select_model`; None means all.
        strict: Raise an error for a record that cannot be used.
    Returns:
        Entries, sorted by model and task or in the order of `chosen`, and messages.
    Raises:
        UsageError: No model has a name that was given, or several have it.
        RecordError: There are no records, or none that can be used: at all, or of a chosen model; or `strict` is on
            and one cannot be used.
    """
    folders = {folder.name: folder for folder in model_folders(out)}
    if chosen is None:
        return _read_usable(folders.values(), records_folder(out), strict)
    usable = []
    for text in chosen:
        keys = _matching_keys(folders, text)
        if not keys:  # a path, or an error that names what there is
            usable.append(Usable(select_model(out, text), []))
            continue
        read = _read_usable([folders[key] for key in keys], folders[keys[0]], strict)
        usable.append(read._replace(entries=_require_one_model(models(read.entries), text)))
    entries = {entry.place: entry for chosen_usable in usable for entry in chosen_usable.entries}
    return Usable(list(entries.values()), [message for chosen_usable in usable for message in chosen_usable.messages])


def _read_usable(parents: Iterable[Path], where: Path, strict: bool) -> Usable:
    """Read the usable records of some models, at least one; `where` names their folder in messages."""
    usable = Usable([], [])
    for folder in task_folders(parents):
        try:
            usable.entries.append(_read_entry(folder))
        except RecordError as error:
            if strict:
                raise
            usable.messages.append(shorten(str(error)))
    strays = _find_strays(usable.entries)
    for place, reason in strays.items():
        if strict:
            raise _stray(place, reason)
        usable.messages.append(str(_stray(place, reason)))
    usable = usable._replace(entries=[entry for entry in usable.entries if entry.place not in strays])
    if not usable.entries:
        number, first = len(usable.messages), usable.messages[0]
        raise RecordError(f"No complete record below {where}. {number} cannot be used, the first: {first}")
    return usable


def models(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Group entries by model key, `<name>-<hash8>`, keeping their order."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.key, []).append(entry)
    return grouped


def display_names(entries: Iterable[Entry]) -> dict[str, str]:
    """Return model key -> name; the key itself where two models have one name."""
    names = {entry.key: entry.name for entry in entries}
    num_models = Counter(names.values())
    return {key: name if num_models[name] == 1 else key for key, name in names.items()}


def select_model(source: Path | Sequence[Entry], text: str) -> list[Entry]:
    """Return the records of the one model that a user's text names.

    Args:
        source: Results folder, of which only the model's records are read, or entries that were read before.
        text: Model name, key `<name>-<hash8>`, path of a folder records/<key> (or of one record in it), or path of
            a results folder that holds one model. A model of that name precedes a path; `./name` is a path.
    Raises:
        UsageError: No model has a name that was given, or several have it.
        RecordError: A record of the model cannot be used.
    """
    if not text.strip():
        raise UsageError(f"A model's name is empty (found {text!r}): expected a name, a key, or a folder.")
    known = _known_models(source, text)
    if keys := _matching_keys(known, text):
        return _require_one_model({key: _entries(known[key]) for key in keys}, text)
    if Path(text).is_dir():
        return _read_path(Path(text))
    where = f"in {source}" if isinstance(source, Path) else "among the records"
    names = list(dict.fromkeys(form for key in known for form in (name_in_key(key), key)))
    available = f"there are: {', '.join(list(known)[:20])}" if known else "there are no records"
    raise UsageError(f"No model {text!r} {where}, and no folder of that name; {available}.{suggest(text, names)}")


def select_tasks(entries: Iterable[Entry], tasks: Iterable[str] | None) -> list[Entry]:
    """Keep the entries of the given tasks, by task name or by label; None keeps all.

    Raises:
        UsageError: No entry is of one of the tasks.
    """
    everything = list(entries)
    if tasks is None:
        return everything
    selected: list[Entry] = []
    for task in tasks:
        matching = [entry for entry in everything if task in (entry.record.identity.task, entry.label)]
        if not matching:
            labels = list(dict.fromkeys(entry.label for entry in everything))
            raise UsageError(f"No record of task {task!r}; there are: {', '.join(labels)}.{suggest(task, labels)}")
        selected += [entry for entry in matching if entry not in selected]
    return selected


def _known_models(source: Path | Sequence[Entry], text: str) -> Mapping[str, Path | list[Entry]]:
    """Return the models of a source by key; empty where the text names a folder that is not a results folder."""
    if not isinstance(source, Path):
        return models(source)
    if records_folder(source).is_dir():
        return {folder.name: folder for folder in model_folders(source)}
    if Path(text).is_dir():
        return {}
    raise UsageError(f"No model {text!r} in {source}, which holds no results, and no folder of that name.{HINT}")


def _require_one_model(by_key: dict[str, list[Entry]], text: str) -> list[Entry]:
    """Return the records of the only model, or of the only one with exactly this name; raise if there are several."""
    if len(by_key) > 1:
        exact = [entries for entries in by_key.values() if entries[0].name == text]
        if len(exact) != 1:
            raise UsageError(f"{len(by_key)} models are called {text!r}: say which, {' or '.join(by_key)}.")
        return exact[0]
    return next(iter(by_key.values()))


def _entries(model: Path | list[Entry]) -> list[Entry]:
    """Return the entries of a model that were read before, or that are in its folder."""
    return model if isinstance(model, list) else _read_entries(task_folders([model]))


def _read_entries(folders: Iterable[Path]) -> list[Entry]:
    entries = [_read_entry(folder) for folder in folders]
    for place, reason in _find_strays(entries).items():
        raise _stray(place, reason)
    return entries


def _find_strays(entries: Sequence[Entry]) -> dict[Path, str]:
    """Return the place of each record that cannot be in one model's folder with the others -> why, in words."""
    strays: dict[Path, str] = {}
    for key, of_model in models(entries).items():
        num_encoders = len({entry.record.identity.encoder for entry in of_model})
        if num_encoders > 1:
            strays |= {e.place: f"the folder {key} holds records of {num_encoders} encoders" for e in of_model}
        labels = Counter(entry.label for entry in of_model)
        strays |= {
            entry.place: f"the folder {key} holds {labels[entry.label]} records of the task {entry.label}"
            for entry in of_model
            if labels[entry.label] > 1 and entry.place.name != entry.label
        }
    return strays


def _stray(place: Path, reason: str) -> RecordError:
    return RecordError(
        f"{place} cannot be used: {reason}. Somebody copied or moved it here: move it back, or delete it."
    )


def _read_entry(folder: Path) -> Entry:
    if not has_record(folder):
        raise RecordError(
            f"{folder} holds no record.json: an unfinished run, or half a copy. Finish it with the same "
            "`clearbench run`, or delete the folder."
        )
    record = read_record(folder)
    if record.status != "complete":
        raise RecordError(
            f"{folder} is unfinished: {len(record.pairs)} pairs were scored when record.json was written. Finish it "
            "with the same `clearbench run`, or delete the folder."
        )
    if misplaced := find_misplaced(folder, record.identity.encoder):
        raise _stray(folder, misplaced)
    return folder_entry(folder, record)


def _read_path(path: Path) -> list[Entry]:
    """Return the entries of a results folder with one model, of a model's folder, or of one record's folder."""
    if records_folder(path).is_dir():
        folders = model_folders(path)
        if len(folders) != 1:
            names = ", ".join(folder.name for folder in folders[:20])
            raise UsageError(f"{path} holds {len(folders)} models: name the folder of one, {path}/records/ of {names}.")
    return _read_entries(record_folders(path))


def _matching_keys(known: Iterable[str], text: str) -> list[str]:
    """Return the keys that the text names: the key itself, else all keys with that name, spelled as folders are."""
    keys = list(known)
    if text in keys:
        return [text]
    if "/" in text and Path(text).is_dir():
        return []
    return [key for key in keys if name_in_key(key) == safe_name(text)]
