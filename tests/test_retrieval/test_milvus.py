"""df2mm/retrieval/backends/milvus.py: what is only so in Milvus"""

import fcntl
import sys

import numpy as np
import pytest

from df2mm.retrieval import GalleryIndex
from df2mm.retrieval.backends import milvus

from .conftest import Place, entries_of, ids_of, vectors_of

QUERIES = vectors_of(2, seed=1)


@pytest.fixture
def gallery(milvus_path, request):
    return Place('milvus', milvus_path, collection=request.node.name[:200])


def test_changes_are_saved_at_once(gallery):
    index = gallery.new(50)
    index.remove('i3')
    index.close()
    index = gallery.load()
    assert len(index) == 49
    with pytest.raises(ValueError, match='saved where it is'):
        index.save('elsewhere')
    index.save(gallery.path)


def test_an_addition_that_fails_adds_nothing(gallery, monkeypatch):
    from pymilvus.exceptions import MilvusException
    monkeypatch.setattr(milvus, '_INSERT', 10)
    index = gallery.new(20)
    client, calls = index._backend._client, []
    insert = client.insert

    def failing(collection, rows):
        calls.append(len(rows))
        if len(calls) == 3:
            raise MilvusException(message='quota exceeded')
        return insert(collection, rows)

    with monkeypatch.context() as patch:
        patch.setattr(client, 'insert', failing)
        with pytest.raises(ConnectionError, match='quota exceeded'):
            index.add(vectors_of(50, seed=2), entries_of(50, first=20))
    assert calls == [10, 10, 10] and len(index) == 20
    index.add(vectors_of(50, seed=2), entries_of(50, first=20))
    assert len(index) == 70


def test_its_limits(gallery, monkeypatch):
    index = gallery.new()
    with pytest.raises(ValueError, match='k must be at most 16384 with milvus'):
        index.search(QUERIES, k=16385)
    with pytest.raises(ValueError, match='takes 65535 bytes of entry, got 70'):
        index.add(vectors_of(1), entries_of(1, 500, fields=lambda i: {
            'a': 'x' * 70000}))
    monkeypatch.setattr(milvus, '_MOST', 50)
    vectors = np.linspace(1, 0.1, 100, dtype=np.float32)[:, None].repeat(18, 1)
    index.add(vectors, entries_of(100, fields=lambda i: {'sku': int(i >= 60)}))
    with pytest.raises(ValueError, match=r'must leave 2 of the 50 best.* got 1'):
        index.search(vectors[:2], k=2, unique='sku')
    assert ids_of(index.search(vectors[:2], k=1, unique='sku')) == [['i0']] * 2


def test_a_collection_of_others(gallery):
    index = gallery.new()
    index._backend._client.create_collection('foreign', dimension=4)
    with pytest.raises(ValueError, match=r"'foreign' of .* is no gallery of df2mm"):
        GalleryIndex.load(gallery.path, collection='foreign')
    with pytest.raises(FileNotFoundError, match="no collection 'absent'"):
        GalleryIndex.load(gallery.path, collection='absent')
    with pytest.raises(ValueError, match='cannot be searched by flat'):
        GalleryIndex.load(gallery.path, backend='flat')


def test_a_server_that_does_not_answer(milvus_path):
    with pytest.raises(ConnectionError, match=r'milvus at http://127.0.0.1:9 failed'):
        GalleryIndex.load('http://127.0.0.1:9')


def test_without_pymilvus(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pymilvus', None)
    with pytest.raises(ImportError, match=r"pip install 'df2mm\[milvus\]'"):
        GalleryIndex(4, 'm', backend='milvus', path=tmp_path / 'gallery.db')
    # The others do not need it.
    GalleryIndex(4, 'm')


def test_one_process_at_a_time(gallery, tmp_path):
    path = tmp_path / 'new' / 'gallery.db'
    first, second = (GalleryIndex(18, 'm', backend='milvus', path=path, collection=name)
                     for name in ('first', 'second'))
    with (path / 'LOCK').open() as lock:
        first.close()
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        second.close()
        second.close()
        # Now as another process would.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(ConnectionError, match=r'milvus at .*: .*one process'):
            GalleryIndex.load(path, collection='first')
    GalleryIndex.load(path, collection='first').close()


def test_names_of_files(tmp_path):
    with pytest.raises(ValueError, match=r'must end in .db, got .*gallery'):
        GalleryIndex(4, 'm', backend='milvus', path=tmp_path / 'gallery')
