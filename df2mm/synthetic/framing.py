"""Where a scene's main item stands in the picture, and how large."""

import numpy as np

from df2mm.synthetic.painting import Canvas
from df2mm.synthetic.wardrobe import Identity

__all__ = ['extent_points', 'frame', 'target_extent']


def target_extent(rng, identity: Identity, source: str) -> float:
    """Share of the picture's side that the main item spans; above 1 it is cut off.

    Medians and spreads by the box sizes of the authors' validation files.
    """
    name = identity.cut.name
    median, spread = {
        'trousers': (0.55, 0.32),
        'shorts': (0.5, 0.42),
        'skirt': (0.5, 0.4),
    }.get(name, (0.72, 0.33))
    if source == 'shop':
        median, spread = median * 0.95, spread * 0.75
    return float(np.clip(np.exp(rng.normal(np.log(median), spread)), 0.28, 1.45))


def frame(
    rng, canvas: Canvas, points: np.ndarray, extent: float, tilt: float, end: int = 0
):
    """(2, 3) affine map from heads to pixels that frames the main item.

    With ``end`` 1 the picture ends where the item ends below, with -1 above.
    """
    height, width = canvas.owner.shape
    cos, sin = np.cos(tilt), np.sin(tilt)
    turn = np.array([[cos, -sin], [sin, cos]])
    points = points @ turn.T
    low, high = points.min(0), points.max(0)
    scale = extent * min(width / (high[0] - low[0]), height / (high[1] - low[1]))
    span = scale * (high - low)
    room = np.maximum(np.array([width, height]) - span, 0.0)
    over = np.maximum(span - (width, height), 0.0)
    # Room is shared unevenly; what is too large is cut off on either side.
    target = (
        np.array([width, height]) / 2
        + rng.uniform(-0.38, 0.38, 2) * room
        + rng.uniform(-0.5, 0.5, 2) * over
    )
    if end:
        middle = span[1] / 2 * (1 + rng.uniform(-0.04, 0.02))
        target[1] = height - middle if end > 0 else middle
    canvas.unit = scale
    shift = target - scale * (low + high) / 2
    return np.concatenate([scale * turn, shift[:, None]], axis=1)


def extent_points(garments) -> np.ndarray:
    """(n, 2) the outlines of garments."""
    return np.concatenate([p.outline for g in garments for p in g.pieces])
