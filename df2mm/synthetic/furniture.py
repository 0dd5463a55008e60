"""Things that stand in rooms, each a flat face seen straight on.

Faces are small (h, w, 3) float32 pictures for ``Stage.paint``.
"""

import cv2
import numpy as np

from df2mm.synthetic import surfaces
from df2mm.synthetic.colors import garment_color, shade
from df2mm.synthetic.noise import grid, smooth_noise

__all__ = [
    'bookshelf',
    'curtain',
    'door',
    'drawers',
    'framed',
    'plant',
    'rack',
    'window',
]


def _edge(image, top, left, bottom, right, depth=0.12, line=1):
    """Bevel a rectangle: lit above and left, dark below and right."""
    image[top : top + line, left:right] *= 1 + depth
    image[top:bottom, left : left + line] *= 1 + depth * 0.6
    image[bottom - line : bottom, left:right] *= 1 - 2 * depth
    image[top:bottom, right - line : right] *= 1 - 1.6 * depth


def door(rng, height=150, width=64):
    """A panelled or flush door in its frame, with a handle."""
    if rng.random() < 0.45:
        image = surfaces.wood(rng, height, width, planks=2)
    else:
        image = surfaces.plaster(rng, height, width)
        image = image * 0.5 + 0.5 * np.float32(rng.uniform(0.75, 0.97))
    frame = max(3, width // 14)
    rows = int(rng.integers(1, 4))
    step = (height - frame) / rows
    for row in range(rows):
        top = round(frame + row * step + step * 0.12)
        bottom = round(frame + (row + 1) * step - step * 0.1)
        left, right = frame + width // 9, width - frame - width // 9
        image[top:bottom, left:right] *= 0.96
        _edge(image, top, left, bottom, right, -0.12)
    _edge(image, frame, frame, height, width - frame, -0.2)
    cv2.circle(
        image,
        (width - frame * 3, height // 2),
        max(1, width // 26),
        (0.75, 0.7, 0.6),
        -1,
    )
    return image


def window(rng, height=110, width=100):
    """Bright panes over a washed-out outside, in a pale frame."""
    day = np.array([0.93, 0.97, 1.0], np.float32) * np.float32(rng.uniform(0.85, 1.05))
    outside = surfaces.foliage(rng, height, width, 10)
    _, y = grid(height, width)
    haze = np.clip(1.1 - y, 0.35, 1)[..., None]
    image = outside * (1 - haze) + day * haze
    bar = max(2, width // 28)
    columns, rows = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    pale = np.float32(rng.uniform(0.8, 0.95))
    for column in range(columns + 1):
        at = round(column * (width - bar) / columns)
        image[:, at : at + bar] = pale * (0.9 if column else 1)
    for row in range(rows + 1):
        at = round(row * (height - bar) / rows)
        image[at : at + bar] = pale
    return image


def curtain(rng, height=140, width=60, color=None):
    """Hanging folds."""
    color = garment_color(rng) if color is None else color
    color = np.asarray(shade(color, 6, 0.7), np.float32)
    x, _ = grid(height, width)
    bend = smooth_noise(rng, height, width, 3, 0.6)
    wave = np.sin(x * rng.uniform(24, 46) + 1.1 * bend)
    field = 0.82 + 0.16 * wave + 0.05 * np.sin(x * 91 + 2 * bend)
    return color * field[..., None].astype(np.float32)


def drawers(rng, height=90, width=90):
    """The front of a cupboard, a chest of drawers or a wardrobe."""
    if rng.random() < 0.5:
        image = surfaces.wood(rng, height, width, planks=1)
    else:
        image = surfaces.plaster(rng, height, width, rough=0.004)
    columns, rows = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    metal = np.float32(rng.uniform(0.2, 0.85))
    for row in range(rows):
        for column in range(columns):
            top, bottom = (round(height * (row + i) / rows) for i in (0, 1))
            left, right = (round(width * (column + i) / columns) for i in (0, 1))
            _edge(image, top + 1, left + 1, bottom - 1, right - 1, 0.1)
            image[top : top + 1, left:right] *= 0.5
            image[top:bottom, left : left + 1] *= 0.5
            middle = (top + bottom) // 2, (left + right) // 2
            reach = max(1, (right - left) // 10)
            image[middle[0] : middle[0] + 2, middle[1] - reach : middle[1] + reach] = (
                metal
            )
    return image


def bookshelf(rng, height=140, width=80):
    """Boards with books, boxes and gaps."""
    image = surfaces.wood(rng, height, width, planks=1)
    inside = image.mean((0, 1)) * 0.4
    rows = int(rng.integers(3, 6))
    spines = np.array([shade(garment_color(rng), 0, 0.8) for _ in range(9)], np.float32)
    for row in range(rows):
        top, bottom = (round(height * (row + i) / rows) + 2 for i in (0, 1))
        bottom = min(bottom - 2, height)
        image[top:bottom, 3:-3] = inside
        left = 3
        while left < width - 5:
            thick = int(
                rng.integers(2, 7) if rng.random() < 0.8 else rng.integers(8, 20)
            )
            right = min(left + thick, width - 3)
            if rng.random() < 0.85:
                tall = rng.uniform(0.5, 0.92) * (bottom - top)
                color = spines[int(rng.integers(9))]
                spine = image[round(bottom - tall) : bottom, left:right]
                spine[:] = color * np.float32(rng.uniform(0.75, 1))
                spine[:, -1:] *= 0.6
            left = right
        image[top : top + 3, 3:-3] *= 0.6
    return image


def framed(rng, height=60, width=50):
    """A picture, a poster or a mirror in a frame."""
    bar = int(rng.integers(2, 5))
    if rng.random() < 0.25:
        x, y = grid(height, width)
        image = np.float32(0.72) + 0.12 * (x + y)[..., None] * np.ones(3, np.float32)
    else:
        image = surfaces.picture(rng, height, width)
        if rng.random() < 0.5:
            mat = np.float32(rng.uniform(0.85, 0.96))
            border = max(3, width // 8)
            image[:border], image[-border:] = mat, mat
            image[:, :border], image[:, -border:] = mat, mat
    tone = np.float32(rng.choice([0.1, 0.2, 0.9, 0.5]))
    image[:bar], image[-bar:], image[:, :bar], image[:, -bar:] = (tone,) * 4
    return image.astype(np.float32)


def plant(rng, height=110, width=80):
    """Leaves on stems over a pot: picture and coverage."""
    image = np.zeros((height, width, 3), np.uint8)
    alpha = np.zeros((height, width), np.uint8)
    base = np.array([width / 2, height * 0.72])
    green = shade((0.3, 0.44, 0.22), rng.normal(0, 8))
    for _ in range(int(rng.integers(16, 40))):
        angle = rng.normal(-np.pi / 2, 0.75)
        reach = height * rng.uniform(0.25, 0.68)
        tip = base + reach * np.array([np.cos(angle) * width / height, np.sin(angle)])
        bend = np.array([0, rng.uniform(0, 0.12) * height])
        middle = (base + tip) / 2 - bend
        across = np.array([-(tip - base)[1], (tip - base)[0]]) * rng.uniform(0.05, 0.14)
        leaf = np.array([base, middle + across, tip, middle - across])
        color = [round(255 * c) for c in shade(green, rng.uniform(-22, 18))]
        points = [np.round(leaf * 8).astype(np.int32)]
        cv2.fillPoly(image, points, color, cv2.LINE_AA, 3)
        cv2.fillPoly(alpha, points, 255, cv2.LINE_AA, 3)
    pot = np.array([[0.3, 0.7], [0.7, 0.7], [0.64, 1], [0.36, 1]]) * [width, height]
    color = [round(255 * c) for c in surfaces.wall_color(rng) * 0.85]
    points = [np.round(pot * 8).astype(np.int32)]
    cv2.fillPoly(image, points, color, cv2.LINE_AA, 3)
    cv2.fillPoly(alpha, points, 255, cv2.LINE_AA, 3)
    x, _ = grid(height, width)
    out = image.astype(np.float32) / 255
    out[round(height * 0.7) :] *= (1.15 - 0.5 * x)[..., None]
    return out, alpha.astype(np.float32) / 255


def rack(rng, height=90, width=160):
    """Clothes on a rail far off: narrow sleeves of colour, out of focus."""
    image = np.empty((height, width, 3), np.float32)
    image[:] = surfaces.wall_color(rng) * 0.6
    left = 0
    while left < width:
        thick = int(rng.integers(3, 9))
        color = np.asarray(garment_color(rng), np.float32)
        bottom = round(height * rng.uniform(0.6, 0.95))
        strip = image[6:bottom, left : left + thick]
        lit = np.linspace(1.05, 0.55, strip.shape[1], dtype=np.float32)
        strip[:] = color * lit[None, :, None]
        left += thick
    image[2:5] = 0.55
    return cv2.GaussianBlur(image, (0, 0), 1.3)
