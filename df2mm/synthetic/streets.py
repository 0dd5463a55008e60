"""Outdoors: streets between houses, and parks."""

import cv2
import numpy as np

from df2mm.synthetic import surfaces
from df2mm.synthetic.colors import garment_color, shade
from df2mm.synthetic.noise import fractal_noise, grid, smooth_noise
from df2mm.synthetic.stage import Stage

__all__ = ['lights', 'park', 'street']


def _sky(rng, height, width):
    blue = np.array([0.55, 0.72, 0.93], np.float32)
    pale = np.array([0.9, 0.93, 0.96], np.float32)
    grey = np.float32(rng.random())
    # Clouds are soft: a small picture of them will do.
    small = (48, max(2, round(48 * width / height)))
    _, y = grid(*small)
    cloud = np.clip(fractal_noise(rng, *small, 2.5, 3) * 0.5 + grey, 0, 1)
    fade = np.clip(cloud + y * 0.6, 0, 1)[..., None]
    sky = (blue + fade * (pale - blue)).astype(np.float32)
    return cv2.resize(sky, (width, height), interpolation=cv2.INTER_LINEAR)


def _facade(rng, height=150, width=220):
    """A house front: rows of windows over shop windows and a sign."""
    choice = rng.random()
    if choice < 0.4:
        image = surfaces.brick(rng, height, width, across=34)
    elif choice < 0.8:
        image = surfaces.plaster(rng, height, width)
    else:
        image = surfaces.tiles(rng, height, width, across=14)
    columns, rows = int(rng.integers(4, 9)), int(rng.integers(2, 4))
    ground = round(height * 0.68)
    glass = np.array([0.25, 0.3, 0.36], np.float32) * np.float32(rng.uniform(0.6, 1.5))
    step_x, step_y = width / columns, ground / rows
    trim = np.float32(rng.uniform(0.5, 0.95))
    for row in range(rows):
        for column in range(columns):
            left, top = round((column + 0.25) * step_x), round((row + 0.22) * step_y)
            right, bottom = (
                round((column + 0.75) * step_x),
                round((row + 0.85) * step_y),
            )
            image[top - 2 : bottom + 2, left - 2 : right + 2] = trim
            pane = image[top:bottom, left:right]
            lit = np.linspace(1.5, 0.7, pane.shape[0], dtype=np.float32)
            pane[:] = glass * lit[:, None, None] * np.float32(rng.uniform(0.7, 1.5))
            pane[:, pane.shape[1] // 2] = trim
    _shopfront(rng, image, ground)
    return image


def _shopfront(rng, image, ground):
    height, width = image.shape[:2]
    left = 0
    while left < width - 10:
        right = min(width, left + int(rng.integers(36, 80)))
        color = np.asarray(shade(garment_color(rng), 0, 0.8), np.float32)
        image[ground : ground + 9, left + 1 : right - 1] = color
        image[ground + 9 :, left + 1 : right - 1] = color * 0.7
        pane = image[ground + 11 : height - 6, left + 4 : right - 4]
        glow = np.float32(rng.uniform(0.15, 0.9)) * np.array([1, 0.93, 0.8], np.float32)
        inside = smooth_noise(rng, *pane.shape[:2], 7)
        pane[:] = glow * np.clip(0.8 + 0.1 * inside, 0.3, 1.1)[..., None]
        if rng.random() < 0.5:
            # Letters on the sign, too small to read.
            mark = image[ground + 3 : ground + 6, left + 8 : right - 8]
            mark[:, rng.random(mark.shape[1]) < 0.55] = np.float32(
                rng.choice([0.1, 0.95])
            )
        left = right


def _car(rng, height=60, width=150):
    """A car from the side: picture and coverage."""
    image = np.zeros((height, width, 3), np.uint8)
    alpha = np.zeros((height, width), np.uint8)
    unit = np.array([width, height])
    paint = shade(garment_color(rng), 0, 0.9)
    body = np.array(
        [
            [0.02, 0.55],
            [0.2, 0.47],
            [0.33, 0.16],
            [0.7, 0.14],
            [0.86, 0.45],
            [0.98, 0.55],
            [0.98, 0.82],
            [0.02, 0.82],
        ]
    )
    panes = np.array([[0.26, 0.45], [0.36, 0.21], [0.68, 0.2], [0.8, 0.45]])
    for outline, color in ((body, paint), (panes, (0.16, 0.19, 0.22))):
        points = [np.round(outline * unit * 8).astype(np.int32)]
        cv2.fillPoly(image, points, [round(255 * c) for c in color], cv2.LINE_AA, 3)
        cv2.fillPoly(alpha, points, 255, cv2.LINE_AA, 3)
    for x in (0.2, 0.8):
        center = (round(x * width), round(0.8 * height))
        for radius, tone in ((0.19, 18), (0.1, 130)):
            cv2.circle(
                image, center, round(radius * height), (tone,) * 3, -1, cv2.LINE_AA
            )
            cv2.circle(alpha, center, round(radius * height), 255, -1, cv2.LINE_AA)
    out = image.astype(np.float32) / 255
    _, y = grid(height, width)
    out *= (1.25 - 1.2 * y)[..., None]
    return out, alpha.astype(np.float32) / 255


def _crown(rng, height=120, width=110):
    """A tree: picture and coverage."""
    image = surfaces.foliage(rng, height, width, 12)
    x, y = grid(height, width)
    ragged = fractal_noise(rng, height, width, 6, 3, 0.7)
    radius = ((x - 0.5) / 0.42) ** 2 + ((y - 0.36) / 0.36) ** 2
    alpha = np.clip((1 - radius + 0.3 * ragged) * 5, 0, 1)
    trunk = (np.abs(x - 0.5) < 0.035) & (y > 0.4)
    trunk = trunk & (alpha < 0.6)
    image[trunk] = np.array([0.25, 0.2, 0.16], np.float32)
    return image, np.maximum(alpha, trunk).astype(np.float32)


def _stand(rng, height, width):
    return Stage(
        height,
        width,
        eye=rng.uniform(1.0, 1.6),
        yaw=rng.normal(0, 0.35),
        pitch=rng.normal(-0.04, 0.05),
        roll=rng.normal(0, 0.02),
        focal=rng.uniform(1.0, 1.8),
    )


def _defocus(rng, image, low, high):
    # A long lens keeps the person sharp and loses the street behind.
    sigma = rng.uniform(low, high) * image.shape[1] / 468
    return cv2.GaussianBlur(image, (0, 0), max(0.3, sigma))


def street(rng, height, width):
    """A pavement between house fronts, out of focus."""
    stage = _stand(rng, height, width)
    far, tall = rng.uniform(18, 40), rng.uniform(7, 12)
    left, right = -rng.uniform(2, 5), rng.uniform(3, 9)
    stage.image[:] = _sky(rng, *stage.image.shape[:2])
    houses = [_facade(rng) for _ in range(3)]
    stage.paint(
        houses[2],
        (left - 10, tall, far),
        (right - left + 20, 0, 0),
        (0, -tall, 0),
        0.9,
    )
    grey = np.float32(rng.uniform(0.35, 0.6))
    road = surfaces.speckle(
        rng, 200, 160, grey * np.array([1, 0.99, 0.97], np.float32), 70, 0.05
    )
    stage.paint(road, (left - 10, 0, far), (right - left + 20, 0, 0), (0, 0, -far - 1))
    if rng.random() < 0.75:
        slabs = surfaces.tiles(
            rng,
            320,
            128,
            across=int(rng.integers(3, 7)),
            color=grey * 1.15 * np.ones(3),
            mixed=False,
        )
        edge = rng.uniform(0.5, 2.0)
        stage.paint(
            slabs, (left, 0.0, far * 0.6), (edge - left, 0, 0), (0, 0, -far * 0.6 - 1)
        )
        kerb = np.full(3, 0.62, np.float32)
        stage.paint(kerb, (edge, 0.005, far), (0.18, 0, 0), (0, 0, -far - 1))
    light = np.float32(rng.uniform(0.6, 0.95)), np.float32(rng.uniform(0.8, 1.1))
    run = rng.uniform(8, 14)
    for x, dim, turn in ((left, light[0], 1), (right, light[1], -1)):
        z = -1.0
        while z < far:
            start = z if turn > 0 else z + run
            stage.paint(
                houses[int(rng.integers(3))] * dim,
                (x, tall, start),
                (0, 0, turn * run),
                (0, -tall, 0),
            )
            z += run
    for _ in range(int(rng.integers(0, 4))):
        image, alpha = _car(rng)
        x, z = rng.uniform(left + 1, right - 2), rng.uniform(7, far * 0.7)
        foot = [
            (x, 0, z - 0.5),
            (x + 4, 0, z - 0.5),
            (x + 4, 0, z + 0.6),
            (x, 0, z + 0.6),
        ]
        stage.darken(foot, 0.5, width / 60)
        stage.paint(image, (x, 1.5, z), (4, 0, 0), (0, -1.5, 0), alpha=alpha)
    for _ in range(int(rng.integers(0, 4))):
        image, alpha = _crown(rng)
        h, z = rng.uniform(4, 7), rng.uniform(6, far * 0.7)
        stage.paint(
            image,
            (rng.choice([left, right]) - h * 0.45, h, z),
            (h * 0.9, 0, 0),
            (0, -h, 0),
            alpha=alpha,
        )
    return _defocus(rng, stage.image, 0.6, 4.0)


def park(rng, height, width):
    """Grass, a path and trees, out of focus."""
    stage = _stand(rng, height, width)
    far = rng.uniform(12, 25)
    stage.image[:] = _sky(rng, *stage.image.shape[:2])
    hedge = surfaces.foliage(rng, 90, 300, 26)
    hedge = np.concatenate([hedge, hedge[:, ::-1]] * 2, 1) * np.float32(0.8)
    stage.paint(hedge, (-70, rng.uniform(3, 7), far), (140, 0, 0), (0, -7, 0))
    grass = surfaces.foliage(rng, 256, 256, 60) * 0.5 + np.array(
        [0.2, 0.26, 0.11], np.float32
    )
    stage.paint(grass, (-40, 0, far), (80, 0, 0), (0, 0, -far - 1))
    if rng.random() < 0.7:
        path = surfaces.speckle(
            rng, 200, 100, np.array([0.66, 0.61, 0.54], np.float32), 60
        )
        w, x = rng.uniform(1.5, 4), rng.uniform(-2.5, 0)
        stage.paint(path, (x, 0.01, far), (w, 0, 0), (0, 0, -far - 1))
    for _ in range(int(rng.integers(2, 7))):
        image, alpha = _crown(rng)
        h, z = rng.uniform(3, 8), rng.uniform(4, far)
        x = rng.uniform(-7, 7)
        stage.paint(image, (x, h, z), (h * 0.9, 0, 0), (0, -h, 0), alpha=alpha)
    return _defocus(rng, stage.image, 0.8, 4.5)


def lights(rng, height, width):
    """An evening street so far out of focus that lamps become discs."""
    _, y = grid(height, width)
    base = np.array(shade(garment_color(rng), -20, 0.6), np.float32) * 0.35 + 0.04
    field = 1 + 0.35 * smooth_noise(rng, height, width, 2.5)
    image = base * (field * (1.2 - 0.5 * y / (height / width)))[..., None]
    layer = np.zeros((height, width, 3), np.uint8)
    for _ in range(int(rng.integers(18, 50))):
        center = (int(rng.integers(0, width)), int(rng.normal(0.4, 0.2) * height))
        radius = max(2, round(width * rng.uniform(0.012, 0.05)))
        warm = np.array([1, rng.uniform(0.55, 0.95), rng.uniform(0.25, 0.9)])
        color = [round(float(c)) for c in rng.uniform(60, 190) * warm]
        disc = np.zeros_like(layer)
        cv2.circle(disc, center, radius, color, -1, cv2.LINE_AA)
        layer = cv2.add(layer, disc)
    glow = layer.astype(np.float32) / 255
    image = image + cv2.GaussianBlur(glow, (0, 0), max(0.4, width / 350))
    return np.minimum(image, 1.2)
