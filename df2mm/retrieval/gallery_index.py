"""A gallery of garments that is searched by inner product."""

import math

import numpy as np

from df2mm.metainfo import CATEGORY_NAMES
from df2mm.retrieval.backends import backend_at, backend_named
from df2mm.retrieval.entries import columns_of, with_ids
from df2mm.retrieval.filters import Filter
from df2mm.retrieval.fusion import FUSIONS, grouped, mean_queries, merged
from df2mm.retrieval.matches import Match, least_score, ranked


class GalleryIndex:
    """Gallery vectors with entries; the best matches for query vectors.

    Without ``path`` the gallery is in memory until ``save``. Changes are seen by
    ``search`` at once, and are on disk after ``save`` (of milvus: at once). From the
    first unsaved change to ``save`` or ``close`` no other process can change the
    file. A ``with`` block closes it.

    Args:
        dims (int): Numbers of a vector, D + 2 of a match head of D.
        model (str): Fingerprint of the model that makes the vectors.
        backend (str): ``flat`` (exact), ``hnsw``, ``ivf`` (approximate) or
            ``milvus`` (exact).
        path (str | Path, optional): Where it will be saved. Of milvus, which needs
            it: a file such as ``gallery.db`` or the URL of a server.
        **options: Of ``hnsw``: links, build_breadth, search_breadth; of ``ivf``:
            lists, probes; of ``milvus``: token, collection.

    Raises:
        ValueError: If the back end is unknown, dims is not positive or model empty.
        FileExistsError: If something stands at ``path``: ``load`` opens it.
    """

    def __init__(self, dims, model, *, backend='flat', path=None, **options):
        kind = backend_named(backend)
        if not isinstance(dims, (int, np.integer)) or dims < 1:
            raise ValueError(f'dims must be a positive int, got {dims!r}')
        if not isinstance(model, str) or not model:
            raise ValueError(f'model must be a name or fingerprint, got {model!r}')
        meta = dict(dims=int(dims), model=model, backend=backend)
        self._backend = kind.created(meta, path, **options)

    @classmethod
    def load(cls, path, *, backend=None, **options) -> 'GalleryIndex':
        """Open a saved gallery.

        Args:
            path (str | Path): A file, or a file or URL of Milvus.
            backend (str, optional): Search a gallery file by ``flat``, ``hnsw`` or
                ``ivf``, whichever it was made for.
            **options: As of the constructor.

        Raises:
            FileNotFoundError: If there is none.
            ValueError: If it is no gallery, or a damaged one.
        """
        name = backend_at(path)
        if backend is not None and (name == 'milvus') != (backend == 'milvus'):
            raise ValueError(f'{path} is a gallery of {name} and cannot be searched by '
                             f'{backend}')
        index = cls.__new__(cls)
        index._backend = backend_named(backend or name).loaded(path, **options)
        return index

    @property
    def dims(self) -> int:
        return self._backend.meta['dims']

    @property
    def model(self) -> str:
        """Fingerprint of the model that made the vectors."""
        return self._backend.meta['model']

    def __len__(self):
        return len(self._backend)

    def __contains__(self, entry_id):
        return bool(self._backend.known([entry_id]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def add(self, vectors, entries, *, model=None) -> list:
        """Add garments; all of them or, after an error, none.

        Args:
            vectors (np.ndarray): (N, dims) float gallery vectors.
            entries (Sequence[Entry]): N.
            model (str, optional): What made the vectors.

        Returns:
            list[str]: Their ids.

        Raises:
            TypeError, ValueError: If the vectors are of another model or shape or not
                finite, an id is taken, or an entry is wrong (see ``columns_of``).
            BlockingIOError: If another process is changing the gallery.
        """
        self._check_model(model)
        vectors = self._checked('vectors', vectors)
        entries = list(entries)
        if len(entries) != len(vectors):
            raise ValueError(f'vectors and entries must be as many, got {len(vectors)} '
                             f'and {len(entries)}')
        entries = with_ids(entries, self._backend.known)
        columns = columns_of(entries)
        if len(entries):
            self._backend.add(vectors, columns)
        return [entry.id for entry in entries]

    def remove(self, ids) -> None:
        """Remove garments; all of them or, after an error, none.

        Args:
            ids (str | Sequence[str]): Of entries.

        Raises:
            KeyError: If one is not in the gallery.
            BlockingIOError: If another process is changing the gallery.
        """
        ids = [ids] if isinstance(ids, str) else list(dict.fromkeys(ids))
        known = self._backend.known(ids)
        unknown = [name for name in ids if name not in known]
        if unknown:
            raise KeyError(f'ids must be in the gallery, got {unknown[0]!r}'
                           + (f' and {len(unknown) - 1} more' if unknown[1:] else '')
                           + ' that are not. Nothing was removed')
        if ids:
            self._backend.remove(ids)

    def search(self, queries, k=20, *, model=None, categories=None, where=None,
               unique=None, min_probability=None, groups=None, fusion='mean') -> list:
        """The k best matches of every query, best first; equal scores by insertion.

        A score depends on the two vectors alone, whatever stands beside them. Exact
        back ends return exactly the best of what the restrictions allow, and k of
        them where there are k.

        Args:
            queries (np.ndarray): (Q, dims) or (dims,) float query vectors.
            k (int): Defaults to 20.
            model (str, optional): What made the queries.
            categories (Sequence[str | int], optional): Only these, by name or label.
            where (dict, optional): Only entries whose fields are like this, such as
                ``{'brand': ['x', 'y'], 'price': {'<=': 30}}``; see ``Filter``.
            unique (str, optional): ``'image'`` or the name of a field, such as
                ``'sku'``: only the best of those that are equal in it. What lacks
                the field stands for itself.
            min_probability (float, optional): Only matches of this probability, the
                sigmoid of the logit, or more.
            groups (Sequence, optional): Q labels; queries of equal labels show one
                garment and are ranked together.
            fusion (str): Of groups: by the ``mean`` logit, or the ``max``.

        Returns:
            list[list[Match]]: Of each query, or each group in the order of their
            first queries. Empty lists of an empty gallery.

        Raises:
            TypeError, ValueError: If the queries are of another model or shape or not
                finite, or an option is wrong.
        """
        self._check_model(model)
        queries = self._checked('queries', np.atleast_2d(queries))
        least = least_score(min_probability)
        if not isinstance(k, (int, np.integer)) or k < 1:
            raise ValueError(f'k must be a positive int, got {k!r}')
        if fusion not in FUSIONS:
            raise ValueError(f'fusion must be one of {FUSIONS}, got {fusion!r}')
        if unique is not None and not isinstance(unique, str):
            raise TypeError(f"unique must be 'image' or the name of a field, got "
                            f'{unique!r}')
        members, count = grouped(groups, len(queries))
        wanted = Filter.parsed(categories, where)
        if fusion == 'mean':
            queries = mean_queries(queries, members, count)
            members = np.arange(count)
        found = ranked(self._backend, queries, int(k), wanted, unique)
        return [[Match.of(hit) for hit in hits if hit.score >= least]
                for hits in merged(found, members, count, k)]

    def build(self, queries=None) -> None:
        """Build an approximate index anew and measure its recall; see ``info``.

        It is built by itself at the first search or save; after many additions this
        fits it to them. Exact back ends have nothing to build.

        Args:
            queries (np.ndarray, optional): (Q, dims) to measure the recall with.

        Raises:
            ValueError: If the gallery is empty.
        """
        if queries is not None:
            queries = self._checked('queries', queries)
        self._backend.build(queries)

    def save(self, path=None) -> None:
        """Put the changes on disk; after an error what was there is there still.

        Args:
            path (str | Path, optional): By default where it was loaded from or saved
                last. Elsewhere, the whole gallery is written, and lives there.

        Raises:
            FileExistsError, BlockingIOError, OSError, ValueError: See
                ``df2mm.retrieval.store.Store.save``.
        """
        self._backend.save(path)

    def compact(self) -> None:
        """Write the gallery's file anew without what was removed."""
        self._backend.compact()

    def verify(self) -> None:
        """Check the saved vectors against their checksums; reads the whole file.

        Raises:
            ValueError: If one is wrong.
        """
        self._backend.verify()

    def close(self) -> None:
        """Let others change the gallery; unsaved changes are lost."""
        self._backend.close()

    def info(self) -> dict:
        """Entries, by category, dims, model, back end, path, bytes (of the files, None
        where Milvus keeps them), and of approximate back ends options and recall."""
        counts = self._backend.counts().tolist()
        return dict(
            entries=sum(counts),
            by_category={name: count for name, count in zip(
                CATEGORY_NAMES, counts, strict=True) if count},
            dims=self.dims, model=self.model, backend=self._backend.name,
            exact=self._backend.exact, **self._backend.info())

    def _check_model(self, model):
        if model is not None and model != self.model:
            raise ValueError(f'vectors must be of the model of the gallery, '
                             f'{self.model!r}, got those of {model!r}. Build a gallery '
                             'with that model')

    def _checked(self, name, array):
        """A copy as (N, dims) float32."""
        array = np.asarray(array)
        if array.dtype.kind != 'f':
            raise TypeError(f'{name} must hold floats, got {array.dtype}')
        if array.ndim != 2 or array.shape[1] != self.dims:
            raise ValueError(f'{name} must have shape (N, {self.dims}) as the gallery, '
                             f'got {array.shape}')
        # Larger ones would overflow in an inner product.
        largest = math.sqrt(np.finfo(np.float32).max / self.dims) / 2
        for first in range(0, len(array), 1 << 14):
            right = (np.abs(array[first:first + (1 << 14)]) <= largest).all(1)
            if not right.all():
                raise ValueError(
                    f'{name} must be finite and at most {largest:.2g}, got NaN, '
                    f'infinity or more in row {first + int((~right).argmax())}')
        return np.array(array, np.float32, order='C')
