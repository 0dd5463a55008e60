"""df2mm/retrieval/gallery_index.py: the same over every back end"""

import math

import numpy as np
import pytest

from df2mm.metainfo import CATEGORY_NAMES
from df2mm.retrieval import Entry, GalleryIndex, Match

from .conftest import DIMS, MODEL, Place, entries_of, ids_of, vectors_of

COUNT = 700


def by_sorting(queries, vectors, entries, k=20, keep=None, group=None, fuse=None):
    """Ids by a stable sort of all scores; of each group the first."""
    scores = queries.astype(np.float64) @ vectors.astype(np.float64).T
    if fuse is not None:
        scores = fuse(scores, axis=0)[None]
    found = []
    for row in scores.astype(np.float32):
        ids, seen = [], set()
        for i in np.argsort(-row, kind='stable'):
            entry = entries[i]
            key = entry.id if group is None else group(entry)
            if (keep is None or keep(entry)) and key not in seen:
                seen.add(key)
                ids.append(entry.id)
        found.append(ids[:k])
    return found


def test_visible_arithmetic():
    with GalleryIndex(2, 'm') as index:
        index.add(np.array([[3, 1], [1, 2], [2, 0]], np.float32), [
            Entry('a.jpg', (0, 0, 2, 3), 0, 0.9, 'a', {'price': 5}),
            Entry('b.jpg', (0, 0, 2, 3), 12, 0.8), Entry('b.jpg', (0, 0, 2, 3), 7)])
        [[first, second]] = index.search(np.array([0.5, -0.5]), k=2)
    assert first == Match(Entry('a.jpg', (0.0, 0.0, 2.0, 3.0), 0, 0.9, 'a', {
        'price': 5}), 1.0, 1 / (1 + math.exp(-1)))
    assert (second.entry.id, second.score) == ('b.jpg#1', 1.0)
    assert second.entry.category == 'trousers'


@pytest.mark.parametrize('num_queries', (1, 3, 70))
def test_the_same_best_20(place, num_queries):
    index, vectors = place.new(COUNT), vectors_of(COUNT)
    queries = vectors_of(num_queries, seed=1)
    results = index.search(queries)
    assert ids_of(results) == by_sorting(queries, vectors, entries_of(COUNT))
    for query, matches in zip(queries, results, strict=True):
        for match in matches:
            logit = vectors[int(match.entry.id[1:])] @ query
            assert match.score == pytest.approx(logit, abs=1e-5)
            assert match.probability == pytest.approx(1 / (1 + math.exp(-logit)))


def test_entries_come_back_as_they_were(place):
    index, entries = place.new(), entries_of(
        9, fields=lambda i: {'url': f'https://é/{i}"\\\'', 'n': {'deep': [1, None]}},
        image=lambda i: f'Größe {i}.jpg', score=lambda i: 0.1 + i / 70,
        bbox=lambda i: (0.1, 1 / 3, 700.7, 1e4))
    index.add(vectors_of(9), entries)
    index.save()
    for opened in (index, place.load() if place.backend != 'milvus' else index):
        [matches] = opened.search(vectors_of(1, seed=1))
        assert sorted((m.entry for m in matches), key=lambda e: e.id) == entries


def test_saved_and_loaded(place):
    index, queries = place.new(COUNT), vectors_of(5, seed=1)
    index.remove(['i3', 'i400'])
    expected = index.search(queries)
    index.save()
    index.close()
    index = place.load()
    assert (len(index), index.model, index.dims) == (COUNT - 2, MODEL, DIMS)
    assert index.search(queries) == expected
    index.add(vectors_of(30, seed=2), entries_of(30, first=COUNT))
    index.remove('i5')
    index.save()
    expected = index.search(queries)
    index.close()
    index = place.load()
    assert index.search(queries) == expected
    index.verify()
    index.compact()
    assert index.search(queries) == expected
    assert 'i5' not in index and f'i{COUNT}' in index and len(index) == COUNT + 27
    index.close()


def test_removed_is_never_found_and_its_id_is_free(place):
    index, queries = place.new(COUNT), vectors_of(3, seed=1)
    gone = {found for ids in ids_of(index.search(queries)) for found in ids}
    index.remove(gone)
    entries, vectors = entries_of(COUNT), vectors_of(COUNT)
    assert ids_of(index.search(queries)) == by_sorting(
        queries, vectors, entries, keep=lambda entry: entry.id not in gone)
    first = sorted(gone)[0]
    index.add(vectors[:1] * 50, [Entry('again.jpg', (0, 0, 1, 1), 0, 1, first)])
    assert len(index) == COUNT - len(gone) + 1
    found = {m.entry.id: m.entry for ms in index.search(queries, k=COUNT) for m in ms}
    assert found[first].image == 'again.jpg'


def test_equal_scores_by_insertion(place):
    index, vectors = place.new(), np.tile(vectors_of(1), (200, 1))
    for first in (0, 50, 120):
        last = {0: 50, 50: 120, 120: 200}[first]
        index.add(vectors[first:last], entries_of(last - first, first))
    assert ids_of(index.search(vectors[:2] * 3, k=30)) == [
        [f'i{i}' for i in range(30)]] * 2


FILTERS = {
    'category': (dict(categories=['vest', 12]), lambda e: e.label in (4, 12)),
    'equal': (dict(where={'brand': 'x'}), lambda e: e.fields['brand'] == 'x'),
    'number': (dict(where={'price': 3.0}), lambda e: e.fields['price'] == 3),
    'in': (dict(where={'brand': ['y', 'z', 'absent']}),
           lambda e: e.fields['brand'] != 'x'),
    'range': (dict(where={'price': {'>=': 2, '<': 3.5}}),
              lambda e: e.fields['price'] in (2, 3)),
    'all': (dict(categories='sling', where={'price': {'<=': 4}, 'brand': ['x', 'y']}),
            lambda e: e.label == 5 and e.fields['price'] <= 4
            and e.fields['brand'] != 'z'),
    'rare': (dict(where={'sku': 7}), lambda e: e.fields['sku'] == 7),
    'nothing': (dict(where={'absent': 1}), lambda e: False),
    'no value': (dict(where={'brand': []}), lambda e: False),
    'other type': (dict(where={'price': '3'}), lambda e: False),
}


def test_filters_leave_k_where_there_are_k(place):
    index, queries = place.new(COUNT), vectors_of(3, seed=1)
    entries, vectors = entries_of(COUNT), vectors_of(COUNT)
    index.remove(['i21', 'i60'])
    for name, (options, keep) in FILTERS.items():
        assert ids_of(index.search(queries, **options)) == by_sorting(
            queries, vectors, entries, keep=lambda entry, keep=keep: keep(entry)
            and entry.id not in ('i21', 'i60')), name


def test_bools_are_not_numbers(place):
    values = [True, 1, 1.0, '1', None, [1], {}, False]
    index = place.new(8, fields=lambda i: {'f"\'\\é': values[i]})
    query = vectors_of(1, seed=1)

    def found(wanted):
        return sorted(*ids_of(index.search(query, where={'f"\'\\é': wanted})))

    assert found(True) == ['i0']
    assert found(1) == found(1.0) == found({'>=': 1}) == ['i1', 'i2']
    assert found('1') == ['i3']
    assert found([False, '1']) == ['i3', 'i7']


@pytest.mark.parametrize('unique, group', [
    ('image', lambda e: e.image), ('sku', lambda e: e.fields['sku']),
    ('brand', lambda e: e.fields['brand']), ('absent', lambda e: e.id)])
def test_one_result_of_each(place, unique, group):
    index, queries = place.new(COUNT), vectors_of(3, seed=1)
    vectors, entries = vectors_of(COUNT), entries_of(COUNT)
    assert ids_of(index.search(queries, unique=unique)) == by_sorting(
        queries, vectors, entries, group=group)
    assert ids_of(index.search(queries, unique=unique, where={'price': 3})) == (
        by_sorting(queries, vectors, entries, group=group,
                   keep=lambda e: e.fields['price'] == 3))


def test_a_group_of_many_hides_none(place):
    # The 400 best are one shop item; the others are found all the same.
    index, vectors = place.new(), np.ones((COUNT, DIMS), np.float32)
    vectors[400:] *= np.linspace(0.9, 0.1, 300, dtype=np.float32)[:, None]
    entries = entries_of(
        COUNT, fields=lambda i: {'sku': 'one'} if i < 400 else {'sku': i} if i % 2
        else {})
    index.add(vectors, entries)
    assert ids_of(index.search(vectors[:1], k=5, unique='sku')) == [
        ['i0', 'i400', 'i401', 'i402', 'i403']]


@pytest.mark.parametrize('fusion, fuse', [('mean', np.mean), ('max', np.max)])
def test_photos_of_one_garment(place, fusion, fuse):
    index, queries = place.new(COUNT), vectors_of(5, seed=1)
    vectors, entries = vectors_of(COUNT), entries_of(COUNT)
    results = index.search(
        queries, groups=['a', 'b', 'a', 'a', 'b'], fusion=fusion, unique='sku')
    for rows, result in zip(([0, 2, 3], [1, 4]), results, strict=True):
        assert ids_of([result]) == by_sorting(
            queries[rows], vectors, entries, group=lambda e: e.fields['sku'], fuse=fuse)
        logits = fuse(queries[rows] @ vectors.T, axis=0)
        assert [match.score for match in result] == pytest.approx(
            [logits[int(match.entry.id[1:])] for match in result], abs=1e-5)


def test_a_threshold_is_a_probability(place):
    index, query = place.new(COUNT), vectors_of(1, seed=1) / 10
    [matches] = index.search(query, k=COUNT, min_probability=0.7)
    logits = vectors_of(COUNT) @ query[0]
    assert len(matches) == (logits >= math.log(0.7 / 0.3)).sum() > 0
    assert min(match.probability for match in matches) >= 0.7
    [everything] = index.search(query, k=COUNT, min_probability=0)
    assert len(everything) == COUNT
    assert index.search(query, min_probability=1) == [[]]


def test_empty(place):
    index, queries = place.new(), vectors_of(3)
    for options in ({}, dict(unique='sku', where={'a': 1}), dict(categories=[3]),
                    dict(groups=[0, 1, 0], fusion='max')):
        results = index.search(queries, **options)
        assert results == [[]] * (2 if 'groups' in options else 3)
    assert index.search(queries[:0]) == []
    assert index.add(vectors_of(0), []) == []
    index.remove([])
    assert len(index) == 0 and index.info()['entries'] == 0
    if place.backend in ('hnsw', 'ivf'):
        with pytest.raises(ValueError, match=r'must have entries before .* is built'):
            index.build()
    index.save()
    index.close()
    index = place.load()
    assert index.search(queries) == [[], [], []]
    index.close()


def test_info(place):
    index = place.new(26)
    index.remove('i3')
    index.save()
    info = index.info()
    assert (info['entries'], info['dims'], info['model'], info['backend']) == (
        25, DIMS, MODEL, place.backend)
    assert info['by_category'] == {
        name: 1 if name == CATEGORY_NAMES[3] else 2 for name in CATEGORY_NAMES}
    assert info['exact'] == (place.backend in ('flat', 'milvus'))
    assert info['bytes'] is None or info['bytes'] > 25 * DIMS * 4


def test_ids_that_are_not_given(place):
    index = place.new()
    boxes = [Entry('a.jpg', (0, 0, 1, 1), 0), Entry('b.jpg', (0, 0, 1, 1), 0),
             Entry('a.jpg', (0, 0, 1, 1), 1)]
    assert index.add(vectors_of(3), boxes) == ['a.jpg#0', 'b.jpg#0', 'a.jpg#1']
    named = Entry('x.jpg', (0, 0, 1, 1), 0, id='a.jpg#2')
    assert index.add(vectors_of(3, 1), [boxes[0], named, boxes[0]]) == [
        'a.jpg#3', 'a.jpg#2', 'a.jpg#4']


def test_vectors_are_the_gallerys_own(place):
    # Not those of the caller, who may go on to write to them.
    index, vectors = place.new(), vectors_of(5)
    index.add(vectors, entries_of(5))
    expected = index.search(vectors_of(1, seed=1))
    vectors[:] = 0
    assert index.search(vectors_of(1, seed=1)) == expected


def test_a_place_is_taken_once(place):
    index = place.new(3)
    index.save()
    with pytest.raises(FileExistsError, match='already'):
        place.new()
    index.close()


def test_nothing_to_load(place, tmp_path):
    other = Place(place.backend, tmp_path / 'absent.db')
    with pytest.raises(FileNotFoundError, match=r'gallery not found: .*absent.db'):
        other.load()
