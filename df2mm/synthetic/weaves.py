"""Yarn-level brightness: what makes a plain fabric not a flat colour."""

import functools

import cv2
import numpy as np

from df2mm.synthetic.noise import fractal_noise, grid, smooth_noise, stream

__all__ = ['MASTER', 'WEAVES', 'render_weave', 'repeat_tile']

# Pixels per garment width at which repeating tiles are drawn.
MASTER = 512


def repeat_tile(tile: np.ndarray, height: int, width: int) -> np.ndarray:
    """Repeat a tile drawn at MASTER pixels a width over (height, width).

    Args:
        tile (ndarray): (h, w) or (h, w, C), uint8 or float32.
        height (int): Rows wanted.
        width (int): Columns wanted: one garment width.

    Returns:
        ndarray: (height, width[, C]) of the tile's type, anti-aliased.
    """
    # A garment a few pixels wide does not need the full canvas.
    ratio = min(1.0, 2 * width / MASTER)
    if ratio < 1:
        size = tuple(max(1, round(side * ratio)) for side in tile.shape[1::-1])
        tile = cv2.resize(tile, size, interpolation=cv2.INTER_AREA)
    columns = max(1, round(MASTER * ratio))
    rows = max(1, round(MASTER * ratio * height / width))
    counts = (-(-rows // tile.shape[0]), -(-columns // tile.shape[1]))
    canvas = np.tile(tile, counts + (1,) * (tile.ndim - 2))[:rows, :columns]
    down = columns > width
    mode = cv2.INTER_AREA if down else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(canvas), (width, height), interpolation=mode)


def _lines(phase: np.ndarray, per_width: float, width: int) -> np.ndarray:
    # Lines finer than two pixels would alias into moire: fade them out.
    gain = np.clip((width / per_width - 1.6) / 1.4, 0, 1)
    return np.float32(gain) * np.cos(phase * np.float32(2 * np.pi * per_width))


def _jersey(seed, height, width):
    fine = smooth_noise(stream(seed, 1), height, width, 230, 110)
    return 0.022 * fine


def _poplin(seed, height, width):
    return 0.018 * smooth_noise(stream(seed, 1), height, width, 260)


def _linen(seed, height, width):
    weft = smooth_noise(stream(seed, 1), height, width, 16, 240)
    warp = smooth_noise(stream(seed, 2), height, width, 240, 16)
    return 0.032 * weft + 0.026 * warp


def _twill(seed, height, width):
    x, y = grid(height, width)
    fuzz = smooth_noise(stream(seed, 1), height, width, 200)
    return 0.035 * _lines(x + y, 90, width) + 0.022 * fuzz


def _satin(seed, height, width):
    sheen = smooth_noise(stream(seed, 1), height, width, 7, 2.5)
    return 0.035 * sheen + 0.008 * smooth_noise(stream(seed, 2), height, width, 240)


def _corduroy(seed, height, width):
    x, _ = grid(height, width)
    wobble = 0.0012 * smooth_noise(stream(seed, 1), height, width, 12, 5)
    rib = _lines(x + wobble, 58, width)
    return 0.1 * rib + 0.03 * smooth_noise(stream(seed, 2), height, width, 180)


def _fleece(seed, height, width):
    return 0.028 * fractal_noise(stream(seed, 1), height, width, 60, 3, 0.8)


def _leather(seed, height, width):
    grain = fractal_noise(stream(seed, 1), height, width, 70, 2, 0.7)
    gloss = np.maximum(smooth_noise(stream(seed, 2), height, width, 5), 0.6) - 0.6
    return 0.03 * grain + 0.2 * gloss


@functools.lru_cache(maxsize=32)
def _stitch_tile(columns: int) -> np.ndarray:
    # One V-shaped stitch: two slanted legs, dark where yarns meet.
    side = max(6, round(MASTER / columns))
    rows = max(5, round(side * 0.8))
    x = (np.arange(side) + 0.5)[None, :] / side - 0.5
    y = (np.arange(rows) + 0.5)[:, None] / rows
    leg = np.cos(2 * np.pi * (y + 0.75 * np.abs(x)))
    gap = np.exp(-((x / 0.08) ** 2)) + np.exp(-(((np.abs(x) - 0.5) / 0.1) ** 2))
    return (0.5 * leg - 0.75 * gap + 0.3).astype(np.float32)


def _stockinette(seed, height, width):
    columns = 44 + seed % 40
    tile = np.tile(_stitch_tile(columns), (4, 4))
    gain = np.clip((width / columns - 1.6) / 2.4, 0.1, 1)
    fuzz = smooth_noise(stream(seed, 1), height, width, 150)
    return np.float32(0.11 * gain) * repeat_tile(tile, height, width) + 0.03 * fuzz


_RELIEF = {
    'jersey': _jersey,
    'poplin': _poplin,
    'linen': _linen,
    'twill': _twill,
    'satin': _satin,
    'corduroy': _corduroy,
    'fleece': _fleece,
    'leather': _leather,
    'stockinette': _stockinette,
}
WEAVES = tuple(_RELIEF)


def render_weave(weave: str, seed: int, height: int, width: int) -> np.ndarray:
    """Return the brightness of a weave, (height, width) float32 about 1.

    Args:
        weave (str): One of ``WEAVES``.
        seed (int): Of the yarn's and the dye's irregularities.
        height (int): Rows.
        width (int): Columns: one garment width.
    """
    dye = smooth_noise(stream(seed, 0), height, width, 3.5)
    return 1 + 0.014 * dye + _RELIEF[weave](seed, height, width)
