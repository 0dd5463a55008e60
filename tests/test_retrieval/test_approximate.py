"""df2mm/retrieval/backends/approximate.py, sidecar.py and recall.py"""

import numpy as np
import pytest

from df2mm.retrieval import GalleryIndex, gallery_file
from df2mm.retrieval.recall import own_queries, recall_of
from df2mm.retrieval.vectors import Vectors

from .conftest import DIMS, Place, entries_of, ids_of, vectors_of

COUNT = 2200
QUERIES = vectors_of(20, seed=1)


@pytest.fixture(params=('hnsw', 'ivf'))
def place(request, tmp_path):
    # A graph that is quick to build.
    options = dict(links=8, build_breadth=40) if request.param == 'hnsw' else {}
    return Place(request.param, tmp_path / 'gallery.df2g', **options)


@pytest.fixture
def sidecar(place):
    return place.path.with_name(f'gallery.df2g.{place.backend}')


def exact_of(place):
    return GalleryIndex.load(place.path, backend='flat')


def recall_at_20(found, exact):
    return np.mean([len(set(ids) & set(best)) / len(best) for ids, best in zip(
        ids_of(found), ids_of(exact), strict=True)])


def test_recall_is_measured_and_reported(place, sidecar):
    index = place.new(COUNT)
    assert index.info()['recall'] is None
    index.build(QUERIES)
    index.save()
    info = index.info()
    exact = exact_of(place).search(QUERIES)
    found = index.search(QUERIES)
    assert info['recall'] == {
        'recall@20': pytest.approx(recall_at_20(found, exact)), 'entries': COUNT,
        'queries': 'given'}
    assert 0.5 < info['recall']['recall@20'] < 1 or found == exact
    assert info['bytes'] == place.path.stat().st_size + sidecar.stat().st_size
    assert place.load().info() == info


def test_fewer_probes_find_less(tmp_path):
    found = []
    for probes in (1, 1000):
        index = GalleryIndex(DIMS, 'model-a', backend='ivf', probes=probes, lists=100)
        index.add(vectors_of(COUNT), entries_of(COUNT))
        index.build()
        found.append(index.info()['recall']['recall@20'])
    assert found[0] < 0.7 and found[1] == 1


def test_scores_are_exact(place):
    index, vectors = place.new(COUNT), vectors_of(COUNT)
    for query, matches in zip(QUERIES, index.search(QUERIES), strict=True):
        for match in matches:
            vector = vectors[int(match.entry.id[1:])].astype(np.float64)
            assert match.score == np.float32((vector * query).sum())


def test_added_and_removed_after_it_was_built(place):
    index = place.new(COUNT)
    index.save()
    [best, *_] = ids_of(index.search(QUERIES))
    index.add(QUERIES * 3, entries_of(20, first=COUNT))
    index.remove(best)
    found = index.search(QUERIES)
    assert [ids[0] for ids in ids_of(found)] == [f'i{COUNT + i}' for i in range(20)]
    assert not {name for ids in ids_of(found) for name in ids} & set(best)
    index.save()
    index = place.load()
    assert index._backend.index.ntotal == COUNT + 20
    assert index.search(QUERIES) == found
    index.compact()
    assert index.info()['entries'] == COUNT and index.info()['removed'] == 0
    assert [ids[0] for ids in ids_of(index.search(QUERIES))] == [
        f'i{COUNT + i}' for i in range(20)]


@pytest.mark.parametrize('most', (2100, 100, 7, 0))
def test_filters_leave_k_where_there_are_k(place, most):
    where = {'rank': {'<': most}}
    index = place.new(COUNT, fields=lambda i: {'rank': i})
    index.save()
    found, exact = (opened.search(QUERIES, where=where)
                    for opened in (index, exact_of(place)))
    assert [*map(len, found)] == [*map(len, exact)]
    if most <= 100:
        assert found == exact


def test_its_file_can_be_lost_or_damaged(place, sidecar):
    index = place.new(COUNT)
    index.save()
    expected, data = index.search(QUERIES), sidecar.read_bytes()
    sidecar.unlink()
    assert place.load().search(QUERIES) == expected
    for damaged in (b'', b'foreign\n', data[:-9], data[:400] + b'?' + data[401:],
                    b'DF2GINDX {}\n'):
        sidecar.write_bytes(damaged)
        with pytest.warns(UserWarning, match=f'{sidecar.name}.* built anew'):
            opened = place.load()
        assert opened.search(QUERIES) == expected
    # That of another gallery is not used.
    other = Place(
        place.backend, place.path.with_name('other.df2g'), **place.options)
    index = other.new(2100, seed=5)
    index.save()
    sidecar.write_bytes(
        other.path.with_name(f'other.df2g.{place.backend}').read_bytes())
    assert place.load().search(QUERIES) == expected


def test_other_options_build_another(tmp_path):
    place = Place('ivf', tmp_path / 'gallery.df2g')
    place.new(COUNT).save()
    index = GalleryIndex.load(place.path, lists=7)
    index.build()
    assert index._backend.index.nlist == 7
    assert index.info()['options'] == {'lists': 7, 'probes': None}


def test_a_full_disk_leaves_the_gallery(place, sidecar, monkeypatch):
    index = place.new(COUNT)
    index.save()
    before = place.path.read_bytes(), sidecar.read_bytes()
    index.remove('i1')

    def full(file, data):
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(gallery_file, 'write', full)
        with pytest.raises(OSError, match='No space left'):
            index.save()
    assert (place.path.read_bytes(), sidecar.read_bytes()) == before
    index.save()
    assert len(place.load()) == COUNT - 1


def test_queries_of_the_gallerys_own_garments():
    rng = np.random.default_rng(0)
    g, w = rng.standard_normal((500, 8)), rng.standard_normal(8)
    norms = (w * g**2).sum(1, keepdims=True)
    vectors = np.hstack([g, norms, np.ones((500, 1))]).astype(np.float32)
    queries, kind = own_queries(Vectors(10, [(0, vectors)]), np.arange(500))
    assert (queries.shape, kind) == ((100, 10), 'garments of the gallery')
    # The logit of garments q and g is sum(w * (q - g)**2) + c.
    q = queries[:, :8] / (-2 * w)
    expected = (w * (q[:, None] - g)**2).sum(2)
    np.testing.assert_allclose(queries @ vectors.T, expected, atol=1e-3)
    queries, kind = own_queries(
        Vectors(10, [(0, vectors + np.float32(0.1))]), np.arange(500))
    assert kind == 'vectors of the gallery'


def test_recall_by_hand():
    exact = [(np.array([1, 2, 3, 4]), None), (np.array([5, 6]), None)]
    found = [(np.array([4, 9, 1]), None), (np.array([6, 5]), None)]
    assert recall_of(found, exact) == (2 / 4 + 2 / 2) / 2
