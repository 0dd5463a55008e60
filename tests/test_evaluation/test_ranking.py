"""df2mm/evaluation/ranking.py"""

import numpy as np
import pytest
import torch

from df2mm.evaluation.ranking import rank

#: Blocks so small that every size below needs several.
SMALL = (32, 32)


def random_vectors(num_queries, num_gallery, dims=18, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((count, dims), np.float32)
            for count in (num_queries, num_gallery)]


def by_sorting(queries, gallery, k):
    """Ranks by a stable sort of all scores, which are exact for small integers."""
    scores = queries.astype(np.float64) @ gallery.astype(np.float64).T
    order = np.argsort(-scores, axis=1, kind='stable')[:, :k]
    return order, np.take_along_axis(scores, order, 1)


def test_visible_arithmetic():
    indices, scores = rank(np.array([[1, 0], [0, 1]], np.float32),
                           np.array([[3, 1], [1, 2], [2, 0]], np.float32), k=2)
    np.testing.assert_array_equal(indices, [[0, 2], [1, 0]])
    np.testing.assert_array_equal(scores, [[3, 2], [2, 1]])
    assert (indices.dtype, scores.dtype) == (np.int64, np.float32)


def test_nothing_but_what_is_in_the_gallery():
    # What fills the blocks up to multiples of 32 would score 0.
    indices, scores = rank(-np.ones((2, 1), np.float32),
                           np.arange(1, 36, dtype=np.float32)[:, None], 35, chunk=SMALL)
    np.testing.assert_array_equal(indices, [range(35)] * 2)
    np.testing.assert_array_equal(scores, [range(-1, -36, -1)] * 2)


@pytest.mark.parametrize('num_queries, num_gallery, k', [
    (1, 1, 1), (5, 31, 20), (33, 64, 20), (40, 65, 64), (70, 500, 20), (3, 700, 90),
    (2, 40, 100)])
@pytest.mark.parametrize('values', (1, 2, 9))
def test_many_ties_go_by_gallery_order(num_queries, num_gallery, k, values):
    # values = 1: all vectors are zero, so everything ties.
    rng = np.random.default_rng(num_gallery)
    queries, gallery = (rng.integers(0, values, (count, 4)).astype(np.float32)
                        for count in (num_queries, num_gallery))
    expected, expected_scores = by_sorting(queries, gallery, k)
    for chunk in (SMALL, (64, 96), (1024, 16384)):
        indices, scores = rank(queries, gallery, k, chunk=chunk)
        np.testing.assert_array_equal(indices, expected)
        np.testing.assert_array_equal(scores, expected_scores)


@pytest.mark.parametrize('chunk', (SMALL, (96, 256), (1024, 16384)))
def test_random_vectors(chunk):
    queries, gallery = random_vectors(101, 1003)
    indices, scores = rank(queries, gallery, 20, chunk=chunk)
    expected, expected_scores = by_sorting(queries, gallery, 20)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-4)


@pytest.mark.parametrize('chunk', (SMALL, (1024, 16384)))
@pytest.mark.parametrize('num_queries', (1, 5, 45))
def test_equal_vectors_tie_wherever_they_stand(num_queries, chunk):
    queries, different = random_vectors(num_queries, 60, dims=258)
    origins = np.random.default_rng(1).integers(60, size=1111)
    indices, scores = rank(queries, different[origins], 30, chunk=chunk)
    for found, values in zip(indices, scores, strict=True):
        for origin in np.unique(origins[found]):
            same = origins[found] == origin
            assert len(np.unique(values[same])) == 1
            np.testing.assert_array_equal(
                found[same], np.flatnonzero(origins == origin)[:same.sum()])


def test_logits_whose_probabilities_tie():
    logits = np.array([[30], [25], [40], [35]], np.float32)
    assert len(torch.sigmoid(torch.from_numpy(logits)).unique()) == 1
    indices, _ = rank(np.ones((1, 1), np.float32), logits)
    assert indices.tolist() == [[2, 3, 0, 1]]


def test_what_may_be_given(tmp_path):
    queries, gallery = random_vectors(7, 90)
    expected = rank(queries, gallery)[0]
    np.save(tmp_path / 'gallery.npy', gallery)
    for other in (torch.from_numpy(gallery).requires_grad_(), gallery.astype('>f8'),
                  np.load(tmp_path / 'gallery.npy', mmap_mode='r'),
                  np.asfortranarray(gallery), gallery.repeat(2, 0)[::2]):
        indices, _ = rank(torch.from_numpy(queries), other, device='cpu', chunk=SMALL)
        np.testing.assert_array_equal(indices, expected)


@pytest.fixture
def precision():
    yield
    torch.set_float32_matmul_precision('highest')


def test_products_are_exact_whatever_training_allows(precision):
    queries, gallery = random_vectors(40, 300, dims=258)
    expected = rank(queries, gallery)[1]
    torch.set_float32_matmul_precision('medium')
    with torch.autocast('cpu', dtype=torch.bfloat16):
        np.testing.assert_array_equal(rank(queries, gallery)[1], expected)
    assert torch.get_float32_matmul_precision() == 'medium'
    torch.set_float32_matmul_precision('highest')
    # torch's newer name for the same, after which the older one is refused.
    torch.backends.mkldnn.matmul.fp32_precision = 'bf16'
    np.testing.assert_array_equal(rank(queries, gallery)[1], expected)
    assert torch.backends.mkldnn.matmul.fp32_precision == 'bf16'


def test_nothing_to_rank():
    queries, gallery = random_vectors(3, 5)
    for array in rank(queries, gallery[:0]):
        assert array.shape == (3, 0)
    for array in rank(queries[:0], gallery, k=20):
        assert array.shape == (0, 5)
    for array in rank(queries[:0], gallery, k=2):
        assert array.shape == (0, 2)


def changed(array, row, value):
    array = array.copy()
    array[row, 1] = value
    return array


QUERIES, GALLERY = random_vectors(40, 70, dims=4)


@pytest.mark.parametrize('queries, gallery, options, error, match', [
    (QUERIES.tolist(), GALLERY, {}, TypeError,
     'queries must be a numpy array or a torch tensor, got list'),
    (QUERIES, GALLERY.astype(int), {}, TypeError,
     'gallery must hold floats, got int64'),
    (torch.ones(2, 4, dtype=torch.int32), GALLERY, {}, TypeError,
     'queries must hold floats, got torch.int32'),
    (QUERIES[0], GALLERY, {}, ValueError,
     r'queries must have shape \(N, D\), got \(4,\)'),
    (QUERIES, GALLERY[:, :3], {}, ValueError,
     r'as many dimensions, got \(40, 4\) and \(70, 3\)'),
    (changed(QUERIES, 39, np.nan), GALLERY, {}, ValueError,
     'queries must be finite as float32, got NaN or infinity in row 39'),
    (QUERIES, changed(changed(GALLERY, 69, np.inf), 66, np.nan), {}, ValueError,
     'gallery must be finite as float32, got NaN or infinity in row 66'),
    (QUERIES, GALLERY, dict(k=0), ValueError, 'must be positive, got k=0'),
    (QUERIES, GALLERY, dict(chunk=(0, 8)), ValueError, r'chunk=\(0, 8\)'),
    (changed(QUERIES, 33, 1e30), changed(GALLERY, 66, 1e30), {}, ValueError,
     'scores must be finite as float32, got more for row 33 of queries'),
])
def test_bad_input(queries, gallery, options, error, match):
    with pytest.raises(error, match=match):
        rank(queries, gallery, **{'chunk': SMALL, **options})
