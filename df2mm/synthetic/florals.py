"""Flowers and leaves strewn over a repeating tile."""

import functools

import cv2
import numpy as np

from df2mm.synthetic.colors import shade, to_rgb8
from df2mm.synthetic.noise import smooth_noise, stream
from df2mm.synthetic.weaves import MASTER, repeat_tile

__all__ = ['draw_floral']

# Drawn larger than shown, so that stems and petal edges come out fine.
_SUPERSAMPLE = 2


class _Brush:
    """Fills shapes on a torus: what leaves one edge returns at the other."""

    def __init__(self, side: int, ground) -> None:
        self.side = side
        self.tile = np.full((side, side, 3), to_rgb8(ground), np.uint8)

    def fill(self, points: np.ndarray, color, reach: float, at: np.ndarray) -> None:
        for offset in self._offsets(at, reach):
            shifted = np.round((points + at + offset) * 8).astype(np.int32)
            cv2.fillPoly(self.tile, [shifted], to_rgb8(color), cv2.LINE_AA, 3)

    def stroke(self, points: np.ndarray, color, thick: int, at: np.ndarray) -> None:
        reach = float(np.abs(points).max()) + thick
        for offset in self._offsets(at, reach):
            shifted = np.round((points + at + offset) * 8).astype(np.int32)
            cv2.polylines(
                self.tile, [shifted], False, to_rgb8(color), thick, cv2.LINE_AA, 3
            )

    def _offsets(self, at, reach):
        for dx in (-self.side, 0, self.side):
            for dy in (-self.side, 0, self.side):
                x, y = at[0] + dx, at[1] + dy
                if -reach < x < self.side + reach and -reach < y < self.side + reach:
                    yield np.array([dx, dy])


def _turn(points, angle):
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, s], [-s, c]])


def _petal(length, width, tip, count=9):
    """Outline of a petal from the origin along +x; tip < 1 is blunter."""
    return _unit_petal(round(float(tip), 1), count) * (length, width)


@functools.lru_cache(maxsize=64)
def _unit_petal(tip, count):
    t = np.linspace(0, 1, count)
    upper = np.stack([t, np.sin(np.pi * t**tip).clip(0) ** 0.8], 1)
    return np.concatenate([upper, upper[::-1] * (1, -1)])


def _leaf(brush, rng, at, size, angle, color):
    blade = _petal(size, size * rng.uniform(0.16, 0.3), rng.uniform(0.8, 1.1))
    # A leaf bends: shear its far end.
    blade[:, 1] += rng.uniform(-0.25, 0.25) * blade[:, 0] ** 2 / size
    brush.fill(_turn(blade, angle), color, size, at)
    if size > 14:
        rib = _turn(np.array([[0.1 * size, 0], [0.85 * size, 0]]), angle)
        brush.stroke(rib, shade(color, 14), 1, at)


def _blossom(brush, rng, at, size, color, heart):
    """One flower seen from above: petals in one or two rings, and a heart."""
    petals = int(rng.choice([5, 5, 6, 8, 12]))
    width = size * (1.45 / petals + 0.12) * rng.uniform(0.8, 1.1)
    tip = rng.uniform(0.85, 1.9) if petals < 8 else rng.uniform(0.9, 1.2)
    start = rng.uniform(0, 2 * np.pi)
    squash = np.array([1, rng.uniform(0.72, 1)])
    rings = ((1.0, 0),) if petals > 6 or size < 12 else ((1.0, 0), (0.62, 0.5))
    for reach, phase in rings:
        for number in range(petals):
            angle = start + (number + phase) * 2 * np.pi / petals
            length = size * reach * rng.uniform(0.9, 1.05)
            outline = _turn(_petal(length, width * reach, tip), angle) * squash
            tone = rng.uniform(-6, 6) - (8 if phase else 0)
            brush.fill(outline, shade(color, tone), size, at)
            if size > 16:
                inner = _turn(_petal(length * 0.55, width * 0.35, tip), angle) * squash
                brush.fill(inner, shade(color, tone - 11, 1.15), size, at)
    ring = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    disc = np.stack([np.cos(ring), np.sin(ring)], 1) * size
    brush.fill(disc * squash * rng.uniform(0.2, 0.28), heart, size, at)
    if size > 16:
        for _ in range(7):
            speck = disc * 0.045 + rng.normal(0, 0.09 * size, 2)
            brush.fill(speck, shade(heart, -22), size, at)


def _rose(brush, rng, at, size, color):
    """A double bloom: rings of overlapping petals, darker to the heart."""
    ring = np.linspace(0, 2 * np.pi, 22, endpoint=False)
    for step, reach in enumerate((1, 0.8, 0.62, 0.44, 0.26)):
        lobes = int(rng.integers(4, 7))
        wave = 1 + 0.13 * np.abs(np.sin(lobes / 2 * (ring + rng.uniform(0, 6))))
        outline = (
            np.stack([np.cos(ring), np.sin(ring)], 1) * (wave * reach * size)[:, None]
        )
        center = at + rng.normal(0, 0.05 * size, 2)
        tone = 7 - 6 * step + (5 if step % 2 else 0)
        brush.fill(outline, shade(color, tone, 1 + 0.06 * step), size * 1.3, center)
        if size > 12:
            brush.stroke(outline[:9], shade(color, tone - 14), 1, center)


def _spots(rng, side, pitch):
    """Jittered, staggered places about ``pitch`` apart that close on the torus."""
    count = max(1, round(side / pitch))
    rows = count + count % 2
    for row in range(rows):
        for column in range(count):
            x = (column + 0.5 * (row % 2) + rng.uniform(-0.26, 0.26)) / count
            y = (row + 0.5 + rng.uniform(-0.26, 0.26)) / rows
            yield np.array([x * side, y * side])


def _cluster(brush, rng, at, size, colors, greens, variant):
    heading = rng.uniform(0, 2 * np.pi)
    green = greens[int(rng.integers(len(greens)))]
    bend = rng.uniform(-0.7, 0.7)
    if variant != 'daisy':
        t = np.linspace(0, 1, 7)
        stem = np.stack([t, bend * t**2], 1) * size * rng.uniform(1.6, 2.4)
        stem = _turn(stem, heading)
        brush.stroke(stem, green, max(1, round(size * 0.09)), at)
        for joint in (2, 3, 4, 5, 6):
            side = heading + bend + rng.choice([-1, 1]) * rng.uniform(0.4, 1.1)
            reach = size * rng.uniform(0.55, 1.05)
            _leaf(
                brush,
                rng,
                at + stem[joint],
                reach,
                side,
                shade(green, rng.uniform(-7, 7)),
            )
        if rng.random() < 0.5:
            bud = colors[int(rng.integers(len(colors) - 1))]
            _blossom(brush, rng, at + stem[-1], size * 0.42, bud, colors[-1])
    color = colors[int(rng.integers(max(1, len(colors) - 1)))]
    if variant == 'rose' or (variant == 'bouquet' and rng.random() < 0.5):
        _rose(brush, rng, at, size * 0.85, color)
    else:
        _blossom(brush, rng, at, size, color, colors[-1])


@functools.lru_cache(maxsize=48)
def _floral_tile(variant: str, colors: tuple, scale: float, seed: int) -> np.ndarray:
    rng = stream(seed, 10)
    # Flower radius and spacing in garment widths.
    radius, pitch, period = {
        'liberty': (0.016, 0.05, 0.2),
        'daisy': (0.026, 0.085, 0.34),
        'bouquet': (0.042, 0.135, 0.54),
        'rose': (0.05, 0.17, 0.51),
        'tropical': (0.085, 0.26, 0.78),
    }[variant]
    side = round(period * scale * MASTER * _SUPERSAMPLE)
    brush = _Brush(side, colors[0])
    unit = scale * MASTER * _SUPERSAMPLE
    greens, blooms = colors[1:3], colors[3:]
    if variant in ('tropical', 'bouquet'):
        # Foliage behind the flowers, close to the ground in tone.
        for at in _spots(rng, side, pitch * unit * 0.62):
            for _ in range(3 if variant == 'tropical' else 1):
                green = shade(greens[int(rng.integers(2))], rng.uniform(-12, 4))
                size = radius * unit * rng.uniform(0.9, 1.7)
                _leaf(brush, rng, at, size, rng.uniform(0, 6.28), green)
    for at in _spots(rng, side, pitch * unit):
        size = radius * unit * rng.uniform(0.75, 1.15)
        _cluster(brush, rng, at, size, blooms, greens, variant)
    half = (side // _SUPERSAMPLE,) * 2
    return cv2.resize(brush.tile, half, interpolation=cv2.INTER_AREA)


def draw_floral(variant, colors, scale, seed, height, width):
    """Florals: 'liberty', 'daisy', 'bouquet', 'rose' or 'tropical'.

    ``colors``: ground, two greens, one or more flower colours, flower heart.
    """
    tile = _floral_tile(variant, tuple(colors), scale, seed)
    image = repeat_tile(tile, height, width).astype(np.float32) / 255
    # Printed dye soaks in unevenly.
    soak = smooth_noise(stream(seed, 11), height, width, 60)
    return image * (1 + 0.025 * soak)[..., None]
