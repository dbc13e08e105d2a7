"""Training-free corrections of any dense encoder: each vector is changed by what its language's vectors share.

    center        v - mean of the language's vectors in the same role
    shift:alpha   passages of language l: v - alpha * (mean of passages in l - mean of their English translations)
    offset        questions of language l: v - (mean of questions in l - mean of their English originals)
    lir:k         v without its projection on the first k right-singular vectors of the language's vectors in that role

A trained checkpoint has to beat these to be worth its training. The statistics come from a text that is not evaluated
(`AdjustText`). The base encoder's vectors are stored and shared as ever; the change is made when they are searched.
Where the base's vectors have unit norm, changed vectors get unit norm again. `shift` and `offset` leave English and the
other role bit for bit as they are.

Source: center: Libovický et al. (2020), arXiv 2004.05160, "centering". lir: Yang et al. (2021), arXiv 2109.04727 (the
matrix as it is, not centred). Unlike in these papers, questions and passages have separate statistics.

Shape letters: N texts, D dimensions, K projected directions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clearbench.common.arrays import FloatArray
from clearbench.common.errors import UsageError
from clearbench.common.hashing import content_hash
from clearbench.common.languages import ENGLISH, Language
from clearbench.common.progress import say
from clearbench.encoders.adjust.adjuster import Adjuster
from clearbench.encoders.adjust.check import check_text
from clearbench.encoders.adjust.method import TOWARDS_ENGLISH, Method
from clearbench.encoders.adjust.text import DEFAULT_TEXT, NOUNS, AdjustText, Group, groups_of
from clearbench.encoders.base import DenseEncoder, Role, Setting
from clearbench.encoders.bm25 import LexicalEncoder
from clearbench.encoders.load import require_vectors
from clearbench.encoders.vectors.embed import Part
from clearbench.encoders.vectors.store import EmbeddingStore, text_keys
from clearbench.tasks.dataset import Dataset, Texts

# Lengths may differ from 1 by this much and still count as unit norm (mixed precision included).
UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True)
class AdjustedEncoder:
    """A dense encoder, and the change that its vectors undergo before they are searched.

    It is not a DenseEncoder: the change depends on a text's language, which an encoder does not get. `evaluate` accepts
    it wherever it accepts an encoder.

    Attributes:
        base: The encoder whose vectors are stored.
        method: The correction.
        text: Where the statistics come from.
    """

    base: DenseEncoder
    method: Method
    text: AdjustText

    @property
    def name(self) -> str:
        """The base's name and the correction, and the text unless it is the usual one: `minilm +center (belebele)`."""
        text = "" if self.text.task == DEFAULT_TEXT else f" ({self.text.task})"
        return f"{self.base.name} +{self.method}{text}"

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that changes a vector: the base's, the correction, its parameter, the statistics' text."""
        settings = (f"{key}={value}" for key, value in sorted(self.method.settings.items()))
        return content_hash("adjusted", self.base.fingerprint, self.text.fingerprint, *settings)

    @property
    def settings(self) -> Mapping[str, Setting]:
        """The base's settings, the correction, and the statistics' text with its hash."""
        return {
            **self.base.settings,
            **self.method.settings,
            "adjust_text": self.text.task,
            "adjust_text_version": self.text.version,
            "adjust_text_hash": self.text.fingerprint,
        }

    def check(self, datasets: Sequence[Dataset]) -> None:
        """Refuse text that is evaluated or lacks a language, see `check_text`; say so if nothing is changed."""
        check_text(self.method, self.text, datasets)
        if not any(map(self.method.changes, groups_of(datasets))):
            nouns = " and ".join(NOUNS[role] for role in self.method.roles)
            say(f"--adjust {self.method} changes nothing here: it moves {nouns} to English, and they all are English.")

    def parts(self, datasets: Sequence[Dataset]) -> list[Part]:
        """Return what has to be encoded for the statistics that tasks need."""
        return [(self.text.task, self.text.parts[group], group[0]) for group in self._needed_groups(datasets)]

    def fit(self, store: EmbeddingStore, datasets: Sequence[Dataset]) -> Adjuster:
        """Estimate the statistics that tasks need from vectors in the store, and return the change they make.

        Raises:
            StoreError: A vector is not there.
            UsageError: `lir` is to remove as many directions as there are texts or dimensions.
        """
        texts = self.text.parts
        vectors = {group: self._vectors(store, texts[group], group[0]) for group in self._needed_groups(datasets)}
        needed = [group for group in vectors if self.method.changes(group)]
        statistics = {group: self._statistic(group, vectors) for group in needed}
        unit = all(bool((np.abs(np.linalg.norm(v, axis=1) - 1) < UNIT_TOLERANCE).all()) for v in vectors.values())
        return Adjuster(self.method, statistics, unit)

    def _vectors(self, store: EmbeddingStore, part: Texts, role: Role) -> NDArray[np.float64]:
        # Means over many texts are taken in double precision.
        return store.get(text_keys(self.base, part.texts, role)).astype(np.float64)

    def _needed_groups(self, datasets: Sequence[Dataset]) -> list[Group]:
        """Return the groups whose texts are needed: those that are changed, and English where they move towards it."""
        groups = [group for group in groups_of(datasets) if self.method.changes(group)]
        english = {(role, ENGLISH) for role, _ in groups if self.method.kind in TOWARDS_ENGLISH}
        return [*groups, *sorted(english)]

    def _statistic(self, group: Group, vectors: Mapping[Group, NDArray[np.float64]]) -> FloatArray:
        """Return what is subtracted from a group's vectors, float32: [D], or for `lir` directions [K, D]."""
        match self.method.kind:
            case "center":
                return np.asarray(vectors[group].mean(axis=0), dtype=np.float32)
            case "lir":
                return self._directions(group, vectors[group])
            case "shift":
                return np.asarray(self.method.alpha * self._distance_to_english(group, vectors), dtype=np.float32)
            case "offset":
                return np.asarray(self._distance_to_english(group, vectors), dtype=np.float32)

    def _directions(self, group: Group, vectors: NDArray[np.float64]) -> FloatArray:
        """Return the first K right-singular vectors of a group's vectors [N, D], strongest first."""
        role, language = group
        if self.method.k >= min(vectors.shape):
            raise UsageError(
                f"--adjust {self.method}: the {len(vectors)} {NOUNS[role]} of {self.text.task} in {language} have "
                f"{vectors.shape[1]} dimensions; fewer than {min(vectors.shape)} directions can be removed."
            )
        # Eigenvectors of V'V are the right-singular vectors of V; eigh sorts ascending.
        return np.asarray(np.linalg.eigh(vectors.T @ vectors)[1][:, ::-1][:, : self.method.k].T, dtype=np.float32)

    def _distance_to_english(self, group: Group, vectors: Mapping[Group, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the mean of a group's vectors minus the mean of the same texts' vectors in English, [D]."""
        role, language = group
        ids = self.text.shared_ids(role, language, ENGLISH)

        def mean(side: Language) -> NDArray[np.float64]:
            rows = self.text.parts[role, side].index
            return np.asarray(vectors[role, side][[rows[key] for key in ids]].mean(axis=0))

        return mean(language) - mean(ENGLISH)


def adjust_encoder(encoder: DenseEncoder | LexicalEncoder, method: Method, text: AdjustText) -> AdjustedEncoder:
    """Return an encoder with a correction of its vectors.

    Args:
        encoder: A dense encoder; its vectors are stored as they are.
        method: The correction.
        text: What the statistics are estimated on, which must not be evaluated itself.
    Raises:
        UsageError: The encoder has no vectors (BM25).
    """
    dense = require_vectors(encoder, f"--adjust {method} changes vectors; choose a dense encoder")
    return AdjustedEncoder(dense, method, text)
