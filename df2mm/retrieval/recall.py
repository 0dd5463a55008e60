"""How much of the best an approximate search finds, on queries of its own."""

import numpy as np

#: Results of which the recall is measured.
TOP = 20
#: Queries that are sampled.
_QUERIES = 100


def recall_of(found, exact) -> float:
    """Mean share of the exact results that were found, 0..1.

    Args:
        found (list[tuple]): Q of (rows, scores).
        exact (list[tuple]): The same, not empty.
    """
    return float(np.mean([
        len(np.intersect1d(rows, best)) / len(best)
        for (rows, _), (best, _) in zip(found, exact, strict=True)]))


def own_queries(vectors, rows):
    """Query vectors that look for garments of the gallery itself.

    A gallery vector is [g, sum(w*g^2), 1]. Given enough of them, w is found by
    least squares, and with it the query vector [-2 w*g, 1, sum(w*g^2)] of a garment
    g; the bias changes no ranking. Where the vectors are of another make, they are
    the queries themselves.

    Args:
        vectors (Vectors): Of the gallery.
        rows (np.ndarray): Which to choose from.

    Returns:
        tuple[np.ndarray, str]: (Q, D) float32, Q at most 100; what they are.
    """
    rng = np.random.default_rng(0)
    chosen = vectors.take(np.sort(rng.permutation(rows)[:max(4 * vectors.dims, 1000)]))
    sample = rng.permutation(len(chosen))[:_QUERIES]
    g, norms = chosen[:, :-2].astype(np.float64), chosen[:, -2].astype(np.float64)
    if len(chosen) > 2 * vectors.dims and (chosen[:, -1] == 1).all():
        w = np.linalg.lstsq(g**2, norms, rcond=None)[0]
        if np.allclose(g**2 @ w, norms, rtol=1e-3, atol=1e-3 * np.abs(norms).max()):
            g, norms = g[sample], norms[sample, None]
            queries = np.hstack([-2 * w * g, np.ones_like(norms), norms])
            return queries.astype(np.float32), 'garments of the gallery'
    return np.ascontiguousarray(chosen[sample]), 'vectors of the gallery'
