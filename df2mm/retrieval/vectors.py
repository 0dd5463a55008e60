"""The vectors of a gallery, in the parts that they were added or saved in."""

import numpy as np


class Vectors:
    """N vectors of D float32, in memory or in a file.

    Args:
        dims (int): D.
        parts (list[tuple]): Row of the first, (n, D) array; by rising row.
    """

    def __init__(self, dims, parts):
        self.dims, self._parts = dims, parts

    def __len__(self):
        return self._parts[-1][0] + len(self._parts[-1][1]) if self._parts else 0

    def parts(self) -> list:
        """Row of the first and (n, D) array of each."""
        return self._parts

    def since(self, row) -> 'Vectors':
        """Those of ``row`` and on, which keep their row numbers."""
        return Vectors(self.dims, [
            (max(first, row), part[max(row - first, 0):])
            for first, part in self._parts if first + len(part) > row])

    def take(self, rows) -> np.ndarray:
        """(n, D) of (n,) rows."""
        if len(self._parts) == 1:
            return self._parts[0][1][rows - self._parts[0][0]]
        taken = np.empty((len(rows), self.dims), np.float32)
        for first, part in self._parts:
            inside = (rows >= first) & (rows < first + len(part))
            if inside.any():
                taken[inside] = part[rows[inside] - first]
        return taken
