"""Seams, collars, buttons and pockets of tops, outwear and dresses."""

import numpy as np

from df2mm.synthetic.people import ARMPIT, HIP, WAIST


def add_details(builder) -> None:
    """Add the seams that the cut of an UpperBuilder names."""
    cut, figure = builder.cut, builder.figure
    if builder.vest:
        for side in (-1, 1):
            builder.mark(
                builder.mirrored(builder.chains.outer[0], side),
                builder.shoulders[side],
                'body',
            )
    front = not builder.back
    torso = figure.torso
    if 'trim' in cut.details:
        builder.seams.append(
            ('body', 'trim', builder.front_curve if front else builder.back_curve)
        )
    hem = builder.hem()
    for piece in ('body', 'front-1', 'front1'):
        builder.seams.append((piece, 'hem', hem - (0, 0.07)))
    for side in (-1, 1):
        if cut.sleeve > 0:
            for piece in ('body', f'front{side}'):
                builder.seams.append((piece, 'seam', builder.armhole(side)))
    if front and ({'shirt', 'polo'} & set(cut.details)):
        end = (
            builder.hem_y
            if 'shirt' in cut.details
            else builder.top + cut.neck_depth + 0.6
        )
        y = np.linspace(builder.top + cut.neck_depth, end, 8)
        builder.seams.append(('body', 'placket', torso(y, builder.middle + 0 * y)))
        count = max(2, int((end - y[0]) / 0.3))
        y = np.linspace(y[0] + 0.08, end - 0.1, count)
        builder.seams.append(
            ('body', 'buttons', torso(y, builder.middle + 0.02 + 0 * y))
        )
    if front and ({'shirt', 'polo', 'collar', 'lapel'} & set(cut.details)):
        _add_collar_flaps(builder, 'lapel' in cut.details)
    if front and 'buttons' in cut.details:
        y = np.linspace(builder.top + cut.neck_depth + 0.1, builder.hem_y - 0.2, 4)
        builder.seams.append(('front1', 'buttons', torso(y, cut.gap + 0.1 + 0 * y)))
    if front and 'pockets' in cut.details:
        y = min(builder.hem_y - 0.3, HIP - 0.3)
        for side in (-1, 1):
            s = side * np.array([0.3, 0.58]) + (side * cut.gap * 0.3)
            builder.seams.append((f'front{side}', 'pocket', torso([y, y - 0.06], s)))
    if front and 'chest pocket' in cut.details:
        y, s = (
            ARMPIT + np.array([0.1, 0.1, 0.4, 0.4]),
            np.array([0.2, 0.44, 0.44, 0.2]),
        )
        builder.seams.append(('body', 'patch', torso(y, s + builder.middle)))
    if front and 'pouch' in cut.details:
        # The pocket of a hooded sweater, both hands wide.
        y = builder.hem_y - np.array([0.75, 0.75, 0.45, 0.15, 0.15, 0.45])
        s = np.array([-0.28, 0.28, 0.5, 0.5, -0.5, -0.5])
        builder.seams.append(('body', 'patch', torso(y, s + builder.middle)))
    if 'belt' in cut.details:
        half = builder.half_width(WAIST)
        y = np.array([WAIST - 0.06, WAIST - 0.06, WAIST + 0.06, WAIST + 0.06])
        builder.seams.append(
            ('body', 'belt', torso(y, np.array([-1, 1, 1, -1]) * half))
        )
    if 'tiers' in cut.details:
        for y in np.linspace(WAIST + 0.2, builder.hem_y, 4)[:-1]:
            half = builder.half_width(y)
            builder.seams.append(
                ('body', 'tier', torso(np.full(7, y), np.linspace(-half, half, 7)))
            )
    if 'pleats' in cut.details:
        for share in np.linspace(-0.85, 0.85, 11):
            y = np.linspace(WAIST + 0.1, builder.hem_y, 5)
            s = np.array([share * builder.half_width(h) for h in y])
            builder.seams.append(('body', 'pleat', torso(y, s)))


def _add_collar_flaps(builder, lapel: bool) -> None:
    cut = builder.cut
    for side in (-1, 1):
        corner = builder.corners[side]
        if builder.chains.opening:
            piece = f'front{side}'
            down = builder.opening_edges()[side][0]
        else:
            piece = 'body'
            down = builder.figure.torso(builder.top + cut.neck_depth, builder.middle)
        tip = (
            0.35 * corner
            + 0.65 * down
            + (side * (0.34 if lapel else 0.2) * builder.figure.pose.squash, 0.02)
        )
        flap = np.stack(
            [
                corner + (side * 0.1, -0.02),
                tip,
                down if lapel else 0.25 * corner + 0.75 * down,
                corner + (-side * 0.05, -0.02),
            ]
        )
        builder.seams.append((piece, 'flap', flap))
