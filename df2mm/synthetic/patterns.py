"""Geometric and organic all-over patterns, in units of the garment's width.

Every ``draw_*`` takes (variant, colors, scale, seed, height, width) and
returns display RGB, (height, width, 3) float32. ``colors[0]`` covers most.
"""

import functools

import cv2
import numpy as np

from df2mm.synthetic.colors import to_rgb8
from df2mm.synthetic.noise import fractal_noise, grid, smooth_noise, stream
from df2mm.synthetic.weaves import MASTER, repeat_tile

__all__ = [
    'draw_animal',
    'draw_blocks',
    'draw_camouflage',
    'draw_checks',
    'draw_dots',
    'draw_dye',
    'draw_stripes',
]

_OVERSAMPLE = 8


def _bands(sequence, colors, count: int, width: int) -> np.ndarray:
    """Return (count, 3): repeated bands of colour, each pixel averaged.

    Args:
        sequence (list): (extent in garment widths, colour index) pairs.
        colors (sequence): Display RGB.
        count (int): Pixels along the axis.
        width (int): Pixels of one garment width.
    """
    ends = np.cumsum([extent for extent, _ in sequence])
    index = np.array([color for _, color in sequence])
    at = (np.arange(count * _OVERSAMPLE) + 0.5) / (_OVERSAMPLE * width)
    which = np.searchsorted(ends, at % ends[-1], side='right')
    which = index[np.minimum(which, len(index) - 1)]
    table = np.asarray(colors, np.float32)
    return table[which].reshape(count, _OVERSAMPLE, 3).mean(1)


def _stripe_sequence(variant, scale, rng, count):
    unit = 0.032 * scale
    if variant == 'breton':
        return [(unit * rng.uniform(1.1, 2.2), 0), (unit * rng.uniform(0.5, 1), 1)]
    if variant == 'pin':
        return [(unit * rng.uniform(0.6, 1.2), 0), (0.0038, 1)]
    if variant == 'even':
        return [(unit, 0), (unit, 1)]
    if variant == 'wide':
        return [(unit * 4, 0), (unit * rng.uniform(2.4, 4), 1)]
    # 'multi': unequal bands of all colours between stretches of the ground.
    sequence = []
    for _ in range(int(rng.integers(2, 5))):
        sequence.append((unit * rng.uniform(1, 3.2), 0))
        sequence.append((unit * rng.uniform(0.3, 1.4), int(rng.integers(1, count))))
    return sequence


def draw_stripes(variant, colors, scale, seed, height, width):
    """Stripes: variant is 'DIRECTION-STYLE', e.g. 'across-breton'."""
    rng = stream(seed, 10)
    direction, style = variant.split('-')
    sequence = _stripe_sequence(style, scale, rng, len(colors))
    if direction == 'down':
        row = _bands(sequence, colors, width, width)
        return np.ascontiguousarray(
            np.broadcast_to(row[None], (height, width, 3)), np.float32
        )
    if direction == 'across':
        column = _bands(sequence, colors, height, width)
        return np.ascontiguousarray(
            np.broadcast_to(column[:, None], (height, width, 3)), np.float32
        )
    # 'bias': cut at an angle.
    angle = np.float32(rng.uniform(0.5, 1.1) * rng.choice([-1, 1]))
    x, y = grid(height, width)
    length = int(2 * (height + width))
    table = _bands(sequence, colors, length, width)
    at = (x * np.sin(angle) + y * np.cos(angle)) * width + (height + width) / 2
    return _lookup(table, at)


def _lookup(table, at):
    at = np.ascontiguousarray(at, np.float32)
    line = np.ascontiguousarray(table[None], np.float32)
    if line.shape[1] < 30000:
        return cv2.remap(
            line, at, np.zeros_like(at), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
    return table[np.clip(at, 0, len(table) - 1).astype(np.int64)]


def _tartan_sequence(rng, scale, count):
    half = []
    unit = 0.012 * scale
    half.append((unit * rng.uniform(4, 7), 0))
    for _ in range(int(rng.integers(2, 5))):
        half.append((unit * rng.uniform(0.4, 3), int(rng.integers(1, count))))
        half.append((unit * rng.uniform(0.8, 4), 0))
    return half + half[::-1]


def draw_checks(variant, colors, scale, seed, height, width):
    """Checks: 'gingham', 'buffalo', 'tartan', 'windowpane' or 'graph'."""
    rng = stream(seed, 10)
    if variant == 'tartan':
        sequence = _tartan_sequence(rng, scale, len(colors))
    elif variant in ('windowpane', 'graph'):
        pane = 0.075 * scale if variant == 'windowpane' else 0.03 * scale
        line = 0.007 if variant == 'windowpane' else 0.0042
        sequence = [(pane, 0), (line * rng.uniform(0.8, 1.4), 1)]
    else:
        unit = (0.02 if variant == 'gingham' else 0.07) * scale
        sequence = [(unit, 0), (unit, 1)]
    row = _bands(sequence, colors, width, width)[None]
    column = _bands(sequence, colors, height, width)[:, None]
    if variant in ('windowpane', 'graph'):
        # A line crosses the ground at full strength in either direction.
        ground = np.asarray(colors[0], np.float32)
        return row + column - ground
    image = 0.5 * (row + column)
    if variant == 'tartan':
        # Warp and weft alternate along the twill's diagonal.
        x, y = grid(height, width)
        gain = np.float32(0.3 * np.clip((width / 75 - 1.6) / 1.4, 0, 1))
        twill = gain * np.cos((x - y) * np.float32(2 * np.pi * 75))
        image = image + twill[..., None] * (row - column)
    return image


def draw_dots(variant, colors, scale, seed, height, width):
    """Dots: 'polka' (staggered), 'pin' (tiny) or 'scatter' (all sizes)."""
    rng = stream(seed, 10)
    pitch = {'polka': 0.085, 'pin': 0.035, 'scatter': 0.5}[variant] * scale
    side = max(12, round(min(pitch, 0.9) * MASTER))
    tile = np.full((side, side, 3), to_rgb8(colors[0]), np.uint8)
    if variant == 'scatter':
        spots = [
            (*rng.uniform(0, side, 2), MASTER * scale * rng.uniform(0.006, 0.026))
            for _ in range(46)
        ]
    else:
        radius = side * rng.uniform(0.13, 0.24)
        spots = [(0.0, 0.0, radius), (side / 2, side / 2, radius)]
    for number, (x, y, radius) in enumerate(spots):
        color = to_rgb8(colors[1 + number % (len(colors) - 1)])
        if variant != 'scatter':
            color = to_rgb8(colors[1])
        for dx in (-side, 0, side):
            for dy in (-side, 0, side):
                center = (round((x + dx) * 16), round((y + dy) * 16))
                cv2.circle(tile, center, round(radius * 16), color, -1, cv2.LINE_AA, 4)
    return repeat_tile(tile, height, width).astype(np.float32) / 255


def _mix(image, color, alpha):
    color = np.asarray(color, np.float32)
    image += alpha[..., None] * (color - image)


def _edge(field, level, width, cells):
    # A one-pixel transition, whatever the slope of the noise.
    slope = np.float32(width / cells * 0.7)
    return np.clip((field - level) * slope + 0.5, 0, 1)


def _blobs(seed, layer, height, width, cells, octaves, gain):
    """Fractal noise whose finest grain is blobs: half the size is enough."""
    small = (max(1, height // 2), max(1, width // 2))
    field = fractal_noise(stream(seed, layer), *small, cells, octaves, gain)
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)


def draw_camouflage(variant, colors, scale, seed, height, width):
    """Camouflage: 'woodland' blobs or 'digital' blocks, four colours."""
    cells = 7 / scale
    if variant == 'digital':
        step = max(1, round(width * 0.012 * scale))
        small = (-(-height // step), -(-width // step))
    else:
        small = (height, width)
    image = np.empty((*small, 3), np.float32)
    image[:] = colors[0]
    for layer, color in enumerate(colors[1:]):
        field = _blobs(seed, 10 + layer, *small, cells, 3, 0.55)
        _mix(image, color, _edge(field, 0.5 + 0.14 * layer, small[1], cells))
    if variant == 'digital':
        image = np.repeat(np.repeat(image, step, 0), step, 1)[:height, :width]
    return image


@functools.lru_cache(maxsize=16)
def _leopard_tile(colors, scale, seed):
    rng = stream(seed, 10)
    side = round(0.46 * MASTER)
    tile = np.full((side, side, 3), to_rgb8(colors[0]), np.uint8)
    pitch = max(13, round(26 * scale))
    count = max(2, round(side / pitch))
    for row in range(count):
        for column in range(count):
            # Staggered and jittered: spots keep apart but never line up.
            x = (column + 0.5 * (row % 2) + rng.uniform(-0.25, 0.25)) * side / count
            y = (row + rng.uniform(-0.25, 0.25)) * side / count
            _rosette(tile, rng, x, y, side / count * rng.uniform(0.27, 0.42), colors)
    return tile


def _rosette(tile, rng, x, y, radius, colors):
    side = tile.shape[0]
    turn = np.sort(rng.uniform(0, 2 * np.pi) + np.linspace(0, 2 * np.pi, 13)[:-1])
    ring = radius * rng.uniform(0.72, 1.2, 12)
    stretch = rng.uniform(0.75, 1.3)
    outline = np.stack([ring * np.cos(turn) * stretch, ring * np.sin(turn)], 1)
    gap = int(rng.integers(0, 12))
    arcs = [np.arange(gap + 1, gap + 6) % 12, np.arange(gap + 7, gap + 12) % 12]
    thick = max(2, round(radius * 0.5))
    for dx in (-side, 0, side):
        for dy in (-side, 0, side):
            at = np.array([x + dx, y + dy])
            if np.any(at < -2 * radius) or np.any(at > side + 2 * radius):
                continue
            points = np.round((outline + at) * 8).astype(np.int32)
            cv2.fillPoly(tile, [points], to_rgb8(colors[1]), cv2.LINE_AA, 3)
            for arc in arcs:
                cv2.polylines(
                    tile,
                    [points[arc]],
                    False,
                    to_rgb8(colors[2]),
                    thick,
                    cv2.LINE_AA,
                    3,
                )


def draw_animal(variant, colors, scale, seed, height, width):
    """Animal skins: 'leopard', 'zebra', 'cow' or 'snake'."""
    if variant == 'leopard':
        tile = _leopard_tile(colors, scale, seed)
        return repeat_tile(tile, height, width).astype(np.float32) / 255
    image = np.empty((height, width, 3), np.float32)
    image[:] = colors[0]
    if variant == 'cow':
        field = _blobs(seed, 10, height, width, 4 / scale, 2, 0.4)
        _mix(image, colors[2], _edge(field, 0.55, width, 4 / scale))
        return image
    x, y = grid(height, width)
    if variant == 'zebra':
        bend = smooth_noise(stream(seed, 10), height, width, 3 / scale, 4 / scale)
        fork = smooth_noise(stream(seed, 11), height, width, 9 / scale)
        wave = np.sin((y + 0.25 * x + 0.045 * scale * bend) * (58 / scale))
        _mix(image, colors[2], _edge(wave + 0.35 * fork, 0.15, width, 9 / scale))
        return image
    # 'snake': scales on a diamond lattice, darker in broad saddles.
    saddle = _blobs(seed, 10, height, width, 6 / scale, 2, 0.5)
    _mix(image, colors[1], _edge(saddle, 0.1, width, 14) * 0.8)
    _mix(image, colors[2], _edge(saddle, 0.9, width, 14) * 0.9)
    gain = np.float32(np.clip((width / 60 - 1.6) / 1.4, 0, 1))
    lattice = np.cos((x + y) * 190 / scale) * np.cos((x - y) * 190 / scale)
    return image * (1 + 0.16 * gain * lattice)[..., None]


def draw_dye(variant, colors, scale, seed, height, width):
    """Dyed cloth: 'ombre' (down the garment), 'spiral', 'cloud' or 'shibori'."""
    x, y = grid(height, width)
    rough = _blobs(seed, 10, height, width, 7 / scale, 3, 0.6)
    if variant == 'ombre':
        at = y / np.float32(height / width) + 0.02 * rough
    elif variant == 'spiral':
        dx, dy = x - 0.5, y - 0.42
        angle = np.arctan2(dy, dx) / np.float32(2 * np.pi)
        radius = np.sqrt(dx**2 + dy**2)
        at = angle * 3 + radius * np.float32(3.2 / scale) + 0.07 * rough
    elif variant == 'shibori':
        at = np.abs(np.sin((y + 0.02 * rough) * (22 / scale))) * 0.55 + 0.12 * rough
    else:
        at = 0.32 + 0.3 * rough
    if variant == 'spiral':
        at = 1 - np.abs((at % 1) * 2 - 1)
    table = np.asarray(colors, np.float32)
    stops = np.linspace(0, len(table) - 1, 256)
    low = np.minimum(stops.astype(int), len(table) - 2)
    part = stops - low
    part = (part * part * (3 - 2 * part))[:, None]
    table = table[low] * (1 - part) + table[low + 1] * part
    at = np.broadcast_to(at, (height, width))
    return _lookup(table, np.clip(at, 0, 1) * 255)


def draw_blocks(variant, colors, scale, seed, height, width):
    """Colour blocks: 'chest', 'halves', 'thirds', 'sides' or 'diagonal'."""
    rng = stream(seed, 10)
    x, y = grid(height, width)
    v = y / np.float32(height / width)
    image = np.empty((height, width, 3), np.float32)
    image[:] = colors[0]
    sharp = np.float32(width)

    def band(value, low, high):
        return np.clip((value - low) * sharp, 0, 1) * np.clip(
            (high - value) * sharp, 0, 1
        )

    flat = np.ones((height, width), np.float32)
    if variant == 'chest':
        top = rng.uniform(0.22, 0.4)
        _mix(image, colors[1], flat * band(v, top, top + rng.uniform(0.1, 0.22)))
    elif variant == 'halves':
        _mix(image, colors[1], flat * band(v, -1, rng.uniform(0.3, 0.42)))
    elif variant == 'thirds':
        _mix(image, colors[1], flat * band(v, -1, 0.3))
        _mix(image, colors[-1], flat * band(v, 0.66, 2))
    elif variant == 'sides':
        edge = rng.uniform(0.14, 0.24)
        _mix(
            image, colors[1], flat * np.maximum(band(x, -1, edge), band(x, 1 - edge, 2))
        )
    else:
        slope = rng.uniform(0.4, 0.9) * rng.choice([-1, 1])
        _mix(image, colors[1], flat * band(v + slope * (x - 0.5), -2, 0.38))
    return image
