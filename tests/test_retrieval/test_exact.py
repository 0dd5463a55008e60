"""df2mm/retrieval/exact.py"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from df2mm.retrieval import exact
from df2mm.retrieval.exact import rescored, search_exact
from df2mm.retrieval.vectors import Vectors


def in_parts(array, *ends):
    """The rows, cut up at ``ends``."""
    edges = [0, *sorted(min(end, len(array)) for end in ends), len(array)]
    return Vectors(array.shape[1], [
        (a, array[a:b]) for a, b in itertools.pairwise(edges) if b > a])


def by_sorting(queries, vectors, k, allowed=None):
    """Rows by a stable sort of all scores."""
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    products = queries[:, None].astype(np.float64) * vectors[rows]
    scores = products.sum(2).astype(np.float32)
    order = np.argsort(-scores, axis=1, kind='stable')[:, :k]
    return rows[order], np.take_along_axis(scores, order, 1)


def check(queries, vectors, k, allowed=None, *ends):
    found = search_exact(queries, in_parts(vectors, *ends), k, allowed)
    expected = zip(*by_sorting(queries, vectors, k, allowed), strict=True)
    for result, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(result[0], wanted[0])
        np.testing.assert_array_equal(result[1], wanted[1])
        assert (result[0].dtype, result[1].dtype) == (np.int64, np.float32)


def test_visible_arithmetic():
    vectors = np.array([[3, 1], [1, 2], [2, 0]], np.float32)
    [(rows, scores), _] = search_exact(np.eye(2, dtype=np.float32),
                                       in_parts(vectors), 2)
    assert (rows.tolist(), scores.tolist()) == ([0, 2], [3, 2])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_like_sorting(data):
    # Few values, so that most scores tie; small blocks, so that there are many.
    draw = data.draw
    count, num_queries = draw(st.integers(1, 300)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    values = draw(st.sampled_from([1, 2, 5]))
    queries, vectors = (
        rng.integers(-values, values, (n, 6)).astype(np.float32) / 3
        for n in (num_queries, count))
    share = draw(st.sampled_from([None, 0.02, 0.3, 0.9]))
    allowed = None if share is None else rng.random(count) < share
    block = draw(st.sampled_from([16, 500, 1 << 20]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, '_BLOCK', block)
        patch.setattr(exact, '_QUERIES', draw(st.sampled_from([2, 256])))
        patch.setattr(exact, 'MARGIN', draw(st.sampled_from([1, 32])))
        check(queries, vectors, draw(st.integers(1, 50)), allowed,
              *draw(st.lists(st.integers(0, 300), max_size=3)))


@pytest.mark.parametrize('order', ('rising', 'falling'))
def test_sorted_galleries(order, monkeypatch):
    # Every block is better than all before it, or worse.
    monkeypatch.setattr(exact, '_BLOCK', 16 * 64)
    vectors = np.linspace(-1, 1, 3000, dtype=np.float32)[:, None]
    check(np.ones((3, 1), np.float32), vectors if order == 'rising' else vectors[::-1],
          20)


def test_a_score_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((2000, 258), np.float32)[rng.integers(900, size=5000)]
    queries = rng.standard_normal((70, 258), np.float32)
    together = search_exact(queries, in_parts(vectors, 17, 4000), 50)
    for query, (rows, scores) in zip(queries, together, strict=True):
        [(alone, again)] = search_exact(query[None], in_parts(vectors), 50)
        np.testing.assert_array_equal(rows, alone)
        np.testing.assert_array_equal(scores, again)
        # Equal vectors have equal scores.
        for score in np.unique(scores):
            same = rows[scores == score]
            np.testing.assert_array_equal(same, np.sort(same))


def test_norms_that_cancel_out():
    # As of the match head: large numbers whose sum is small. float32 alone puts
    # them into another order.
    rng = np.random.default_rng(0)
    g = (rng.standard_normal((4000, 64)) + 40).astype(np.float32)
    ones = np.ones((4000, 1), np.float32)
    vectors = np.hstack([g, (g**2).sum(1, keepdims=True), ones])
    q = g[:8] + np.float32(0.1)
    queries = np.hstack([-2 * q, ones[:8], (q**2).sum(1, keepdims=True)])
    rough = np.argsort(-(queries @ vectors.T), axis=1)[:, :20]
    assert (rough != by_sorting(queries, vectors, 20)[0]).any()
    check(-queries, vectors, 20)
    check(queries, vectors, 20)


def test_rounding_is_doubted():
    vectors = np.ones((3, 4), np.float32)
    query, rows, scores = vectors[0], np.arange(3), np.full(3, 4, np.float32)
    # Any row that is no candidate may be as good as the second.
    assert not rescored(query, rows, scores, vectors, 2)[1]
    scores[2] = vectors[2] @ (vectors[2] * 0.5)
    vectors[2] /= 2
    assert rescored(query, rows, scores, vectors, 2)[1]


def test_nothing():
    vectors, queries = np.ones((5, 2), np.float32), np.ones((3, 2), np.float32)
    for found in (search_exact(queries, Vectors(2, []), 4),
                  search_exact(queries, in_parts(vectors), 4, np.zeros(5, bool))):
        assert [len(rows) for rows, _ in found] == [0, 0, 0]
    assert search_exact(queries[:0], in_parts(vectors), 4) == []
