"""`clearbench report`: everything that records show, as one HTML file that needs no network.

    entries -> leaderboard, comparisons, gates, maps, charts (plain data: Report) -> report_page.render -> text

Nothing is measured here: every figure comes from a record, or from the verdict module that it is named after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from clearbench.common.environment import describe_environment, now
from clearbench.common.errors import RecordError, UsageError
from clearbench.common.progress import progress
from clearbench.records.select import Entry, select_model, select_tasks
from clearbench.report.bias import BiasPanel, bias_panels
from clearbench.report.charts import Axis, Group, Plot, group_axis, group_means, plot
from clearbench.report.maps import difference_maps, group_map, value_maps
from clearbench.report.matrix import Difference, Map
from clearbench.report.options import ReportOptions
from clearbench.report.palette import series
from clearbench.report.training import TrainingRun, find_runs
from clearbench.report.words import bias_fact, capitalise, describe_task, facts
from clearbench.verdicts.compare.compute import CompareOptions, Comparison, compare_models
from clearbench.verdicts.gate.decide import gate
from clearbench.verdicts.gate.verdict import GateOptions, GateResult
from clearbench.verdicts.leaderboard.model import MEASURED, Leaderboard, LeaderboardOptions
from clearbench.verdicts.leaderboard.rank import make_leaderboard

MOST_SERIES = len(series("light"))
"""Models that charts tell apart by colour."""


@dataclass(frozen=True)
class TaskSection:
    """One task: its figures, their averages, and differences to the reference.

    Attributes:
        label: Task with its options.
        anchor: Where links lead.
        measure: What is shown.
        about: Its size, in words.
        notes: What the records say was odd in the data.
        values: Maps of figures.
        differences: Maps of differences.
        groups: Averages by group of pairs.
        axis: Their axis.
        group_map: The averages as a table, where there are more models than colours.
    """

    label: str
    anchor: str
    measure: str
    about: str
    notes: tuple[str, ...]
    values: tuple[Map, ...]
    differences: tuple[Map, ...]
    groups: tuple[Group, ...]
    axis: Axis | None
    group_map: Map | None


@dataclass(frozen=True)
class Report:
    """All that the page shows.

    Attributes:
        options: What was asked for.
        made: When, UTC.
        version: Of clearbench.
        board: The leaderboard.
        names: Model key -> name shown, in order of rank.
        reference: Name of the model that others are compared with; "" with a single model.
        facts: The summary.
        tasks: See TaskSection.
        comparisons: Every model against the reference.
        gates: Every model's English gate against the baseline.
        ungated: Models that could not be gated, and why.
        bias: Mixed pools.
        runs: Training runs.
        plots: Their curves.
        entries: The records, for the table of their origin.
    """

    options: ReportOptions
    made: str
    version: str
    board: Leaderboard
    names: Mapping[str, str]
    reference: str
    facts: tuple[Markup, ...]
    tasks: tuple[TaskSection, ...]
    comparisons: tuple[Comparison, ...]
    gates: tuple[GateResult, ...]
    ungated: tuple[str, ...]
    bias: tuple[BiasPanel, ...]
    runs: tuple[TrainingRun, ...]
    plots: tuple[Plot, ...]
    entries: tuple[Entry, ...]

    @property
    def sources(self) -> tuple[tuple[str, str, str], ...]:
        """Name, key and settings of each model."""
        first = {entry.key: entry for entry in reversed(self.entries)}
        return tuple((name, key, _settings(first[key].record.model)) for key, name in self.names.items())


def make_report(entries: Sequence[Entry], options: ReportOptions | None = None) -> Report:
    """Gather what a report shows.

    Args:
        entries: Complete records of any number of models and tasks.
        options: What to show.
    Raises:
        UsageError: An option names a model, task, measure or folder that does not exist.
        RecordError: Records of one task are not comparable, or their per-query scores are damaged.
    """
    options = options or ReportOptions()
    entries = select_tasks(entries, options.tasks)
    board = make_leaderboard(entries, LeaderboardOptions(measure=options.measure), options.published)
    names = {row.key: row.model for row in board.rows if row.source == MEASURED}
    by_key = {key: [entry for entry in entries if entry.key == key] for key in names}
    base = _reference(entries, options, list(names))
    comparisons = _compare(by_key, base, options)
    gates, ungated = _gate(by_key, base, options, names) if options.baseline else ((), ())
    runs = find_runs(options.training, entries)
    number_of = {key: number for number, key in enumerate(names)}
    sections = []
    with progress("averages", len(board.tasks), "tasks") as advance:
        for number, column in enumerate(board.tasks):
            own = [(names[key], number_of[key], e) for key in names for e in by_key[key] if e.label == column.label]
            groups = group_means(own, column.measure, column.pairs)
            sections.append(
                TaskSection(
                    label=column.label,
                    anchor=f"task-{number + 1}",
                    measure=column.measure,
                    about=describe_task([entry for _, _, entry in own], column),
                    notes=tuple(dict.fromkeys(capitalise(note) for _, _, entry in own for note in entry.record.notes)),
                    values=value_maps([(name, entry.record) for name, _, entry in own], column.measure),
                    differences=_differences(comparisons, names, column.label, column.measure),
                    groups=groups,
                    axis=group_axis(groups) if groups else None,
                    group_map=group_map(groups, column.measure) if len(names) > MOST_SERIES else None,
                )
            )
            advance(1)
    bias = bias_panels([(names[key], number_of[key], entry) for key in names for entry in by_key[key]])
    told = facts(board, comparisons, gates, names)
    told += [bias_fact(panel.model, panel.task, panel.record) for panel in bias]
    return Report(
        options=options,
        made=now(),
        version=describe_environment()["clearbench"],
        board=board,
        names=names,
        reference=names[base] if len(names) > 1 else "",
        facts=tuple(sentence for sentence in told if sentence),
        tasks=tuple(sections),
        comparisons=tuple(comparisons),
        gates=tuple(gates),
        ungated=tuple(ungated),
        bias=tuple(bias),
        runs=tuple(runs),
        plots=_plots(runs),
        entries=tuple(entry for key in names for entry in by_key[key]),
    )


def _reference(entries: Sequence[Entry], options: ReportOptions, ranked: Sequence[str]) -> str:
    """Key of the model that others are compared with."""
    if options.baseline is None:
        return ranked[0]
    return select_model(entries, options.baseline)[0].key


def _compare(by_key: Mapping[str, Sequence[Entry]], base: str, options: ReportOptions) -> list[Comparison]:
    """Compare every other model that shares a task with the reference, in one family of tests."""
    labels = {entry.label for entry in by_key[base]}
    others = [own for key, own in by_key.items() if key != base and labels.intersection(entry.label for entry in own)]
    return compare_models(by_key[base], others, CompareOptions(measure=options.measure)) if others else []


def _gate(
    by_key: Mapping[str, Sequence[Entry]], base: str, options: ReportOptions, names: Mapping[str, str]
) -> tuple[list[GateResult], list[str]]:
    """Gate every other model; those that cannot be compared in a gate are named with the reason."""
    found, refused = [], []
    for key, candidate in by_key.items():
        if key == base:
            continue
        try:
            found.append(gate(by_key[base], candidate, GateOptions(margin=options.margin, measure=options.measure)))
        except (RecordError, UsageError) as error:
            refused.append(f"{names[key]}: {error}")
    return found, refused


def _differences(
    comparisons: Sequence[Comparison], names: Mapping[str, str], label: str, measure: str
) -> tuple[Map, ...]:
    found = {
        names[comparison.other]: {
            row.name: Difference(
                mean=100 * row.difference,
                lower=None if row.lower is None else 100 * row.lower,
                upper=None if row.upper is None else 100 * row.upper,
                p=row.p_corrected,
                base=100 * row.base,
                other=100 * row.other,
                num_queries=row.num_queries,
            )
            for row in comparison.pairs
            if row.task == label
        }
        for comparison in comparisons
    }
    return difference_maps(found, f"difference in {measure}")


def _plots(runs: Sequence[TrainingRun]) -> tuple[Plot, ...]:
    """Loss of all runs in one plot, and one plot per pair that was evaluated in training."""
    plots = [plot("Training loss", [(run.name, number, run.loss) for number, run in enumerate(runs)])]
    for key in dict.fromkeys(key for run in runs for key in run.evaluations):
        curves = [(run.name, number, run.evaluations.get(key, ())) for number, run in enumerate(runs)]
        plots.append(plot(f"{key.replace(':', ' ')}, nDCG@10 × 100", curves))
    return tuple(found for found in plots if found is not None)


def _settings(model: Mapping[str, Any]) -> str:
    """Settings of a model in words; what is empty is left out."""
    shown = {key: value for key, value in model.items() if key != "name" and value not in (None, "")}
    return ", ".join(f"{key} {value:,}" if isinstance(value, int) else f"{key} {value}" for key, value in shown.items())
