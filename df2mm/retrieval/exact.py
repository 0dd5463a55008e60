"""Exact search: the k best inner products, the same whatever stands beside them.

A first pass takes a few more than k by products of float32, block by block. A
second pass makes the scores of those anew in float64, so that the score of a pair
depends on neither the block nor the batch it was computed in, and the order of
equal ones is that of the gallery. Where rounding could have kept one of the best
out of the first pass, that pass is repeated for more.

faiss.knn and IndexFlatIP were tried for the first pass: they take 1.6 times as
long for one query and over twice as long for 64. tools/benchmark/gallery.py shows
them side by side.
"""

import itertools

import numpy as np

#: Beyond k, how many the first pass takes.
MARGIN = 32
#: Scores of a block.
_BLOCK = 1 << 20
#: Queries side by side.
_QUERIES = 256
#: Of a block where fewer may be returned, only these are multiplied.
_SPARSE = 0.25


def search_exact(queries, vectors, k, allowed=None) -> list:
    """The k best of a gallery for every query.

    Shapes: Q queries, N rows, D dimensions, K = min(k, rows allowed).

    Args:
        queries (np.ndarray): (Q, D) float32.
        vectors (Vectors): N of D.
        k (int): Positive.
        allowed (np.ndarray, optional): (N,) bool, what may be returned.

    Returns:
        list[tuple]: Q of (K,) int64 rows, best first, and (K,) float32 scores. Equal
        scores are by rising row.
    """
    count = len(vectors) if allowed is None else int(np.count_nonzero(allowed))
    found = [(np.zeros(0, np.int64), np.zeros(0, np.float32))] * len(queries)
    if not count:
        return found
    for first in range(0, len(queries), _QUERIES):
        left = np.arange(first, min(first + _QUERIES, len(queries)))
        wide = min(k + MARGIN, count)
        while len(left):
            doubtful = []
            for query, (rows, scores) in zip(
                    left, _first_pass(queries[left], vectors, wide, allowed),
                    strict=True):
                result, sure = rescored(queries[query], rows, scores,
                                        vectors.take(rows), k)
                found[query] = result
                if not sure and wide < count:
                    doubtful.append(query)
            left, wide = np.array(doubtful, np.int64), min(wide * 4, count)
    return found


def rescored(query, rows, scores, vectors, k):
    """The k best of candidates by their scores in float64.

    Args:
        query (np.ndarray): (D,) float32.
        rows (np.ndarray): (C,) int64.
        scores (np.ndarray): (C,) float32, what they were chosen by.
        vectors (np.ndarray): (C, D) float32, theirs.
        k (int): Positive.

    Returns:
        tuple: (rows, float32 scores) of the best, and whether no row that was not a
        candidate can be among them, by a bound of the rounding of float32.
    """
    exact = vectors.astype(np.float64)
    exact *= query
    # Not a product with BLAS: its sums depend on what stands beside the row.
    exact = exact.sum(1).astype(np.float32)
    order = np.lexsort((rows, -exact))[:k]
    best = rows[order], exact[order]
    if len(order) < k:
        return best, False
    norms = np.linalg.norm(query) * np.linalg.norm(vectors, axis=1).max()
    doubt = np.finfo(np.float32).eps * np.sqrt(len(query)) * norms
    return best, bool(scores.min() + doubt < exact[order[-1]])


def _first_pass(queries, vectors, k, allowed):
    """Q of (k,) rows and scores of float32, in no order; ``k`` rows are allowed."""
    best = _Best(len(queries), k)
    size = max(_BLOCK // max(len(queries), 16), 1)
    scores = np.empty((len(queries), size), np.float32)
    for start, part in vectors.parts():
        for first in range(0, len(part), size):
            block, begin = part[first:first + size], start + first
            wanted = None if allowed is None else allowed[begin:begin + len(block)]
            made, columns = _block_scores(queries, block, wanted, scores)
            if made is not None:
                best.take(made, begin, columns)
    return best.result()


def _block_scores(queries, block, wanted, scores):
    """(Q, B) scores and, where they are of some rows only, the places of those.

    What is not wanted scores -inf where it is multiplied all the same. ``scores``
    is room for those of a whole block. (None, None) if nothing is wanted.
    """
    if wanted is None or wanted.all():
        wanted = None
    else:
        columns = np.flatnonzero(wanted)
        if not len(columns):
            return None, None
        if len(columns) < _SPARSE * len(block):
            return queries @ block[columns].T, columns
    made = scores if len(block) == scores.shape[1] else np.empty(
        (len(queries), len(block)), np.float32)
    np.matmul(queries, block.T, out=made)
    if wanted is not None:
        made[:, ~wanted] = -np.inf
    return made, None


class _Best:
    """The k best so far of each of Q queries.

    Blocks add what exceeds the k-th best of before; of a random order this is
    little, so that most of a block is only compared once.
    """

    def __init__(self, num_queries, k):
        self.k, self.num_queries = k, num_queries
        self.least = np.full((num_queries, 1), -np.inf, np.float32)
        self.found, self.waiting = [], 0

    def take(self, scores, begin, columns):
        """Take in (Q, B) scores of rows ``begin`` + 0..B - 1, or + ``columns``."""
        hits = np.flatnonzero(scores > self.least)
        if len(hits) > 4 * self.num_queries * self.k and scores.shape[1] > self.k:
            least = np.partition(scores, -self.k, axis=1)[:, -self.k, None]
            # Just below the k-th best, which has to exceed it.
            least = np.nextafter(least, np.float32(-np.inf))
            np.maximum(self.least, least, out=self.least)
            hits = np.flatnonzero(scores > self.least)
        if not len(hits):
            return
        queries, places = np.divmod(hits, scores.shape[1])
        rows = begin + (places if columns is None else columns[places])
        self.found.append((queries, rows, scores.reshape(-1)[hits]))
        self.waiting += len(hits)
        if self.waiting > 4 * self.num_queries * self.k:
            self._prune()

    def _prune(self):
        queries, rows, scores = map(np.concatenate, zip(*self.found, strict=True))
        order = np.lexsort((rows, -scores, queries))
        queries, rows, scores = queries[order], rows[order], scores[order]
        counts = np.bincount(queries, minlength=self.num_queries)
        places = np.arange(len(queries)) - np.repeat(np.cumsum(counts) - counts, counts)
        kept = places < self.k
        last = places == self.k - 1
        self.least[queries[last], 0] = scores[last]
        self.found = [(queries[kept], rows[kept], scores[kept])]
        self.waiting = 0

    def result(self):
        if self.found:
            self._prune()
        queries, rows, scores = self.found[0]
        ends = np.searchsorted(queries, np.arange(self.num_queries + 1))
        return [(rows[a:b], scores[a:b])
                for a, b in itertools.pairwise(ends)]
