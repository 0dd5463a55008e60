"""Rooms: a stage with floor, walls and furniture under one light."""

import cv2
import numpy as np

from df2mm.synthetic import furniture, surfaces
from df2mm.synthetic.colors import garment_color, shade
from df2mm.synthetic.stage import Stage

__all__ = ['room', 'shop_interior']


def _floor(rng):
    choice = rng.random()
    if choice < 0.5:
        texture = surfaces.wood(rng, 320, 200, planks=int(rng.integers(10, 20)))
        return texture if rng.random() < 0.6 else cv2.transpose(texture)
    if choice < 0.7:
        return surfaces.tiles(rng, 256, 256, across=int(rng.integers(6, 13)))
    if choice < 0.88:
        return surfaces.carpet(rng, 200, 200, cells=95)
    return surfaces.speckle(rng, 160, 160, surfaces.wall_color(rng) * 0.8, 60, 0.03)


def _upright(x, top, z, w, h):
    """Corners of a rectangle that faces the camera."""
    return [(x, top, z), (x + w, top, z), (x + w, top - h, z), (x, top - h, z)]


def _lying(x, z, w, d):
    """Corners of a rectangle on the floor."""
    return [(x, 0, z), (x + w, 0, z), (x + w, 0, z + d), (x, 0, z + d)]


def _shell(rng, stage, depth, left, right, ceiling, wall, floor):
    """Floor, ceiling, walls, skirting board and the shadows in the corners."""
    span, run = right - left, depth + 1
    dim = rng.uniform(0.78, 0.95), rng.uniform(0.86, 1.04)
    stage.paint(floor, (left, 0, depth), (span, 0, 0), (0, 0, -run))
    white = np.full(3, rng.uniform(0.78, 0.93), np.float32)
    stage.paint(white, (left, ceiling, depth), (span, 0, 0), (0, 0, -run))
    stage.paint(wall, (left, ceiling, depth), (span, 0, 0), (0, -ceiling, 0))
    sides = (
        (np.float32(dim[0]), left, -1.0, run),
        (np.float32(dim[1]), right, depth, -run),
    )
    for tone, x, z, reach in sides:
        stage.paint(wall * tone, (x, ceiling, z), (0, 0, reach), (0, -ceiling, 0))
    unit = stage.image.shape[1] / 30
    if rng.random() < 0.8:
        board = np.full(3, rng.uniform(0.6, 0.95), np.float32) * rng.choice([1.0, 0.45])
        tall = rng.uniform(0.06, 0.12)
        stage.paint(board, (left, tall, depth - 0.02), (span, 0, 0), (0, -tall, 0))
        for tone, x, z, reach in sides:
            x -= 0.02 * np.sign(x)
            stage.paint(board * tone, (x, tall, z), (0, 0, reach), (0, -tall, 0))
    stage.darken(_lying(left, depth - 0.35, span, 0.35), 0.3, unit)
    stage.darken(_upright(left, ceiling, depth, span, 0.25), 0.1, unit)
    for x in (left, right):
        stage.darken(_upright(x - 0.25, ceiling, depth, 0.5, ceiling), 0.15, unit * 1.5)


def _hang(rng, stage, depth, left, right):
    """Things on the back wall: door, window with curtains, pictures."""
    z = depth - 0.03
    choice = rng.random()
    unit = stage.image.shape[1] / 90
    taken = (0.0, 0.0)
    if choice < 0.4:
        x = rng.uniform(left, right - 0.9)
        taken = (x - 0.1, x + 1)
        stage.darken(_upright(x - 0.1, 2.14, z, 1.1, 2.14), 0.25, unit)
        frame = np.full(3, rng.uniform(0.7, 0.95), np.float32)
        stage.paint(frame, (x - 0.07, 2.1, z), (1.04, 0, 0), (0, -2.1, 0))
        stage.paint(furniture.door(rng), (x, 2.03, z), (0.9, 0, 0), (0, -2.03, 0))
    elif choice < 0.75:
        taken = _window(rng, stage, z, left, right)
    for _ in range(int(rng.integers(0, 4))):
        w = rng.uniform(0.25, 0.8)
        h = w * rng.uniform(0.7, 1.5)
        x, top = rng.uniform(left, right - w), rng.uniform(1.6, 2.2)
        if taken[0] < x + w and x < taken[1]:
            continue
        stage.darken(_upright(x, top, z, w + 0.05, h + 0.06), 0.3, unit)
        stage.paint(furniture.framed(rng), (x, top, z), (w, 0, 0), (0, -h, 0))


def _window(rng, stage, z, left, right):
    w, h = rng.uniform(0.9, 1.8), rng.uniform(1.0, 1.6)
    x, top = rng.uniform(left, max(left + 0.1, right - w)), rng.uniform(2.1, 2.4)
    stage.paint(furniture.window(rng), (x, top, z), (w, 0, 0), (0, -h, 0))
    if rng.random() < 0.7:
        color = garment_color(rng)
        for start in (x - 0.35, x + w - 0.15):
            cloth = furniture.curtain(rng, color=color)
            corner = (start, top + 0.15, z - 0.05)
            stage.paint(cloth, corner, (0.5, 0, 0), (0, -top - 0.1, 0))
    return x - 0.4, x + w + 0.4


def _bed(rng, stage, depth, left, right):
    w, h = rng.uniform(1.4, 2.0), rng.uniform(0.4, 0.6)
    d = min(2.0, depth - 0.8)
    x = left + 0.05 if rng.random() < 0.5 else right - w
    cloth = surfaces.sheet(rng, 120, 120)
    stage.box((x, 0, depth - d), (w, h, d), cloth * 0.8, cloth, cloth * 0.65)
    pillow = surfaces.sheet(rng, 40, 60)
    at, size = (x + 0.15, h, depth - 0.55), (w * 0.4, 0.16, 0.4)
    stage.box(at, size, pillow * 0.9, pillow, shadow=0.2)


def _sofa(rng, stage, depth, left, right):
    w = rng.uniform(1.3, 2.0)
    x, z = rng.uniform(left, max(left + 0.1, right - w)), depth - 0.9
    color = np.asarray(shade(garment_color(rng), 0, 0.6), np.float32)
    cloth = surfaces.sheet(rng, 60, 100, color)
    stage.box((x, 0, z + 0.6), (w, 0.82, 0.25), cloth * 0.95)
    stage.box((x, 0, z), (w, 0.42, 0.6), cloth * 0.82, cloth, cloth * 0.6)
    for arm in (x - 0.16, x + w):
        stage.box((arm, 0, z), (0.18, 0.6, 0.8), cloth * 0.85, shadow=0.2)
    if rng.random() < 0.6:
        cushion = surfaces.sheet(rng, 40, 40, garment_color(rng))
        at = (x + rng.uniform(0.1, w - 0.5), 0.42, z + 0.4)
        stage.box(at, (0.4, 0.36, 0.12), cushion, shadow=0)


def _cupboard(rng, stage, depth, left, right):
    choice = rng.random()
    if choice < 0.35:
        size = (rng.uniform(0.8, 1.6), rng.uniform(1.9, 2.4), 0.6)
        face = furniture.drawers(rng, 140, 90)
    elif choice < 0.65:
        size = (rng.uniform(0.5, 1.2), rng.uniform(0.6, 1.0), 0.45)
        face = furniture.drawers(rng)
    else:
        size = (rng.uniform(0.6, 1.1), rng.uniform(1.4, 2.1), 0.32)
        face = furniture.bookshelf(rng)
    inset = rng.uniform(0, 0.6)
    x = left + inset if rng.random() < 0.5 else right - size[0] - inset
    stage.box((x, 0, depth - size[2] - 0.02), size, face)


def _furnish(rng, stage, depth, left, right):
    choice = rng.random()
    if choice < 0.35:
        _bed(rng, stage, depth, left, right)
    elif choice < 0.6:
        _sofa(rng, stage, depth, left, right)
    for _ in range(int(rng.integers(1, 4))):
        _cupboard(rng, stage, depth, left, right)
    if rng.random() < 0.45:
        image, alpha = furniture.plant(rng)
        h = rng.uniform(0.5, 1.4)
        x, z = rng.uniform(left, right - h * 0.7), depth - rng.uniform(0.3, 1.0)
        unit = stage.image.shape[1] / 50
        stage.darken(_lying(x, z - 0.2, h * 0.7, 0.4), 0.3, unit)
        stage.paint(image, (x, h, z), (h * 0.73, 0, 0), (0, -h, 0), alpha=alpha)


def _stand(rng, height, width):
    """Where somebody with a phone stands."""
    return Stage(
        height,
        width,
        eye=rng.uniform(1.0, 1.5),
        yaw=rng.normal(0, 0.2),
        pitch=rng.normal(-0.13, 0.06),
        roll=rng.normal(0, 0.03),
        focal=rng.uniform(0.95, 1.6),
    )


def room(rng, height, width):
    """A furnished room, as behind somebody who photographs a mirror."""
    stage = _stand(rng, height, width)
    depth = rng.uniform(2.2, 4.5)
    left, right = -rng.uniform(1.2, 2.6), rng.uniform(1.2, 2.6)
    choice = rng.random()
    if choice < 0.82:
        wall = surfaces.plaster(rng, 100, 130, rough=0.004)
    elif choice < 0.9:
        wall = surfaces.brick(rng, 160, 200, across=16)
    else:
        across = int(rng.integers(8, 16))
        wall = surfaces.tiles(rng, 200, 200, across=across, aspect=rng.choice([1, 2]))
    _shell(rng, stage, depth, left, right, rng.uniform(2.4, 2.9), wall, _floor(rng))
    _hang(rng, stage, depth, left, right)
    if rng.random() < 0.35:
        x, z = rng.uniform(-1.2, 0), rng.uniform(0.8, depth - 1)
        w, d = rng.uniform(1.2, 2), 1.3
        rug = surfaces.rug(rng, 120, 120)
        stage.paint(rug, (x, 0.01, z + d), (w, 0, 0), (0, 0, -d))
    _furnish(rng, stage, depth, left, right)
    if rng.random() < 0.35:
        # Stepped back from the wall: it is behind the plane of focus.
        return cv2.GaussianBlur(stage.image, (0, 0), rng.uniform(0.4, 2) * width / 468)
    return stage.image


def shop_interior(rng, height, width):
    """A clothes shop: bright, deep, with rails along the walls."""
    stage = _stand(rng, height, width)
    depth = rng.uniform(6, 10)
    left, right = -rng.uniform(2.2, 3.5), rng.uniform(2.2, 3.5)
    pale = rng.uniform(0.75, 0.95) * np.ones(3)
    wall = surfaces.plaster(rng, 80, 120, pale, rough=0.004)
    _shell(rng, stage, depth, left, right, 3.2, wall, _floor(rng))
    racks = [furniture.rack(rng) for _ in range(3)]
    for x, turn in ((left + 0.4, 1), (right - 0.4, -1)):
        z = rng.uniform(2.6, 4.0)
        while z < depth - 1:
            run = rng.uniform(1.2, 2.0)
            corner = (x, 1.6, z if turn > 0 else z + run)
            stage.darken(_lying(x - 0.4, z, 0.8, run), 0.35, width / 40)
            rack = racks[int(rng.integers(3))]
            stage.paint(rack, corner, (0, 0, turn * run), (0, -1.2, 0))
            if rng.random() < 0.6:
                high = (x - 0.3 * turn, 2.9, corner[2])
                stage.paint(rack[::-1], high, (0, 0, turn * run), (0, -0.8, 0))
            z += run + rng.uniform(0.1, 0.6)
    corner = (left + 1, 1.7, depth - 0.3)
    stage.paint(racks[0], corner, (right - left - 2, 0, 0), (0, -1.3, 0))
    lamp = np.full(3, 1.25, np.float32)
    for z in np.arange(3, depth, 1.6):
        for x in (-1.2, 1.0):
            stage.paint(lamp, (x, 3.15, z), (0.7, 0, 0), (0, 0, 0.25))
    return cv2.GaussianBlur(stage.image, (0, 0), rng.uniform(0.8, 3) * width / 468)
