"""Many texts in two arrays, which may lie in a file."""

import itertools
from dataclasses import dataclass

import numpy as np

from df2mm.ranges import ranges


@dataclass(frozen=True)
class Texts:
    """N byte strings, one after the other.

    Attributes:
        ends (np.ndarray): (N + 1,) int64, where each begins and the last ends.
        data (np.ndarray): (B,) uint8, with text i at ``ends[i]:ends[i + 1]``.
    """

    ends: np.ndarray
    data: np.ndarray

    def __len__(self):
        return len(self.ends) - 1

    def __getitem__(self, row):
        """The bytes of one, or the Texts of a slice."""
        if not isinstance(row, slice):
            return self.data[self.ends[row]:self.ends[row + 1]].tobytes()
        first, last, _ = row.indices(len(self))
        ends = self.ends[first:max(first, last) + 1]
        return Texts(ends - ends[0], self.data[ends[0]:ends[-1]])

    def text(self, row) -> str:
        return self[row].decode()

    def all(self) -> list:
        """list[bytes], N."""
        data, ends = self.data.tobytes(), self.ends.tolist()
        return [data[first:last] for first, last in itertools.pairwise(ends)]

    def take(self, rows, axis=0) -> 'Texts':
        """Those of (n,) rows, as an array's ``take``."""
        counts = (self.ends[1:] - self.ends[:-1]).take(rows)
        return Texts(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
                     self.data.take(ranges(self.ends[:-1].take(rows), counts)))

    @classmethod
    def of(cls, texts) -> 'Texts':
        """Texts of a list of str or bytes.

        Raises:
            ValueError: If a str is not Unicode, such as half of a surrogate pair.
        """
        texts = [text.encode() if isinstance(text, str) else text for text in texts]
        ends = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(text) for text in texts], out=ends[1:])
        return cls(ends, np.frombuffer(b''.join(texts), np.uint8))

    @classmethod
    def joined(cls, parts) -> 'Texts':
        """One or more, one after the other."""
        sizes = [part.ends[-1] for part in parts]
        before = np.cumsum([0, *sizes[:-1]])
        ends = [part.ends[1:] + size for part, size in zip(parts, before, strict=True)]
        return cls(np.concatenate([np.zeros(1, np.int64), *ends]),
                   np.concatenate([part.data for part in parts]))
