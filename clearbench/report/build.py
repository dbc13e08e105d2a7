"""Build the content of `clearbench report` from records; `page.render` then turns it into one HTML file.

    records -> leaderboard, comparisons, gates -> matrices, charts, sentences (Report) -> page.render -> HTML

Nothing is measured here: every figure comes from a record or from a verdict on records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from clearbench.common.environment import describe_environment, now
from clearbench.common.errors import RecordError, UsageError
from clearbench.common.measures import Measure, find_measure
from clearbench.common.progress import progress
from clearbench.common.text import capitalise
from clearbench.records.published import Published
from clearbench.records.select import Entry, models, select_model, select_tasks
from clearbench.report.charts.kinds import CurveChart, EstimateChart
from clearbench.report.charts.palette import NUM_SERIES
from clearbench.report.content.bias import BiasPanel, bias_panels
from clearbench.report.content.groups import GroupMeans, group_chart, group_matrix, group_means
from clearbench.report.content.matrix import Form, Matrix, difference_matrices, value_matrices
from clearbench.report.content.models import ShownModel
from clearbench.report.content.ranking import RankedLanguage, rank_languages
from clearbench.report.content.training import TrainingRun, find_runs, training_curves
from clearbench.report.content.words import bias_sentence, describe_task, summary_sentences
from clearbench.report.options import ReportOptions
from clearbench.verdicts.compare.compute import compare_models
from clearbench.verdicts.compare.options import CompareOptions
from clearbench.verdicts.compare.result import Comparison
from clearbench.verdicts.gate.compute import gate
from clearbench.verdicts.gate.options import GateOptions
from clearbench.verdicts.gate.result import GateResult
from clearbench.verdicts.leaderboard.compute import make_leaderboard
from clearbench.verdicts.leaderboard.options import LeaderboardOptions
from clearbench.verdicts.leaderboard.result import MEASURED, Leaderboard, TaskColumns
from clearbench.verdicts.matching import share_pairs

SEEN_WHOLE: frozenset[Form] = frozenset({"models", "table"})
"""Forms of a matrix of so few languages that nobody needs them ranked."""


@dataclass(frozen=True)
class TaskSection:
    """One task: its figures, their averages, and differences to the reference model.

    Attributes:
        label: Label of the task, with its options.
        anchor: Id of the section in the page, for links.
        measure: The measure that is shown.
        about: Size of the task, in words.
        notes: The records' notes on the data.
        values: Matrices of figures.
        ranking: Languages in order of their figures; empty where the matrices are small enough to see it.
        differences: Matrices of differences.
        groups: Averages by group of pairs.
        group_chart: The averages as a chart; None without averages, or with more models than colours.
        group_matrix: The averages as a table, for more models than colours.
    """

    label: str
    anchor: str
    measure: Measure
    about: str
    notes: tuple[str, ...]
    values: tuple[Matrix, ...]
    ranking: tuple[RankedLanguage, ...]
    differences: tuple[Matrix, ...]
    groups: tuple[GroupMeans, ...]
    group_chart: EstimateChart | None
    group_matrix: Matrix | None


@dataclass(frozen=True)
class Report:
    """Everything that the page shows.

    Attributes:
        options: The options of the report.
        made: Time when the report was made, UTC.
        version: Version of clearbench.
        board: The leaderboard.
        models: The models, in order of rank.
        reference: Name of the model that the others are compared with; "" with a single model.
        facts: The sentences of the summary.
        tasks: One section per task.
        comparisons: The comparison of every model with the reference.
        gates: The English gate of every model against the baseline.
        ungated: Models that could not be gated, each with the reason.
        bias: The language bias of each model in each mixed pool.
        runs: Training runs.
        curves: Curves of these runs.
    """

    options: ReportOptions
    made: str
    version: str
    board: Leaderboard
    models: tuple[ShownModel, ...]
    reference: str
    facts: tuple[Markup, ...]
    tasks: tuple[TaskSection, ...]
    comparisons: tuple[Comparison, ...]
    gates: tuple[GateResult, ...]
    ungated: tuple[str, ...]
    bias: tuple[BiasPanel, ...]
    runs: tuple[TrainingRun, ...]
    curves: tuple[CurveChart, ...]

    @property
    def names(self) -> Mapping[str, str]:
        """Model key -> name of the model, in order of rank."""
        return names_by_key(self.models)


def make_report(
    entries: Sequence[Entry],
    options: ReportOptions | None = None,
    published: Sequence[Published] = (),
    left_out: Sequence[str] = (),
) -> Report:
    """Return the content of a report.

    Args:
        entries: Complete records of any number of models and tasks.
        options: The options of the report.
        published: Published figures to show in the leaderboard, marked as such.
        left_out: A message on each record that could not be used; see `load_usable`.
    Raises:
        UsageError: An option names a model, task, measure or folder that does not exist.
        RecordError: Records of one task are not comparable, or their per-query scores are damaged.
    """
    options = options or ReportOptions()
    entries = select_tasks(entries, options.tasks)
    board = make_leaderboard(entries, LeaderboardOptions(measure=options.measure), published, left_out)
    shown = _shown_models(board, entries)
    base = shown[0]
    if options.baseline is not None:
        key = select_model(entries, options.baseline)[0].key
        [base] = [model for model in shown if model.key == key]
    comparisons = _compare_models(shown, base, options)
    gates, ungated = _gate_models(shown, base, options) if options.baseline else ((), ())
    runs = find_runs(options.training, entries)
    bias = bias_panels(shown)
    facts = [*summary_sentences(board, comparisons, gates, names_by_key(shown)), *map(bias_sentence, bias)]
    return Report(
        options=options,
        made=now(),
        version=describe_environment()["clearbench"],
        board=board,
        models=shown,
        reference=base.name if len(shown) > 1 else "",
        facts=tuple(filter(None, facts)),
        tasks=_task_sections(board, shown, comparisons),
        comparisons=comparisons,
        gates=gates,
        ungated=ungated,
        bias=tuple(bias),
        runs=tuple(runs),
        curves=training_curves(runs),
    )


def names_by_key(shown: Sequence[ShownModel]) -> dict[str, str]:
    """Return model key -> name of the model."""
    return {model.key: model.name for model in shown}


def _shown_models(board: Leaderboard, entries: Sequence[Entry]) -> tuple[ShownModel, ...]:
    """Return the measured models in order of rank, with the leaderboard's names."""
    by_key = models(entries)
    measured = [row for row in board.rows if row.source == MEASURED]
    return tuple(ShownModel(row.key, row.model, series, tuple(by_key[row.key])) for series, row in enumerate(measured))


def _compare_models(shown: Sequence[ShownModel], base: ShownModel, options: ReportOptions) -> tuple[Comparison, ...]:
    """Compare every model that shares a pair with the base, in one family of tests."""
    others = [model.entries for model in shown if model.key != base.key and _have_shared_pairs(base, model)]
    return tuple(compare_models(base.entries, others, CompareOptions(measure=options.measure))) if others else ()


def _have_shared_pairs(base: ShownModel, model: ShownModel) -> bool:
    """Return whether two models have a pair of any task in common."""
    of_base = ((entry, base.find_entry(entry.label)) for entry in model.entries)
    return any(share_pairs(base_entry, entry) for entry, base_entry in of_base if base_entry is not None)


def _gate_models(
    shown: Sequence[ShownModel], base: ShownModel, options: ReportOptions
) -> tuple[tuple[GateResult, ...], tuple[str, ...]]:
    """Return the gate results of all other models, and a sentence with the reason for each model without a result."""
    gates, refused = [], []
    for model in shown:
        if model.key == base.key:
            continue
        try:
            gates.append(gate(base.entries, model.entries, GateOptions(margin=options.margin, measure=options.measure)))
        except (RecordError, UsageError) as error:
            refused.append(f"{model.name}: {error}")
    return tuple(gates), tuple(refused)


def _task_sections(
    board: Leaderboard, shown: Sequence[ShownModel], comparisons: Sequence[Comparison]
) -> tuple[TaskSection, ...]:
    sections = []
    with progress("averages", len(board.tasks), "tasks") as advance:
        for number, columns in enumerate(board.tasks, start=1):
            sections.append(_task_section(f"task-{number}", columns, shown, comparisons))
            advance(1)
    return tuple(sections)


def _task_section(
    anchor: str, columns: TaskColumns, shown: Sequence[ShownModel], comparisons: Sequence[Comparison]
) -> TaskSection:
    measure, names = find_measure(columns.measure), names_by_key(shown)
    records = {model.name: entry.record for model in shown if (entry := model.find_entry(columns.label))}
    rows = {names[c.other]: [row for row in c.pairs if row.task == columns.label] for c in comparisons}
    groups = group_means(shown, columns.label, measure, columns.pairs)
    values = value_matrices(records, measure)
    many = len(shown) > NUM_SERIES
    return TaskSection(
        label=columns.label,
        anchor=anchor,
        measure=measure,
        about=describe_task(list(records.values()), columns),
        notes=tuple(dict.fromkeys(capitalise(note) for record in records.values() for note in record.notes)),
        values=values,
        ranking=() if {matrix.form for matrix in values} <= SEEN_WHOLE else rank_languages(values, measure),
        differences=difference_matrices(rows, measure),
        groups=groups,
        group_chart=group_chart(groups, measure) if groups and not many else None,
        group_matrix=group_matrix(groups, measure) if groups and many else None,
    )
