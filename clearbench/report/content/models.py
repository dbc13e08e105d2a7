"""A model as a report shows it: under one name and in one colour everywhere."""

from dataclasses import dataclass

from clearbench.records.select import Entry


@dataclass(frozen=True)
class ShownModel:
    """One model of a report.

    Attributes:
        key: `<name>-<hash8>`, the model's folder.
        name: What it is called; the key where two models have one name.
        series: Its number in order of rank, from 0, which decides its colour.
        entries: Its records, one for each task.
    """

    key: str
    name: str
    series: int
    entries: tuple[Entry, ...]

    def entry(self, label: str) -> Entry | None:
        """Return its record of the task with a label, None if there is none."""
        return next((entry for entry in self.entries if entry.label == label), None)
