"""Things between the camera and the clothes."""

import cv2
import numpy as np

from df2mm.synthetic.painting import Canvas
from df2mm.synthetic.people import UNWORN


def paint_foreground(
    rng: np.random.Generator, canvas: Canvas, source: str, view: str
) -> None:
    """Now and then, something between the camera and the clothes."""
    chance = rng.random()
    height, width = canvas.owner.shape
    if source == 'user' and chance < 0.13:
        _blurred_thing(rng, canvas)
    elif source == 'shop' and chance < 0.1:
        _caption(rng, canvas)
    elif source == 'user' and chance < 0.2 and view not in UNWORN:
        # The frame of the mirror that the picture was taken in.
        side = width * rng.uniform(0.02, 0.09)
        x = 0 if rng.random() < 0.5 else width - side
        frame = np.array([[x, 0], [x + side, 0], [x + side, height], [x, height]])
        canvas.fill([frame], rng.uniform(0.1, 0.8) * np.ones(3), edge=0.2)


def _blurred_thing(rng, canvas: Canvas) -> None:
    """A shoulder, a table's edge, a plant: out of focus, from a side."""
    height, width = canvas.owner.shape
    edge = rng.integers(3)
    x, y = [
        (0, rng.uniform(0.4, 1) * height),
        (width, rng.uniform(0.4, 1) * height),
        (rng.uniform(0.2, 0.8) * width, height),
    ][edge]
    angle = np.linspace(0, 2 * np.pi, 24)
    radius = (
        rng.uniform(0.1, 0.24)
        * width
        * (1 + 0.25 * np.sin(angle * rng.integers(2, 5) + rng.uniform(0, 6)))
    )
    shape = np.stack([x + radius * np.cos(angle), y + 1.3 * radius * np.sin(angle)], -1)
    color = rng.uniform(0.05, 0.7, 3)
    painted = canvas.fill([shape], color, edge=0.0, shadow=0.2, on_all=True)
    if painted is not None:
        (x0, y0, x1, y1), _ = painted
        pad = 12
        area = np.s_[max(y0 - pad, 0) : y1 + pad, max(x0 - pad, 0) : x1 + pad]
        canvas.image[area] = cv2.blur(canvas.image[area], (9, 9))


def _caption(rng, canvas: Canvas) -> None:
    """Advertising text, as shop pictures carry it."""
    height, width = canvas.owner.shape
    words = [
        'NEW',
        'SALE',
        'SPRING',
        'STYLE',
        'No.' + str(rng.integers(10, 99)),
        'COTTON',
        '2018',
        'FASHION',
        'S M L XL',
        str(rng.integers(39, 299)) + '.00',
    ]
    text = ' '.join(words[i] for i in rng.choice(len(words), 2, replace=False))
    scale = width / 600 * rng.uniform(0.7, 1.5)
    (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, 2)
    x = int(rng.uniform(0.02, 0.6) * width)
    y = int(rng.choice([0.08, 0.94]) * height)
    if rng.random() < 0.5:
        pad = h * 0.5
        box = np.array(
            [
                [x - pad, y - h - pad],
                [x + w + pad, y - h - pad],
                [x + w + pad, y + pad],
                [x - pad, y + pad],
            ]
        )
        canvas.fill([box], rng.uniform(0.1, 0.95, 3), edge=0.0)
    color = tuple(float(c) for c in rng.choice([0.05, 0.95]) * np.ones(3))
    cv2.putText(
        canvas.image,
        text,
        (x, y),
        cv2.FONT_HERSHEY_DUPLEX,
        scale,
        color,
        max(1, round(1.5 * scale)),
        cv2.LINE_AA,
    )
