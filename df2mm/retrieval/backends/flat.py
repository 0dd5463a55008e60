"""Exact search in the gallery's own file."""

import numpy as np

from df2mm.retrieval.exact import search_exact
from df2mm.retrieval.store import Store
from df2mm.retrieval.unique import by_excluding


class FlatBackend:
    """Every vector is looked at: the default, and what others are measured by.

    The methods are the interface of all back ends; rows are int64 numbers of
    entries, rising in the order of insertion.

    Args:
        store (Store): What is searched.

    Attributes:
        exact (bool): Whether the best are surely found.
        most (int | None): The most results of a query; None for no limit.
    """

    name = 'flat'
    exact = True
    most = None

    def __init__(self, store: Store):
        self.store = store

    @classmethod
    def created(cls, meta, path=None, **options):
        """An empty gallery, not on disk yet.

        Raises:
            FileExistsError: If something stands at ``path``.
        """
        store = Store(meta, path)
        if store.path is not None and store.path.exists():
            raise FileExistsError(
                f'{path} is there already. GalleryIndex.load it to add to it, or give '
                'another path')
        return cls(store, **options)

    @classmethod
    def loaded(cls, path, **options):
        return cls(Store.loaded(path), **options)

    @property
    def meta(self) -> dict:
        """dims, model, backend."""
        return self.store.meta

    def __len__(self):
        return len(self.store)

    def known(self, ids) -> set:
        """Those of the ids that are in the gallery."""
        return set(self.store.rows_of(ids))

    def add(self, vectors, columns) -> None:
        """Take in (N, D) float32 vectors and N ``Columns``, all checked."""
        self.store.add(vectors, columns)

    def remove(self, ids) -> None:
        """Let go of entries that are all there."""
        self.store.remove(self.store.rows_of(ids))

    def search(self, queries, k, wanted) -> list:
        """Q of (rows, scores), best first, equal scores by rising row.

        Args:
            queries (np.ndarray): (Q, D) float32.
            k (int): Positive.
            wanted (Filter): What may be returned.
        """
        return self._best(queries, k, self._allowed(wanted))

    def search_unique(self, queries, k, wanted, unique) -> list:
        """The same, but of each group the best alone; see ``df2mm.retrieval.unique``.
        """
        codes = self.store.field(unique) if unique != 'image' else self.store.images()
        # What equals nothing gets a code of its own.
        codes = np.where(codes.codes < 0, -1 - np.arange(len(codes.codes)), codes.codes)
        return by_excluding(
            self._best, codes, queries, k, self._allowed(wanted))

    def entries(self, rows) -> list:
        """list[Entry] of rows."""
        return self.store.entries(rows)

    def counts(self) -> np.ndarray:
        """(13,) int64, entries by label."""
        return np.bincount(self.store.labels()[self.store.alive], minlength=13)

    def build(self, queries=None) -> None:
        """Prepare the search: here, nothing."""

    def save(self, path=None) -> None:
        self.store.save(path)

    def compact(self) -> None:
        """Free the room of what was removed."""
        self.store.compact()

    def verify(self) -> None:
        """Check what is saved against its checksums."""
        if self.store.file is not None:
            self.store.file.verify()

    def close(self) -> None:
        self.store.close()

    def info(self) -> dict:
        """What only this back end knows."""
        file = self.store.file
        return dict(
            path=None if self.store.path is None else str(self.store.path),
            bytes=0 if file is None else self.store.path.stat().st_size,
            removed=len(self.store.alive) - len(self), unsaved=self.store.changed,
            unfinished_bytes=0 if file is None else file.unfinished)

    def _best(self, queries, k, allowed):
        return search_exact(queries, self.store.vectors(), k, allowed)

    def _allowed(self, wanted):
        """(rows,) bool, what is there and wanted; None for everything."""
        mask = None
        if wanted.labels is not None or wanted.conditions:
            mask = wanted.mask(self.store.labels(), self.store.field)
        if self.store.alive.all():
            return mask
        return self.store.alive if mask is None else mask & self.store.alive
