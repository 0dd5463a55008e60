"""Approximate search by faiss, which says how much of the best it finds."""

import warnings
from pathlib import Path

import numpy as np

from df2mm.retrieval.backends.flat import FlatBackend
from df2mm.retrieval.backends.sidecar import read_sidecar, write_sidecar
from df2mm.retrieval.exact import MARGIN, rescored, search_exact
from df2mm.retrieval.recall import TOP, own_queries, recall_of

#: Where fewer rows may be returned, or less than this share, all are looked at.
_FEW, _FEW_SHARE = 2000, 0.02
#: Vectors that the index takes in at once.
_CHUNK = 1 << 16


class ApproximateBackend(FlatBackend):
    """The gallery of ``flat``, searched by an index of faiss beside it.

    The index is built at the first search or save, and then only extended; its file
    (``gallery.df2g.hnsw``) can be lost without loss. Where a filter leaves little,
    or the index finds less than there is, the search is exact.

    Attributes:
        recall (dict | None): Of the last build: ``recall@20`` against exact search,
            ``entries`` then, and what the ``queries`` were.
    """

    exact = False

    def __init__(self, store, **options):
        super().__init__(store)
        self.options = self.checked(**options)
        self.index, self.recall = None, None

    @classmethod
    def loaded(cls, path, **options):
        backend = super().loaded(path, **options)
        file = backend.store.file
        try:
            found = read_sidecar(backend._sidecar(), file.file_id.hex())
        except ValueError as error:
            warnings.warn(f'{error}; it is built anew from {path}', stacklevel=3)
            found = None
        if found and found[1]['options'] == backend.options and (
                found[0].ntotal <= file.commit.rows):
            backend.index, backend.recall = found[0], found[1]['recall']
        return backend

    def build(self, queries=None):
        """Build the index anew and measure its recall.

        Args:
            queries (np.ndarray, optional): (Q, D) query vectors to measure with. By
                default 100 garments of the gallery are looked for.

        Raises:
            ValueError: If the gallery is empty.
        """
        if not len(self):
            raise ValueError(
                f'a gallery must have entries before {self.name} is built, got none. '
                'Add some first')
        vectors = self.store.vectors()
        self.index = self.made(vectors, **self.options)
        self._extend()
        kind = 'given'
        if queries is None:
            queries, kind = own_queries(vectors, np.flatnonzero(self.store.alive))
        allowed = None if self.store.alive.all() else self.store.alive
        exact = search_exact(queries, vectors, TOP, allowed)
        self.recall = {
            f'recall@{TOP}': recall_of(self._nearest(queries, TOP, allowed), exact),
            'entries': len(self), 'queries': kind}

    def save(self, path=None):
        super().save(path)
        if len(self):
            self._extend()
            write_sidecar(self._sidecar(), self.index, dict(
                file=self.store.file.file_id.hex(), options=self.options,
                recall=self.recall))

    def compact(self):
        super().compact()
        self.index = self.recall = None
        if self.store.file is not None:
            self.save()

    def info(self):
        info = super().info()
        if info['bytes'] and self._sidecar().exists():
            info['bytes'] += self._sidecar().stat().st_size
        return info | dict(options=self.options, recall=self.recall)

    def _extend(self):
        """Build the index if there is none; put rows into it that are not."""
        if self.index is None:
            self.build()
        for _, part in self.store.vectors(self.index.ntotal).parts():
            for first in range(0, len(part), _CHUNK):
                self.index.add(np.ascontiguousarray(part[first:first + _CHUNK]))

    def _best(self, queries, k, allowed):
        rows = len(self.store.alive)
        count = rows if allowed is None else int(np.count_nonzero(allowed))
        if count <= max(_FEW, _FEW_SHARE * rows, k + MARGIN):
            return super()._best(queries, k, allowed)
        self._extend()
        found = self._nearest(queries, k, allowed)
        short = [i for i, (rows, _) in enumerate(found) if len(rows) < min(k, count)]
        if short:
            again = super()._best(queries[short], k, allowed)
            for i, result in zip(short, again, strict=True):
                found[i] = result
        return found

    def _nearest(self, queries, k, allowed):
        """What the index finds, with exact scores."""
        import faiss
        packed = None if allowed is None else np.packbits(allowed, bitorder='little')
        selector = None if packed is None else faiss.IDSelectorBitmap(packed)
        wide = min(k + MARGIN, self.index.ntotal)
        scores, rows = self.index.search(
            queries, wide, params=self.parameters(selector, wide, **self.options))
        found = []
        vectors = self.store.vectors()
        for query, row, score in zip(queries, rows, scores, strict=True):
            row, score = row[row >= 0], score[row >= 0]
            best, _ = rescored(query, row, score, vectors.take(row), k)
            found.append(best)
        return found

    def _sidecar(self):
        path = Path(self.store.path)
        return path.with_name(f'{path.name}.{self.name}')


class HnswBackend(ApproximateBackend):
    """A graph of neighbours. Made for distances: of inner products with large and
    very different norms it may find little, which its recall says."""

    name = 'hnsw'

    @staticmethod
    def checked(links=32, build_breadth=80, search_breadth=256):
        """Options: neighbours of an entry, candidates when it is added, and when it
        is searched for."""
        options = dict(links=links, build_breadth=build_breadth,
                       search_breadth=search_breadth)
        _check_positive(options)
        if links < 2:
            raise ValueError(f'links must be at least 2, got {links}')
        return options

    @staticmethod
    def made(vectors, links, build_breadth, search_breadth):
        """An empty index of faiss."""
        import faiss
        index = faiss.IndexHNSWFlat(vectors.dims, links, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = build_breadth
        return index

    @staticmethod
    def parameters(selector, wide, links, build_breadth, search_breadth):
        """faiss's parameters of a search for ``wide``."""
        import faiss
        return faiss.SearchParametersHNSW(
            sel=selector, efSearch=max(search_breadth, 2 * wide))


class IvfBackend(ApproximateBackend):
    """Lists around centres, of which a search reads the nearest few."""

    name = 'ivf'

    @staticmethod
    def checked(lists=None, probes=None):
        """Options: centres, by default 4 sqrt(rows) when built, and lists that a
        search reads, by default an eighth."""
        options = dict(lists=lists, probes=probes)
        _check_positive({name: value for name, value in options.items()
                         if value is not None})
        return options

    @staticmethod
    def made(vectors, lists, probes):
        """A trained, empty index of faiss."""
        import faiss
        rows = len(vectors)
        # faiss wants 39 vectors a centre, and learns from no more than 256.
        lists = max(1, min(lists or int(4 * rows**0.5), rows // 39))
        chosen = np.random.default_rng(0).permutation(rows)[:256 * lists]
        index = faiss.IndexIVFFlat(
            faiss.IndexFlatIP(vectors.dims), vectors.dims, lists,
            faiss.METRIC_INNER_PRODUCT)
        index.train(vectors.take(np.sort(chosen)))
        return index

    def parameters(self, selector, wide, lists, probes):
        """faiss's parameters of a search for ``wide``."""
        import faiss
        return faiss.SearchParametersIVF(
            sel=selector, nprobe=probes or max(1, self.index.nlist // 8))


def _check_positive(options):
    for name, value in options.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f'{name} must be a positive int, got {value!r}')
