"""A job: one task to be scored by its judge, the folder of its results, and which of its pairs have no scores yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from clearbench.common.environment import describe_environment
from clearbench.common.errors import DataError
from clearbench.common.progress import say
from clearbench.evaluation.options import EvaluationOptions
from clearbench.records.folder import RecordFolder, record_folder
from clearbench.records.schema import Identity, Provenance
from clearbench.scoring.judge import Judge
from clearbench.search.engines import Encoder
from clearbench.tasks.dataset import Dataset, TaskPair


@dataclass(frozen=True)
class Job:
    """One task of an evaluation.

    Attributes:
        judge: The task's data and the rule that scores it.
        folder: The folder of its results: it says which pairs have scores, and takes new ones.
    """

    judge: Judge
    folder: RecordFolder

    @property
    def data(self) -> Dataset:
        """The task's data."""
        return self.judge.data


def open_pairs(job: Job) -> Dataset:
    """Return a job's data with only the pairs that have no scores at this moment."""
    return job.data.select(pair for pair in job.data.pairs if str(pair) not in job.folder.done)


def search_groups(data: Dataset) -> dict[str, list[list[TaskPair]]]:
    """Return pool key -> lists of its pairs; the pairs of a list are searched together and written as one part.

    Each pair of a mixed pool is searched alone, because it ranks the passages of all languages.
    """
    groups: dict[str, list[list[TaskPair]]] = {}
    for pair in data.pairs:
        pool_groups = groups.setdefault(pair.pool, [])
        if pool_groups and not data.is_mixed:
            pool_groups[0].append(pair)
        else:
            pool_groups.append([pair])
    return groups


def open_jobs(
    encoder: Encoder, judges: Sequence[Judge], options: EvaluationOptions, write: bool = True
) -> tuple[Job, ...]:
    """Return a job for each task, with its results folder opened; existing results must be of the same measurement.

    Args:
        encoder: What is evaluated.
        judges: The tasks.
        options: The results folder, and whether results are measured again.
        write: Whether missing folders are made.
    Raises:
        RecordError: The results folder holds another measurement, or cannot be written.
        DataError: Rankings are to be saved, and an id does not fit TREC's format.
    """
    name = options.name or encoder.name
    jobs = []
    for judge in judges:
        path = record_folder(options.out, name, encoder.fingerprint, judge.data.label)
        provenance = Provenance(
            identity=identify(encoder, judge),
            model={"name": name, **encoder.settings},
            main_measure=judge.data.main_measure,
            environment=describe_environment(),
            notes=list(judge.data.notes),
        )
        folder = RecordFolder(path, provenance, options.replace, write)
        folder.check_data({str(pair): judge.data.pair_fingerprint(pair) for pair in judge.data.pairs})
        if options.save_runs and write:
            _check_runs(judge.data, folder)
        jobs.append(Job(judge, folder))
    return tuple(jobs)


def identify(encoder: Encoder, judge: Judge) -> Identity:
    """Return the identity of an encoder's result on a task; results of one identity may be joined.

    Another choice of languages makes another mixed pool, and files that are missing another shared one, so both belong
    to the identity.
    """
    pool = {"pool_languages": " ".join(judge.data.pool_languages)} if judge.data.is_mixed else {}
    if judge.data.pool_without:
        pool["pool_without"] = " ".join(map(str, judge.data.pool_without))
    return Identity(
        encoder=encoder.fingerprint,
        task=judge.data.task,
        task_version=judge.data.version,
        options=dict(judge.data.options),
        scoring={**judge.settings, **pool},
    )


def _check_runs(data: Dataset, folder: RecordFolder) -> None:
    """Refuse ids that TREC files cannot hold, and say how many rankings will not be written."""
    for texts in (*data.used_pools(), *data.used_queries()):
        if blank := next((key for key in texts.ids if key.split() != [key]), None):
            raise DataError(f"{data.task}: id {blank!r} holds a blank, so TREC runs cannot be saved.")
    if num_lacking := sum(not folder.has_run(pair) for pair in folder.done):
        say(
            f"{folder.final_path}: {num_lacking:,} pairs were scored before without their rankings; "
            "--replace writes them."
        )
