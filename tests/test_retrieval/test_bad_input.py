"""df2mm/retrieval/gallery_index.py: what is refused, and that nothing comes of it"""

import numpy as np
import pytest

from df2mm.retrieval import GalleryIndex

from .conftest import entries_of, vectors_of


def changed(value, row=4, array=None):
    array = vectors_of(9, seed=3) if array is None else array
    array[row, 1] = value
    return array


NEW = entries_of(9, first=1000)
BAD_ADDS = [
    (vectors_of(9, dims=4), NEW, {}, ValueError,
     r'vectors must have shape \(N, 18\) as the gallery, got \(9, 4\)'),
    (vectors_of(9)[0], NEW, {}, ValueError, r'shape \(N, 18\).* got \(18,\)'),
    (vectors_of(9).astype(int), NEW, {}, TypeError, 'must hold floats, got int64'),
    (changed(np.nan), NEW, {}, ValueError, 'vectors must be finite .* in row 4'),
    (changed(-np.inf), NEW, {}, ValueError, 'vectors must be finite .* in row 4'),
    (changed(1e19), NEW, {}, ValueError, 'vectors must be .* at most .* in row 4'),
    (vectors_of(9), NEW[:8], {}, ValueError, 'as many, got 9 and 8'),
    (vectors_of(9), NEW, dict(model='model-b'), ValueError,
     "of the model of the gallery, 'model-a', got those of 'model-b'"),
    (vectors_of(2), [NEW[0], NEW[0]], {}, ValueError, "'i1000' of entry 1 .*: twice"),
    (vectors_of(2), entries_of(2, first=2), {}, ValueError,
     "'i2' of entry 0 .*: already in the gallery"),
    (vectors_of(1), ['a.jpg'], {}, TypeError, 'Entry, got str as entry 0'),
    *((vectors_of(1), entries_of(1, 1000, **{name: lambda i, value=value: value}), {},
       error, match) for name, value, error, match in [
        ('bbox', (5, 1, 5, 9), ValueError, r'x2 > x1 .* got \[5.0, 1.0, 5.0, 9.0\] in '
         r'entry 0 \(shop/500.jpg\)'),
        ('bbox', (0, 0, np.nan, 1), ValueError, 'bbox must be finite'),
        ('bbox', (0, 0, 1), ValueError, r'bbox must be 4 numbers, got \(0, 0, 1\)'),
        ('label', 13, ValueError, r'label must be in 0..12, got 13 in entry 0'),
        ('label', 'vest', ValueError, "label must be in 0..12, got 'vest'"),
        ('score', np.inf, ValueError, 'score must be finite, got inf in entry 0'),
        ('fields', {'a': object()}, ValueError, 'fields must be JSON, got .* entry 0'),
        ('fields', [1], TypeError, r'fields must be a dict, got \[1\] in entry 0'),
        ('image', None, TypeError, 'image must be a str, got None in entry 0'),
        ('id', 7, TypeError, 'id must be a str, got 7 in entry 0'),
        ('image', '\ud800', ValueError, 'surrogates')]),
]


def test_bad_additions_add_nothing(place):
    index, queries = place.new(30), vectors_of(2, seed=1)
    expected = index.search(queries)
    for vectors, entries, options, error, match in BAD_ADDS:
        with pytest.raises(error, match=match):
            index.add(vectors, entries, **options)
    with pytest.raises(KeyError, match="got 'nobody' and 1 more that are not"):
        index.remove(['i1', 'nobody', 'else'])
    assert index.search(queries) == expected and len(index) == 30
    # And what is right still goes.
    assert len(index.add(vectors_of(9, seed=3), NEW)) == 9
    assert len(index) == 39


@pytest.mark.parametrize('options, error, match', [
    (dict(queries=vectors_of(2, dims=19)), ValueError,
     r'queries must have shape \(N, 18\) as the gallery, got \(2, 19\)'),
    (dict(queries=changed(np.nan)), ValueError, 'queries must be finite .* in row 4'),
    (dict(queries=[1, 2]), TypeError, 'queries must hold floats'),
    (dict(model='model-b'), ValueError, "'model-a', got those of 'model-b'"),
    (dict(k=0), ValueError, 'k must be a positive int, got 0'),
    (dict(k=2.5), ValueError, 'k must be a positive int, got 2.5'),
    (dict(fusion='sum'), ValueError, "must be one of .* got 'sum'"),
    (dict(groups=[1]), ValueError, 'a label for each of 2 queries, got 1'),
    (dict(unique=3), TypeError, 'got 3'),
    (dict(min_probability=1.5), ValueError, r'in 0..1, got 1.5'),
    (dict(categories=['hat']), ValueError, "labels 0..12 or of .* got 'hat'"),
    (dict(categories=[13]), ValueError, 'got 13'),
    (dict(categories=[True]), ValueError, 'got True'),
    (dict(where='price'), TypeError, 'where must be a dict'),
    (dict(where={'price': None}), ValueError, 'must equal .* got None in where'),
    (dict(where={'price': [[1]]}), ValueError, r'got \[\[1\]\] in where'),
    (dict(where={'price': {'=<': 1}}), ValueError, "bounds .* must be <, <=, >, >=, "),
    (dict(where={'price': {}}), ValueError, r'got \{\} in where'),
    (dict(where={'price': {'<': '3'}}), ValueError, "finite numbers, got '3' in where"),
    (dict(where={'price': {'<': True}}), ValueError, 'finite numbers, got True'),
])
def test_bad_searches(flat, options, error, match):
    index = flat.new(5)
    with pytest.raises(error, match=match):
        index.search(**{'queries': vectors_of(2), **options})


@pytest.mark.parametrize('options, error, match', [
    (dict(backend='faiss'), ValueError, "one of flat, hnsw, ivf, milvus, got 'faiss'"),
    (dict(dims=0), ValueError, 'dims must be a positive int, got 0'),
    (dict(model=''), ValueError, "model must be .* got ''"),
    (dict(backend='hnsw', links=1), ValueError, 'links must be at least 2'),
    (dict(backend='ivf', lists=0), ValueError, 'lists must be a positive int, got 0'),
    (dict(backend='flat', lists=9), TypeError, 'lists'),
    (dict(backend='milvus'), ValueError, 'milvus needs a path'),
])
def test_bad_galleries(options, error, match):
    with pytest.raises(error, match=match):
        GalleryIndex(**{'dims': 4, 'model': 'm', **options})
