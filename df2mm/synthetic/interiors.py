"""Rooms: a stage with floor, walls and furniture under one light."""

import numpy as np

from df2mm.synthetic import furniture, surfaces
from df2mm.synthetic.stage import Stage

__all__ = ['room', 'shop_interior']


def _floor(rng, choice=None):
    choice = rng.random() if choice is None else choice
    if choice < 0.45:
        texture = surfaces.wood(rng, 320, 200, planks=int(rng.integers(8, 16)))
        return (
            texture
            if rng.random() < 0.6
            else np.ascontiguousarray(texture.transpose(1, 0, 2))
        )
    if choice < 0.7:
        return surfaces.tiles(rng, 256, 256, across=int(rng.integers(6, 13)))
    if choice < 0.88:
        return surfaces.carpet(rng, 256, 256)
    return surfaces.speckle(rng, 256, 256, surfaces.wall_color(rng) * 0.8, 60, 0.04)


def _shell(rng, stage, depth, left, right, ceiling, wall, floor):
    """Floor, back wall, side walls, skirting board and corner shadows."""
    span = right - left
    stage.paint(floor, (left, 0, depth), (span, 0, 0), (0, 0, -depth - 1.5))
    stage.paint(wall, (left, ceiling, depth), (span, 0, 0), (0, -ceiling, 0))
    dim = np.float32(rng.uniform(0.8, 0.95)), np.float32(rng.uniform(0.84, 1.04))
    stage.paint(wall * dim[0], (left, ceiling, -1), (0, 0, depth + 1), (0, -ceiling, 0))
    stage.paint(
        wall * dim[1], (right, ceiling, depth), (0, 0, -depth - 1), (0, -ceiling, 0)
    )
    unit = stage.image.shape[1] / 30
    if rng.random() < 0.8:
        board = np.full(3, rng.uniform(0.6, 0.95), np.float32) * rng.choice([1.0, 0.45])
        tall = rng.uniform(0.06, 0.12)
        stage.paint(board, (left, tall, depth - 0.02), (span, 0, 0), (0, -tall, 0))
        stage.paint(
            board * dim[0], (left + 0.02, tall, 0), (0, 0, depth), (0, -tall, 0)
        )
        stage.paint(
            board * dim[1], (right - 0.02, tall, depth), (0, 0, -depth), (0, -tall, 0)
        )
    floor_edge = [
        (left, 0, depth),
        (right, 0, depth),
        (right, 0, depth - 0.3),
        (left, 0, depth - 0.3),
    ]
    stage.darken(floor_edge, 0.3, unit)
    for x in (left, right):
        corner = [
            (x - 0.2, 0, depth),
            (x + 0.2, 0, depth),
            (x + 0.2, ceiling, depth),
            (x - 0.2, ceiling, depth),
        ]
        stage.darken(corner, 0.13, unit * 1.5)


def _hang(rng, stage, depth, left, right):
    """Things on the back wall: door, window with curtains, pictures."""
    z = depth - 0.03
    choice = rng.random()
    unit = stage.image.shape[1] / 90
    if choice < 0.4:
        x = rng.uniform(left, right - 0.9)
        stage.darken(
            [
                (x - 0.06, 2.1, z),
                (x + 0.96, 2.1, z),
                (x + 0.96, 0, z),
                (x - 0.06, 0, z),
            ],
            0.25,
            unit,
        )
        frame = np.full(3, rng.uniform(0.7, 0.95), np.float32)
        stage.paint(frame, (x - 0.07, 2.1, z), (1.04, 0, 0), (0, -2.1, 0))
        stage.paint(furniture.door(rng), (x, 2.03, z), (0.9, 0, 0), (0, -2.03, 0))
    elif choice < 0.75:
        w, h = rng.uniform(0.9, 1.8), rng.uniform(1.0, 1.6)
        x, top = rng.uniform(left, max(left + 0.1, right - w)), rng.uniform(2.1, 2.4)
        stage.paint(furniture.window(rng), (x, top, z), (w, 0, 0), (0, -h, 0))
        if rng.random() < 0.7:
            state = rng.bit_generator.state
            for side in (-1, 1):
                rng.bit_generator.state = state
                cloth = furniture.curtain(rng)
                start = x - 0.35 if side < 0 else x + w - 0.15
                stage.paint(
                    cloth,
                    (start, top + 0.15, z - 0.05),
                    (0.5, 0, 0),
                    (0, -top - 0.1, 0),
                )
    for _ in range(int(rng.integers(0, 4))):
        w = rng.uniform(0.25, 0.8)
        h = w * rng.uniform(0.7, 1.5)
        x, top = rng.uniform(left, right - w), rng.uniform(1.6, 2.2)
        stage.darken(
            [
                (x, top, z),
                (x + w + 0.05, top, z),
                (x + w + 0.05, top - h - 0.06, z),
                (x, top - h - 0.06, z),
            ],
            0.3,
            unit,
        )
        stage.paint(furniture.framed(rng), (x, top, z), (w, 0, 0), (0, -h, 0))


def _bed(rng, stage, depth, left, right):
    w, h, d = rng.uniform(1.4, 2.0), rng.uniform(0.4, 0.6), min(2.0, depth - 0.8)
    x = left + 0.05 if rng.random() < 0.5 else right - w
    cloth = surfaces.sheet(rng, 120, 120)
    z = depth - d
    stage.box((x, 0, z), (w, h, d), cloth * 0.8, cloth, cloth * 0.65)
    pillow = surfaces.sheet(rng, 40, 60)
    stage.box(
        (x + 0.15, h, depth - 0.55),
        (w * 0.4, 0.16, 0.4),
        pillow * 0.9,
        pillow,
        shadow=0.2,
    )


def _furnish(rng, stage, depth, left, right):
    unit = rng.random()
    if unit < 0.35:
        _bed(rng, stage, depth, left, right)
    for _ in range(int(rng.integers(1, 4))):
        choice = rng.random()
        if choice < 0.3:
            size = (rng.uniform(0.8, 1.6), rng.uniform(1.9, 2.4), 0.6)
            face = furniture.drawers(rng, 140, 90)
        elif choice < 0.55:
            size = (rng.uniform(0.5, 1.2), rng.uniform(0.6, 1.0), 0.45)
            face = furniture.drawers(rng)
        elif choice < 0.8:
            size = (rng.uniform(0.6, 1.1), rng.uniform(1.4, 2.1), 0.32)
            face = furniture.bookshelf(rng)
        else:
            size = (rng.uniform(0.7, 1.4), rng.uniform(0.7, 0.9), 0.7)
            face = surfaces.sheet(rng, 60, 80)
        x = left if rng.random() < 0.5 else right - size[0]
        x += rng.uniform(0, 0.6) * (1 if x == left else -1)
        stage.box((x, 0, depth - size[2] - 0.02), size, face)
    if rng.random() < 0.45:
        image, alpha = furniture.plant(rng)
        h = rng.uniform(0.5, 1.4)
        x, z = rng.uniform(left, right - h * 0.7), depth - rng.uniform(0.3, 1.0)
        foot = [
            (x, 0, z - 0.2),
            (x + h * 0.7, 0, z - 0.2),
            (x + h * 0.7, 0, z + 0.2),
            (x, 0, z + 0.2),
        ]
        stage.darken(foot, 0.3, stage.image.shape[1] / 50)
        stage.paint(image, (x, h, z), (h * 0.73, 0, 0), (0, -h, 0), alpha=alpha)


def _stand(rng, height, width):
    """Where somebody with a phone stands."""
    return Stage(
        height,
        width,
        eye=rng.uniform(1.0, 1.55),
        yaw=rng.normal(0, 0.22),
        pitch=rng.normal(-0.1, 0.07),
        roll=rng.normal(0, 0.025),
        focal=rng.uniform(0.85, 1.4),
    )


def room(rng, height, width):
    """A furnished room, as behind somebody who photographs a mirror."""
    stage = _stand(rng, height, width)
    depth = rng.uniform(2.2, 4.5)
    left, right = -rng.uniform(1.2, 2.6), rng.uniform(1.2, 2.6)
    choice = rng.random()
    if choice < 0.8:
        wall = surfaces.plaster(rng, 160, 200)
    elif choice < 0.9:
        wall = surfaces.brick(rng, 200, 240, across=16)
    else:
        wall = surfaces.tiles(
            rng,
            200,
            200,
            across=int(rng.integers(10, 20)),
            aspect=rng.choice([1, 0.5, 2]),
        )
    _shell(rng, stage, depth, left, right, rng.uniform(2.4, 2.9), wall, _floor(rng))
    _hang(rng, stage, depth, left, right)
    if rng.random() < 0.35:
        x, z, w, d = (
            rng.uniform(-1.2, 0),
            rng.uniform(0.8, depth - 1),
            rng.uniform(1.2, 2),
            1.3,
        )
        stage.paint(
            surfaces.rug(rng, 120, 120), (x, 0.01, z + d), (w, 0, 0), (0, 0, -d)
        )
    _furnish(rng, stage, depth, left, right)
    return stage.image


def shop_interior(rng, height, width):
    """A clothes shop: bright, deep, with rails along the walls."""
    stage = _stand(rng, height, width)
    depth = rng.uniform(6, 10)
    left, right = -rng.uniform(2.2, 3.5), rng.uniform(2.2, 3.5)
    wall = surfaces.plaster(
        rng, 120, 160, np.float32(rng.uniform(0.75, 0.95)) * np.ones(3)
    )
    _shell(rng, stage, depth, left, right, 3.2, wall, _floor(rng))
    for x, turn in ((left + 0.4, 1), (right - 0.4, -1)):
        z = rng.uniform(2.6, 4.0)
        while z < depth - 1:
            run = rng.uniform(1.2, 2.0)
            corner = (x, 1.6, z) if turn > 0 else (x, 1.6, z + run)
            stage.darken(
                [
                    (x - 0.4, 0, z),
                    (x + 0.4, 0, z),
                    (x + 0.4, 0, z + run),
                    (x - 0.4, 0, z + run),
                ],
                0.35,
                width / 40,
            )
            stage.paint(furniture.rack(rng), corner, (0, 0, turn * run), (0, -1.2, 0))
            z += run + rng.uniform(0.1, 0.6)
    stage.paint(
        furniture.rack(rng),
        (left + 1, 1.7, depth - 0.3),
        (right - left - 2, 0, 0),
        (0, -1.3, 0),
    )
    for z in np.arange(3, depth, 1.6):
        lamp = np.full(3, 1.25, np.float32)
        for x in (-1.2, 1.0):
            stage.paint(lamp, (x, 3.15, z), (0.7, 0, 0), (0, 0, 0.25))
    return stage.image
