"""Folds: how cloth that hangs, stretches and creases changes its brightness.

The field is the shading of a height map lit from the upper left, so ridges
have a lit and a shaded flank and run along the cloth as folds do.
"""

import cv2
import numpy as np

from df2mm.synthetic.noise import grid, smooth_noise

__all__ = ['FOLD_KINDS', 'fold_field']

FOLD_KINDS = ('soft', 'vertical', 'sharp', 'knit')
# Fields are smooth: computed at no more than this many columns.
_WORK_WIDTH = 112
_LIMITS = (0.6, 1.25)


def _crease(rng, x, y, start, angle, length, width):
    """Height of one crease: a ridge that fades out along its run."""
    along = (x - start[0]) * np.cos(angle) + (y - start[1]) * np.sin(angle)
    across = (y - start[1]) * np.cos(angle) - (x - start[0]) * np.sin(angle)
    # Creases are never straight.
    across = across + rng.normal(0, 0.1) * along**2 / max(length, 1e-3)
    t = np.clip(along / length, 0, 1)
    profile = np.abs(np.sin(np.pi * t**0.6)) ** 1.2
    spread = width * (0.6 + 0.9 * t)
    return width * profile * np.exp(-((across / spread) ** 2))


def _soft(rng, height, width, anchors):
    x, y = grid(height, width)
    bottom = height / width
    field = 0.024 * smooth_noise(rng, height, width, 3.2, 2.2)
    for _ in range(int(rng.integers(5, 10))):
        start = (rng.uniform(0.05, 0.95), rng.uniform(0.1, 1.0) * bottom)
        angle = rng.uniform(0.7, 2.4)
        size = rng.uniform(0.014, 0.032)
        sign = rng.choice([-1.0, 1.0, 1.0])
        field = field + sign * _crease(
            rng, x, y, start, angle, rng.uniform(0.2, 0.55), size
        )
    return field + _pulls(rng, x, y, anchors, 3, 0.02)


def _vertical(rng, height, width, anchors):
    x, y = grid(height, width)
    v = y / np.float32(height / width)
    pleats = rng.uniform(3.5, 9)
    drift = 0.05 * smooth_noise(rng, height, width, 2.5, 1.0)
    # Folds open towards the hem, fanning away from the middle.
    fan = (x - 0.5) * (1.12 - 0.14 * v) + drift * (0.4 + v)
    phase = fan * np.float32(2 * np.pi * pleats)
    ridge = np.cos(phase + 0.9 * np.sin(phase * 0.37 + rng.uniform(0, 6)))
    depth = 0.35 + 0.65 * np.clip(v * 1.25, 0, 1)
    amount = 1 + 0.35 * smooth_noise(rng, height, width, 4, 0.8)
    field = 0.1 / pleats * ridge * depth * amount
    return field + _pulls(rng, x, y, anchors, 2, 0.016)


def _sharp(rng, height, width, anchors):
    x, y = grid(height, width)
    bottom = height / width
    field = 0.014 * smooth_noise(rng, height, width, 4, 3)
    for _ in range(int(rng.integers(5, 10))):
        start = (rng.uniform(0.05, 0.95), rng.uniform(0.05, 1.0) * bottom)
        size = rng.uniform(0.006, 0.013)
        field = field + _crease(
            rng, x, y, start, rng.uniform(0, 6.28), rng.uniform(0.12, 0.35), size
        )
    return field + _pulls(rng, x, y, anchors, 4, 0.012)


def _knit(rng, height, width, anchors):
    x, y = grid(height, width)
    field = 0.05 * smooth_noise(rng, height, width, 2.0, 1.6)
    field = field + 0.012 * smooth_noise(rng, height, width, 5, 3)
    return field + _pulls(rng, x, y, anchors, 2, 0.03)


def _pulls(rng, x, y, anchors, count, width):
    """Creases that radiate from where the cloth is held or pinched."""
    field = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for u, v in anchors:
        start = (u, v * y.size / x.size)
        inward = np.arctan2(0.55 * y.size / x.size - start[1], 0.5 - u)
        # A pinch gathers the cloth a little way off, not in one point.
        start = (start[0] + 0.04 * np.cos(inward), start[1] + 0.04 * np.sin(inward))
        for number in range(count):
            angle = inward + (number - (count - 1) / 2) * rng.uniform(0.25, 0.5)
            size = width * rng.uniform(0.6, 1.3)
            sign = -1.0 if number % 2 else 1.0
            length = rng.uniform(0.2, 0.5)
            field += sign * _crease(rng, x, y, start, angle, length, size)
    return field


_HEIGHT = {'soft': _soft, 'vertical': _vertical, 'sharp': _sharp, 'knit': _knit}
# Contrast of the shading, and its blur in garment widths.
_LOOK = {
    'soft': (0.3, 0.008),
    'vertical': (0.3, 0.006),
    'sharp': (0.3, 0.003),
    'knit': (0.3, 0.014),
}


def fold_field(
    rng: np.random.Generator,
    height: int,
    width: int,
    kind: str,
    anchors=(),
    strength: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the folds of a garment.

    Args:
        rng (Generator): Decides everything.
        height (int): H, rows.
        width (int): W, columns: one garment width.
        kind (str): 'soft' (jersey), 'vertical' (drapes and pleats), 'sharp'
            (shirt and denim creases) or 'knit' (broad and shallow).
        anchors (sequence): (x, y) points in units of the width and of the
            height from which creases radiate: armpits, crotch, elbows.
        strength (float): Depth of the folds, about 1.

    Returns:
        tuple: Shading, (H, W) float32 in 0.6..1.25 about 1, to multiply with;
        displacement, (H, W, 2) float32 x and y in pixels, to add to where
        the texture is sampled.

    Raises:
        ValueError: If the kind is not known or a size is not positive.
    """
    if kind not in _HEIGHT:
        raise ValueError(f'fold kind must be one of {FOLD_KINDS}, got {kind!r}')
    if height < 1 or width < 1:
        raise ValueError(
            f'fold size must be at least 1 x 1, got height {height}, width {width}'
        )
    columns = min(width, _WORK_WIDTH)
    rows = max(1, round(height * columns / width))
    relief = _HEIGHT[kind](rng, rows, columns, anchors).astype(np.float32)
    contrast, blur = _LOOK[kind]
    relief = cv2.GaussianBlur(relief, (0, 0), max(0.35, blur * columns))
    # Slopes are dimensionless: heights and steps are both in widths.
    slope_x = cv2.Sobel(relief, cv2.CV_32F, 1, 0, scale=columns / 8)
    slope_y = cv2.Sobel(relief, cv2.CV_32F, 0, 1, scale=columns / 8)
    lit = slope_x * np.float32(0.75) + slope_y * np.float32(0.65)
    # Valleys see less of the sky than ridges do.
    valley = relief - cv2.GaussianBlur(relief, (0, 0), max(0.5, 0.06 * columns))
    shading = np.float32(contrast * strength) * lit
    shading += np.float32(3.0 * strength) * np.minimum(valley, 0.012)
    # Soft limits keep deep folds from turning to flat black.
    shading = 1 + np.where(shading < 0, 0.4, 0.25) * np.tanh(
        shading / np.where(shading < 0, 0.4, 0.25)
    )
    shading = np.clip(shading, *_LIMITS).astype(np.float32)
    shift = np.stack([slope_x, slope_y], -1)
    shift = np.tanh(shift * 0.8) * np.float32(0.009 * strength * width)
    size = (width, height)
    shading = cv2.resize(shading, size, interpolation=cv2.INTER_LINEAR)
    shift = cv2.resize(shift, size, interpolation=cv2.INTER_LINEAR)
    return shading, shift.reshape(height, width, 2)
