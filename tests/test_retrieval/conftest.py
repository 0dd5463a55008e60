"""Galleries of every back end, small enough to be compared with sorting."""

import itertools

import numpy as np
import pytest

from df2mm.retrieval import Entry, GalleryIndex
from df2mm.retrieval.backends import BACKENDS

DIMS, MODEL = 18, 'model-a'


class Place:
    """Where a test's galleries of one back end are."""

    def __init__(self, backend, path, **options):
        self.backend, self.path, self.options = backend, path, options

    def new(self, count=0, seed=0, **entry):
        """A gallery of ``count`` random vectors, not saved."""
        index = GalleryIndex(
            DIMS, MODEL, backend=self.backend, path=self.path, **self.options)
        if count:
            index.add(vectors_of(count, seed), entries_of(count, **entry))
        return index

    def load(self):
        return GalleryIndex.load(self.path, **self.options)


def vectors_of(count, seed=0, dims=DIMS):
    return np.random.default_rng(seed).standard_normal((count, dims), np.float32)


def entries_of(count, first=0, **columns):
    """Entries i0, i1, ...; ``columns`` are functions of the number."""
    made = []
    for i in range(first, first + count):
        values = dict(
            image=f'shop/{i // 2}.jpg', bbox=(0.5, 1.0, 20.25 + i, 30.0),
            label=i % 13, score=0.5, id=f'i{i}',
            fields={'price': i % 10, 'brand': 'xyz'[i % 3], 'sku': i // 3})
        values.update((name, value(i)) for name, value in columns.items())
        made.append(Entry(**values))
    return made


def ids_of(results):
    return [[match.entry.id for match in matches] for matches in results]


def milvus_lite_error():
    try:
        import milvus_lite  # noqa: F401
        import pymilvus  # noqa: F401
    except ImportError as error:
        return str(error)
    return None


@pytest.fixture(scope='session')
def milvus_path(tmp_path_factory):
    error = milvus_lite_error()
    if error:
        pytest.skip(f'milvus-lite does not load: {error}')
    return tmp_path_factory.mktemp('milvus') / 'gallery.db'


@pytest.fixture(scope='session', autouse=True)
def one_thread_of_faiss():
    """Its threads wait for each other where the cores have other work."""
    import faiss
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(threads)


_COLLECTIONS = itertools.count()


@pytest.fixture(params=tuple(BACKENDS))
def place(request, tmp_path):
    if request.param == 'milvus':
        return Place('milvus', request.getfixturevalue('milvus_path'),
                     collection=f'gallery_{next(_COLLECTIONS)}')
    return Place(request.param, tmp_path / 'gallery.df2g')


@pytest.fixture
def flat(tmp_path):
    return Place('flat', tmp_path / 'gallery.df2g')
