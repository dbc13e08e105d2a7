"""Kinds of arrays, by what they hold; docstrings and suffixes of names (`score_QP`) give shapes."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
"""Vectors and retrieval scores."""
IntArray = NDArray[np.int64]
"""Positions, ranks, counts, cluster numbers."""
BoolArray = NDArray[np.bool_]
Scores = NDArray[np.float64]
"""Measures per query, their means and differences; NaN where there is none."""
