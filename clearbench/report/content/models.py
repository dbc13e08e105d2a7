"""A model in a report, with one name and one colour everywhere."""

from dataclasses import dataclass

from clearbench.records.select import Entry


@dataclass(frozen=True)
class ShownModel:
    """One model of a report.

    Attributes:
        key: `<name>-<hash8>`, the model's folder.
        name: Its name, or its key if two models have the same name.
        series: Its number in order of rank, from 0, which decides its colour.
        entries: Its records, one per task.
    """

    key: str
    name: str
    series: int
    entries: tuple[Entry, ...]

    def find_entry(self, label: str) -> Entry | None:
        """Return its record of the task with a label, or None if there is none."""
        return next((entry for entry in self.entries if entry.label == label), None)
