"""The change itself, once its statistics are known: what is subtracted from vectors, by language and role.

Shape letters: N texts, D dimensions, K projected directions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clearbench.common.arrays import FloatArray
from clearbench.common.errors import EncoderError
from clearbench.common.languages import Language
from clearbench.encoders.adjust.method import Method
from clearbench.encoders.adjust.text import NOUNS, Group
from clearbench.encoders.base import Role

# A unit vector that is shorter than this after the change has lost its direction to rounding.
SHORTEST_VECTOR = 1e-5


@dataclass(frozen=True)
class Adjuster:
    """Changes vectors by language and role.

    Attributes:
        method: The correction.
        statistics: Role and language -> what is subtracted, float32 [D], or for `lir` directions, float32 [K, D].
        unit: Give changed vectors unit norm.
    """

    method: Method
    statistics: Mapping[Group, FloatArray]
    unit: bool

    def __call__(self, vectors: FloatArray, languages: Sequence[Language], role: Role) -> FloatArray:
        """Return changed vectors; the input is not touched.

        Args:
            vectors: float32 [N, D].
            languages: Of the N texts.
            role: In which all of them were encoded.
        Returns:
            float32 [N, D].
        Raises:
            EncoderError: A language has no statistics, or nothing is left of a vector.
        """
        present = {language: number for number, language in enumerate(dict.fromkeys(languages))}
        codes = np.array([present[language] for language in languages], dtype=np.int64)
        result = vectors.copy()
        for language, number in present.items():
            if not self.method.changes((role, language)):
                continue
            if (role, language) not in self.statistics:
                raise EncoderError(f"--adjust {self.method}: no statistics for {NOUNS[role]} in {language}.")
            own = codes == number
            result[own] = self._change(result[own], self.statistics[role, language], f"{NOUNS[role]} in {language}")
        return result

    def _change(self, vectors: FloatArray, statistic: FloatArray, what: str) -> FloatArray:
        shared = _project(vectors, statistic) if self.method.kind == "lir" else statistic
        changed: FloatArray = vectors - shared
        if not self.unit:
            return changed
        lengths: FloatArray = np.linalg.norm(changed, axis=1, keepdims=True).astype(np.float32)
        if (lost := int((lengths < SHORTEST_VECTOR).sum())) > 0:
            raise EncoderError(
                f"--adjust {self.method} leaves nothing of {lost} of {len(vectors)} {what}: their vectors are what "
                "the language's vectors share. The encoder cannot tell these texts apart."
            )
        return changed / lengths


def _project(vectors: FloatArray, directions_KD: FloatArray) -> FloatArray:
    """Return the part of each vector along the directions, float32 [N, D].

    Sums row by row, where a matrix product would depend on blocks and threads.
    """
    shared = np.zeros(vectors.shape)
    for direction in directions_KD.astype(np.float64):
        shared += (vectors * direction).sum(axis=1, keepdims=True) * direction
    return shared.astype(np.float32)
