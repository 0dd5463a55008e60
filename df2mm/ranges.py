"""Stretches of flat arrays, many at once."""

import numpy as np


def ranges(begins, counts) -> np.ndarray:
    """``arange(begin, begin + count)`` of each, one after the other.

    Args:
        begins (np.ndarray): (N,) int.
        counts (np.ndarray): (N,) int, not negative.

    Returns:
        np.ndarray: (sum of counts,) int64.
    """
    counts = np.asarray(counts, np.int64)
    before = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(np.asarray(begins) - before, counts)
