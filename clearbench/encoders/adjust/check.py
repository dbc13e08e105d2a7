"""Whether a text may give the statistics of a correction: it is not evaluated itself, and has what is needed."""

from collections.abc import Iterator, Sequence
from itertools import chain, starmap

from clearbench.common.errors import UsageError
from clearbench.common.languages import ENGLISH, Language
from clearbench.encoders.adjust.method import TOWARDS_ENGLISH, Method
from clearbench.encoders.adjust.text import NOUNS, AdjustText, Group, groups_of, task_parts
from clearbench.encoders.base import Role
from clearbench.tasks.dataset import Dataset, Texts


def check_text(method: Method, text: AdjustText, datasets: Sequence[Dataset]) -> None:
    """Refuse text from which the statistics that an evaluation needs cannot, or must not, be estimated.

    Args:
        method: The correction. It decides which languages and roles need statistics, and whether it needs translations.
        text: What the statistics would be estimated on.
        datasets: What is evaluated.
    Raises:
        UsageError: It is evaluated itself, or lacks a language, or is not parallel to English where it has to be.
    """
    _refuse_shared(text, datasets)
    changed = [group for group in groups_of(datasets) if method.changes(group)]
    for problem in _find_problems(method, text, changed):
        raise UsageError(f"--adjust {method}: {problem}. Name another task with --adjust-text.")


def _refuse_shared(text: AdjustText, datasets: Sequence[Dataset]) -> None:
    """Raise if the statistics' text is, in whole or in part, what is evaluated.

    Statistics of the evaluation's own texts would tell the adjusted encoder about the pool that it is to search, which
    the models it is compared with do not know.

    Raises:
        UsageError: A task is both, or a question or passage occurs in both (equal apart from blanks around it).
    """
    own: dict[str, str] = {}
    for (role, _), part in text.parts.items():
        for stripped, name, language in _named_texts(role, part):
            own.setdefault(stripped, f"{name} ({language})")
    for data in datasets:
        if data.task == text.task:
            raise UsageError(
                f"--adjust-text {text.task}: this task is evaluated, so its texts cannot give the statistics. Name "
                "another task with --adjust-text: one with the same languages and other texts."
            )
        evaluated = chain.from_iterable(starmap(_named_texts, task_parts(data)))
        for stripped, name, language in evaluated:
            if stripped in own:
                raise UsageError(
                    f"--adjust-text {text.task}: its {own[stripped]} is also the {name} of {data.task} "
                    f"({language}), which is evaluated. Statistics must come from other texts: name another "
                    "task with --adjust-text."
                )


def _named_texts(role: Role, part: Texts) -> Iterator[tuple[str, str, Language]]:
    """Yield each text without outer blanks, its name in messages, such as "query 'q1'", and its language."""
    for key, text, language in zip(part.ids, part.texts, part.each_language, strict=True):
        yield text.strip(), f"{role} {key!r}", language


def _find_problems(method: Method, text: AdjustText, changed: Sequence[Group]) -> Iterator[str]:
    for role in method.roles:
        present = text.languages(role)
        wanted = [language for changed_role, language in changed if changed_role == role]
        parallel = method.kind in TOWARDS_ENGLISH
        absent = sorted({*wanted, *([ENGLISH] if parallel and wanted else [])} - set(present))
        if absent:
            yield (
                f"the text {text.task} has no {NOUNS[role]} in {', '.join(map(str, absent))}; it has them in "
                f"{', '.join(map(str, present)) or 'no language'}"
            )
        elif parallel:
            for language in wanted:
                if not text.shared_ids(role, language, ENGLISH):
                    yield f"the {NOUNS[role]} of {text.task} in {language} share no id with the English ones"
