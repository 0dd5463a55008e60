"""Rank a gallery for every query by inner product: exact, in bounded memory."""

from contextlib import contextmanager

import numpy as np
import torch
from torch.nn.functional import pad

#: Scores side by side of which the maximum is taken before any top-k.
_WIDTH = 32
#: Both sides of every product are multiples of it. BLAS sums up the last few
#: rows and columns of other shapes in another order, and equal vectors get
#: scores that are not quite equal.
_STEP = 32

#: Where torch keeps its leave to round the operands of a float32 product.
_PRECISIONS = (torch.backends.cuda.matmul, torch.backends.mkldnn.matmul)


def rank(queries, gallery, k=20, *, device=None, chunk=(1024, 16384)):
    """The k best of the gallery for every query, by inner product.

    The scores of all pairs are never in memory together: a block of them is
    made, and reduced to the maximum of every 32. The best k of a row lie within
    the k runs of 32 of the highest maxima, so that the search itself looks at
    little. The gallery is read once, in order: it may be a ``np.memmap``.

    Shapes: Q queries, G gallery entries, D dimensions, K = min(k, G).

    Args:
        queries (np.ndarray | torch.Tensor): (Q, D) float; used as float32.
        gallery (np.ndarray | torch.Tensor): (G, D) float; used as float32.
        k (int): Defaults to 20.
        device (str | torch.device, optional): Where to compute. By default
            ``cuda`` where there is one, else ``cpu``.
        chunk (tuple[int, int]): The most queries and gallery entries of a block,
            both rounded up to a multiple of 32. Defaults to 64 MiB of scores.

    Returns:
        tuple[np.ndarray, np.ndarray]: (Q, K) int64 rows of the gallery, best
        first, and (Q, K) float32 scores. Equal scores are in the order of the
        gallery, and equal vectors of the gallery have equal scores. (Q, 0) of an
        empty gallery, (0, K) without queries.

    Raises:
        TypeError: If an array is none, or not of floats.
        ValueError: If a shape, ``k`` or ``chunk`` is wrong, a number not finite, or
            a score of the best k not finite as float32.
    """
    _check_array('queries', queries)
    _check_array('gallery', gallery)
    if queries.shape[1] != gallery.shape[1]:
        raise ValueError(
            'queries and gallery must have as many dimensions, got '
            f'{tuple(queries.shape)} and {tuple(gallery.shape)}')
    if min(k, *chunk) < 1:
        raise ValueError(f'k and chunk must be positive, got k={k}, chunk={chunk}')
    num_queries, k = len(queries), min(k, len(gallery))
    if device is None:
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    device = torch.device(device)
    rows, columns = map(_side, (num_queries, len(gallery)), chunk)
    with torch.inference_mode(), _exact_products():
        total = -(-num_queries // rows) * rows
        queries = _block('queries', queries, 0, total, device)
        best = torch.full((total, k), -torch.inf, device=device)
        places = torch.zeros((total, k), dtype=torch.int64, device=device)
        scores = torch.empty((rows, columns), device=device)
        for first in range(0, len(gallery), columns):
            block = _block('gallery', gallery, first, columns, device)
            for row in range(0, total, rows):
                part = slice(row, row + rows)
                # With ``out``, autocast keeps away as well.
                torch.mm(queries[part], block.T, out=scores)
                scores[:, len(gallery) - first:] = -torch.inf
                _keep_best(scores, first, best[part], places[part])
        best, places = best[:num_queries].cpu(), places[:num_queries].cpu()
        wrong = ~torch.isfinite(best).all(1)
        if wrong.any():
            raise ValueError(
                'scores must be finite as float32, got more for row '
                f'{int(wrong.nonzero()[0])} of queries. Scale the vectors down')
        return places.numpy(), best.numpy()


def _check_array(name, array):
    if isinstance(array, np.ndarray):
        floating = array.dtype.kind == 'f'
    elif isinstance(array, torch.Tensor):
        floating = array.is_floating_point()
    else:
        raise TypeError(f'{name} must be a numpy array or a torch tensor, '
                        f'got {type(array).__name__}')
    if not floating:
        raise TypeError(f'{name} must hold floats, got {array.dtype}')
    if array.ndim != 2:
        raise ValueError(f'{name} must have shape (N, D), got {tuple(array.shape)}')


def _side(count, most):
    """Rows of a block: at most ``most``, all blocks of about the same size."""
    size = -(-count // max(1, -(-count // most)))
    return max(1, -(-size // _STEP)) * _STEP


def _block(name, array, first, count, device):
    """(count, D) float32 from row ``first`` on; zeros where the array has ended."""
    part = array[first:first + count]
    if isinstance(part, np.ndarray):
        # A copy: torch warns of arrays that it could not write to.
        part = torch.from_numpy(np.array(part, np.float32))
    part = part.detach().to(device, torch.float32)
    finite = torch.isfinite(part).all(1)
    if not finite.all():
        row = first + int((~finite).nonzero()[0])
        raise ValueError(f'{name} must be finite as float32, got NaN or infinity in '
                         f'row {row}')
    return pad(part, (0, 0, 0, count - len(part)))


def _keep_best(scores, first, best, places):
    """Merge a block of scores into what was the best so far, in place.

    Args:
        scores (torch.Tensor): (R, C), of gallery entries ``first`` and on.
        first (int): Not less than any of ``places``.
        best (torch.Tensor): (R, K) scores, best first.
        places (torch.Tensor): (R, K) int64, their gallery entries.
    """
    k = best.shape[1]
    runs = scores.view(len(scores), -1, _WIDTH)
    # In the order of the gallery, for the sake of equal scores.
    chosen = _top(runs.amax(2), k).sort(1).values[..., None]
    candidates = runs.gather(1, chosen.expand(-1, -1, _WIDTH)).flatten(1)
    columns = torch.arange(first, first + _WIDTH, device=scores.device)
    columns = (chosen * _WIDTH + columns).flatten(1)
    values = torch.cat([best, candidates], 1)
    order = _top(values, k)
    best.copy_(values.gather(1, order))
    places.copy_(torch.cat([places, columns], 1).gather(1, order))


def _top(values, k):
    """(R, min(k, N)) positions of the best of (R, N), equal ones by position."""
    if k >= values.shape[1]:
        return values.argsort(dim=1, descending=True, stable=True)
    found, order = values.topk(k + 1)
    order = order[:, :k].sort(1).values
    order = order.gather(
        1, values.gather(1, order).argsort(dim=1, descending=True, stable=True))
    # Of values equal to the k-th, topk takes any.
    tied = (found[:, k - 1] == found[:, k]).nonzero()[:, 0]
    if len(tied):
        order[tied] = values[tied].argsort(dim=1, descending=True, stable=True)[:, :k]
    return order


@contextmanager
def _exact_products():
    """No rounding of operands, whatever the program allows its training."""
    newer = [backend.fp32_precision for backend in _PRECISIONS]
    try:
        older = torch.get_float32_matmul_precision()
    except RuntimeError:  # It was set under its newer names.
        older = None
    torch.set_float32_matmul_precision('highest')
    try:
        yield
    finally:
        if older is not None:
            torch.set_float32_matmul_precision(older)
        else:
            for backend, precision in zip(_PRECISIONS, newer, strict=True):
                backend.fp32_precision = precision
