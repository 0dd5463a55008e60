"""Cloth whose structure is the pattern: denim, knits and lace."""

import functools

import cv2
import numpy as np

from df2mm.synthetic.noise import fractal_noise, grid, smooth_noise, stream
from df2mm.synthetic.weaves import MASTER, repeat_tile

__all__ = ['draw_denim', 'draw_knit', 'draw_lace']


def _flat(color, height, width):
    image = np.empty((height, width, 3), np.float32)
    image[:] = color
    return image


def draw_denim(variant, colors, scale, seed, height, width):
    """Denim: 'raw', 'faded' (worn thighs, whiskers) or 'acid' (mottled)."""
    x, y = grid(height, width)
    base = np.asarray(colors[0], np.float32)
    pale = np.asarray(colors[1], np.float32)
    warp = smooth_noise(stream(seed, 10), height, width, 210, 26)
    fuzz = smooth_noise(stream(seed, 11), height, width, 170)
    # White weft shows through along the twill.
    gain = np.float32(np.clip((width / 95 - 1.6) / 1.4, 0, 1))
    twill = gain * np.cos((x + 0.8 * y) * np.float32(2 * np.pi * 95))
    wear = 0.05 + 0.055 * warp + 0.04 * fuzz + 0.05 * twill
    wear += 0.04 * fractal_noise(stream(seed, 12), height, width, 5, 3, 0.6)
    if variant == 'faded':
        v = y / np.float32(height / width)
        thigh = np.exp(-(((np.abs(x - 0.5) - 0.23) / 0.12) ** 2))
        wear = wear + 0.34 * thigh * np.exp(-(((v - 0.42) / 0.3) ** 2))
        # Whiskers fan out from the crotch, the creases of sitting.
        fan = np.arctan2(v - 0.16, np.abs(x - 0.5) + 0.02)
        ridge = np.cos(fan * 26 + 1.5 * warp) * np.exp(-(((v - 0.2) / 0.1) ** 2))
        wear = wear + 0.1 * np.maximum(ridge, 0) ** 2
    elif variant == 'acid':
        cloud = fractal_noise(stream(seed, 13), height, width, 9 / scale, 4, 0.7)
        wear = wear + np.clip(0.3 * cloud + 0.12, -0.05, 0.75)
    wear = np.clip(wear, -0.2, 1)[..., None]
    return base + wear * (pale - base)


@functools.lru_cache(maxsize=16)
def _rib_tile(per_width: int) -> np.ndarray:
    side = max(6, round(MASTER / per_width))
    x = (np.arange(side) + 0.5) / side
    profile = 0.75 * np.abs(np.sin(np.pi * x)) ** 0.7 - 0.5
    rows = max(3, round(side * 0.3))
    y = np.cos(2 * np.pi * (np.arange(rows) + 0.5) / rows)
    return (profile[None] + 0.09 * y[:, None]).astype(np.float32)


@functools.lru_cache(maxsize=16)
def _cable_tile(per_width: int) -> np.ndarray:
    """Two strands that cross by turns, beside a flat panel of stitches."""
    side = max(16, round(MASTER / per_width))
    rows = round(side * 1.15)
    x = ((np.arange(side) + 0.5) / side - 0.5)[None]
    y = ((np.arange(rows) + 0.5) / rows)[:, None] * 2 * np.pi
    height = np.full((rows, side), 0.0)
    for sign in (-1, 1):
        center = sign * 0.13 * np.sin(y)
        # The strand on top changes where they cross.
        lift = 0.5 + 0.5 * sign * np.cos(y)
        strand = np.clip(1 - ((x - center) / 0.15) ** 2, 0, 1) ** 0.5
        slant = 0.12 * np.cos(y * 7 + sign * 30 * (x - center))
        height = np.maximum(height, (0.55 + 0.45 * lift + slant) * strand)
    groove = np.exp(-(((np.abs(x) - 0.3) / 0.035) ** 2))
    stitch = 0.1 * np.cos(y * 8 + 40 * np.abs(np.abs(x) - 0.42))
    out = np.where(height > 0.05, height, 0.35 + stitch) - 0.55 * groove - 0.45
    return cv2.GaussianBlur(out.astype(np.float32), (3, 3), 0.6)


def draw_knit(variant, colors, scale, seed, height, width):
    """Knits: 'rib', 'cable', 'chunky' or 'fairisle' (rows of motifs)."""
    fuzz = smooth_noise(stream(seed, 10), height, width, 120)
    image = _flat(colors[0], height, width)
    if variant == 'fairisle':
        image = _fairisle(colors, scale, seed, height, width)
        tile, gain = _rib_tile(round(105 / scale)), 0.16
    elif variant == 'rib':
        tile, gain = _rib_tile(round(44 / scale)), 0.34
    elif variant == 'cable':
        tile, gain = _cable_tile(round(9 / scale)), 0.34
    else:
        tile, gain = _rib_tile(round(22 / scale)), 0.3
        gain = gain * (1 + 0.2 * smooth_noise(stream(seed, 11), height, width, 9))
    relief = gain * repeat_tile(tile, height, width) + 0.03 * fuzz
    return image * (1.0 + relief)[..., None]


def _fairisle(colors, scale, seed, height, width):
    """Rows of small mirrored stitch motifs, banded like a Nordic yoke."""
    rng = stream(seed, 12)
    cells = []
    while sum(len(motif) for motif in cells) < 48:
        half = rng.random((int(rng.integers(3, 8)), 6)) < 0.5
        motif = np.concatenate([half, half[:, ::-1]], 1)
        motif = np.concatenate([motif, motif[-2::-1]], 0)
        index = int(rng.integers(1, len(colors)))
        cells.append(motif * index)
        cells.append(np.zeros((int(rng.integers(2, 7)), 12), int))
    chart = np.concatenate(cells, 0)[:48]
    pixels = (np.asarray(colors, np.float32)[chart] * 255).astype(np.uint8)
    stitch = max(2, round(MASTER / 105 * scale))
    tile = np.repeat(np.repeat(pixels, stitch, 0), stitch, 1)
    # Every second half-column sits lower: stitches are V-shaped.
    tile[:, stitch // 2 :: stitch] = np.roll(tile[:, stitch // 2 :: stitch], 1, 0)
    return repeat_tile(tile, height, width).astype(np.float32) / 255


@functools.lru_cache(maxsize=32)
def _lace_tile(variant: str, seed: int, scale: float) -> np.ndarray:
    """Thread density, (side, side) uint8: 255 is solid thread."""
    rng = stream(seed, 10)
    side = max(60, round(0.26 * MASTER * scale))
    tile = np.zeros((side, side), np.uint8)
    step = side / (20 if variant == 'chantilly' else 12)
    knots = round(side / step)
    for i in range(-knots, 2 * knots + 1):
        for slope in (-1, 1):
            start = (round(i * step * 16), 0)
            end = (round((i * step + slope * side) * 16), side * 16)
            cv2.line(tile, start, end, 120, 1, cv2.LINE_AA, 4)
    for _ in range(3 if variant == 'chantilly' else 6):
        at = rng.uniform(0, side, 2)
        _lace_flower(tile, rng, at, side * rng.uniform(0.13, 0.24))
    return tile


def _lace_flower(tile, rng, at, radius):
    """A corded flower with a trailing stem, wrapped around the tile."""
    side = tile.shape[0]
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    petals, start = int(rng.integers(5, 8)), rng.uniform(0, 6.28)
    bloom = radius * (0.66 + 0.34 * np.abs(np.cos(petals / 2 * (turn + start))))
    outline = np.stack([bloom * np.cos(turn), bloom * np.sin(turn)], 1)
    t = np.linspace(1, 2.6, 12)[:, None] * radius
    bend = start + np.linspace(0, rng.uniform(-1.4, 1.4), 12)
    stem = t * np.stack([np.cos(bend), np.sin(bend)], 1)
    for dx in (-side, 0, side):
        for dy in (-side, 0, side):
            middle = at + np.array([dx, dy])
            points = np.round((outline + middle) * 8).astype(np.int32)
            vein = np.round((0.55 * outline + middle) * 8).astype(np.int32)
            trail = np.round((stem + middle) * 8).astype(np.int32)
            cv2.polylines(tile, [trail], False, 245, 2, cv2.LINE_AA, 3)
            cv2.fillPoly(tile, [points], 195, cv2.LINE_AA, 3)
            cv2.polylines(tile, [points], True, 255, 2, cv2.LINE_AA, 3)
            cv2.polylines(tile, [vein], True, 90, 1, cv2.LINE_AA, 3)


def draw_lace(variant, colors, scale, seed, height, width):
    """Lace over a lining: 'chantilly' (fine net) or 'guipure' (heavy)."""
    tile = _lace_tile(variant, seed, scale)
    thread = repeat_tile(tile, height, width).astype(np.float32)[..., None] / 255
    lining = np.asarray(colors[1], np.float32)
    face = np.asarray(colors[0], np.float32)
    # The edge lit from above makes the thread stand off the lining.
    relief = np.zeros_like(thread)
    relief[1:] = thread[1:] - thread[:-1]
    return lining + thread * (face - lining) - 0.1 * relief * face
