"""Chest prints: one graphic at the upper centre of a plain garment."""

import functools

import cv2
import numpy as np

from df2mm.synthetic.colors import shade, to_rgb8
from df2mm.synthetic.noise import fractal_noise, smooth_noise, stream

__all__ = ['draw_print']

_CANVAS = 256
# Where the middle of the graphic sits, in garment widths.
_CENTER = (0.5, 0.35)
_WORDS = (
    'STUDIO', 'CITY', 'WILD', 'NORTH', 'OCEAN', 'DREAM', 'CLUB', 'SUNDAY',
    'SPORT', 'ROCK', 'PARIS', 'ALWAYS', 'BLOOM', 'WAVE', 'FOREST', 'HELLO',
    'MUSIC', 'NINE', 'LOVE', 'SUMMER', 'CALM', 'TOKYO', 'EST 1984', 'NO. 7',
    'ATHLETIC', 'VINTAGE', 'RUN', 'MOON', 'LAKE', 'CAMP',
)  # fmt: skip
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)


class _Canvas:
    """A graphic and its coverage."""

    def __init__(self) -> None:
        self.rgb = np.zeros((_CANVAS, _CANVAS, 3), np.uint8)
        self.alpha = np.zeros((_CANVAS, _CANVAS), np.uint8)

    def center(self) -> None:
        """Move what was drawn to the middle."""
        box = cv2.boundingRect(self.alpha)
        shift = [round(_CANVAS / 2 - box[i] - box[i + 2] / 2) for i in (1, 0)]
        self.rgb = np.roll(self.rgb, shift, (0, 1))
        self.alpha = np.roll(self.alpha, shift, (0, 1))

    def polygon(self, points, color) -> None:
        points = [np.round(np.asarray(points) * 8).astype(np.int32)]
        cv2.fillPoly(self.rgb, points, to_rgb8(color), cv2.LINE_AA, 3)
        cv2.fillPoly(self.alpha, points, 255, cv2.LINE_AA, 3)

    def circle(self, x, y, radius, color, thick=-1) -> None:
        center = (round(x * 8), round(y * 8))
        args = (center, max(1, round(radius * 8)))
        cv2.circle(self.rgb, *args, to_rgb8(color), thick, cv2.LINE_AA, 3)
        cv2.circle(self.alpha, *args, 255, thick, cv2.LINE_AA, 3)

    def text(self, rng, word, y, width, color, height_cap=90) -> float:
        """Write a word centred on x, ``width`` wide; return its height."""
        font = _FONTS[int(rng.integers(len(_FONTS)))]
        thick = int(rng.integers(2, 8))
        (full, tall), _ = cv2.getTextSize(word, font, 1.0, 1)
        size = min(width / full, height_cap / tall)
        (full, tall), _ = cv2.getTextSize(word, font, size, thick)
        origin = (round(_CANVAS / 2 - full / 2), round(y + tall))
        cv2.putText(
            self.rgb, word, origin, font, size, to_rgb8(color), thick, cv2.LINE_AA
        )
        cv2.putText(self.alpha, word, origin, font, size, 255, thick, cv2.LINE_AA)
        return tall + thick


def _star(x, y, radius, points, depth, turn=0.0):
    angle = np.arange(2 * points) * np.pi / points + turn - np.pi / 2
    reach = radius * np.where(np.arange(2 * points) % 2, depth, 1.0)
    return np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], 1)


def _words(canvas, rng, colors):
    y = 60.0
    for line in range(int(rng.integers(1, 4))):
        word = str(rng.choice(_WORDS))
        color = colors[1 + line % (len(colors) - 1)]
        y += canvas.text(rng, word, y, rng.uniform(130, 236), color) + 12
        if y > 200:
            break


def _badge(canvas, rng, colors):
    middle = _CANVAS / 2
    color, second = colors[1], colors[-1]
    sides = int(rng.choice([3, 4, 5, 6, 24]))
    turn = rng.uniform(0, 1)
    canvas.polygon(
        _star(middle, middle, 108, sides, 1.0 if sides > 5 else 0.9, turn), color
    )
    canvas.circle(middle, middle, 78, colors[0])
    canvas.circle(middle, middle, 70, second, thick=4)
    canvas.polygon(
        _star(
            middle, middle - 14, 44, int(rng.integers(3, 9)), rng.uniform(0.35, 0.75)
        ),
        color,
    )
    canvas.text(rng, str(rng.choice(_WORDS)), middle + 34, 104, second, 26)


def _geometry(canvas, rng, colors):
    for number in range(int(rng.integers(5, 11))):
        color = shade(colors[1 + number % (len(colors) - 1)], rng.uniform(-12, 12))
        x, y = rng.uniform(50, _CANVAS - 50, 2)
        radius = rng.uniform(18, 62)
        choice = rng.integers(4)
        if choice == 0:
            canvas.circle(x, y, radius, color)
        elif choice == 1:
            canvas.circle(x, y, radius, color, thick=int(rng.integers(3, 12)))
        else:
            canvas.polygon(
                _star(x, y, radius, int(rng.integers(3, 5)), 0.9, rng.uniform(0, 3)),
                color,
            )


def _scene(canvas, rng, colors):
    """A framed picture: sky, sun and ranges of hills."""
    top, bottom, left, right = 22, 226, 44, 212
    ramp = np.linspace(0, 1, bottom - top, dtype=np.float32)[:, None, None]
    low, high = np.asarray(colors[1], np.float32), np.asarray(colors[-1], np.float32)
    sky = low + ramp * (shade(tuple(high), 18) - low)
    sky = np.broadcast_to(sky, (bottom - top, right - left, 3))
    sky = np.clip(sky * 255, 0, 255).astype(np.uint8)
    canvas.rgb[top:bottom, left:right] = sky
    picture = canvas.rgb[top:bottom, left:right]
    sun = (int(rng.integers(40, 130)), int(rng.integers(40, 100)))
    cv2.circle(
        picture,
        sun,
        int(rng.integers(16, 34)),
        to_rgb8(shade(colors[-1], 22)),
        -1,
        cv2.LINE_AA,
    )
    x = np.arange(right - left)
    for layer in range(4):
        field = fractal_noise(rng, 1, right - left, 3 + layer, 4, 0.5)[0]
        crest = 95 + 28 * layer + 16 * field
        hill = np.stack([x, crest], 1)
        hill = np.concatenate([hill, [[right - left, 400], [0, 400]]])
        color = shade(colors[1 + layer % (len(colors) - 1)], 6 - 16 * layer)
        cv2.fillPoly(
            picture, [np.round(hill).astype(np.int32)], to_rgb8(color), cv2.LINE_AA
        )
    canvas.alpha[top:bottom, left:right] = 255


def _creature(canvas, rng, colors):
    """A cartoon head with ears, eyes and a muzzle."""
    middle = _CANVAS / 2
    fur, inner = colors[1], colors[-1]
    spread, size = rng.uniform(56, 78), rng.uniform(24, 40)
    for side in (-1, 1):
        if rng.random() < 0.5:
            canvas.circle(middle + side * spread, 66, size, fur)
            canvas.circle(middle + side * spread, 66, size * 0.55, inner)
        else:
            ear = [[spread - 34, 78], [spread + 16, 16], [spread + 30, 96]]
            canvas.polygon(np.array(ear) * [side, 1] + [middle, 0], fur)
    canvas.circle(middle, 136, 84, fur)
    canvas.circle(middle, 168, rng.uniform(30, 44), shade(inner, 10))
    dark = shade(colors[0], -60) if rng.random() < 0.5 else (0.08, 0.07, 0.08)
    for side in (-1, 1):
        canvas.circle(middle + side * 34, 118, rng.uniform(7, 14), dark)
        canvas.circle(middle + side * 34 + 3, 115, 3, (1, 1, 1))
    canvas.circle(middle, 154, 10, dark)


def _brush(canvas, rng, colors):
    """A few broad brush strokes crossing."""
    for number in range(int(rng.integers(3, 7))):
        color = colors[1 + number % (len(colors) - 1)]
        path = np.cumsum(rng.normal(0, 34, (6, 2)), 0)
        path = path - path.mean(0) + _CANVAS / 2
        t = np.linspace(0, 5, 40)
        curve = np.stack([np.interp(t, range(6), path[:, i]) for i in (0, 1)], 1)
        curve = cv2.blur(curve.reshape(-1, 1, 2).astype(np.float32), (1, 9)).reshape(
            -1, 2
        )
        points = np.round(np.clip(curve, 12, _CANVAS - 12) * 8).astype(np.int32)
        thick = int(rng.integers(5, 22))
        cv2.polylines(
            canvas.rgb, [points], False, to_rgb8(color), thick, cv2.LINE_AA, 3
        )
        cv2.polylines(canvas.alpha, [points], False, 255, thick, cv2.LINE_AA, 3)


_GRAPHICS = {
    'words': (_words,),
    'badge': (_badge,),
    'geometry': (_geometry,),
    'scene': (_scene,),
    'creature': (_creature,),
    'brush': (_brush, _words),
}


@functools.lru_cache(maxsize=64)
def _graphic(variant: str, colors: tuple, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = stream(seed, 10)
    canvas = _Canvas()
    for draw in _GRAPHICS[variant]:
        draw(canvas, rng, colors)
    canvas.center()
    if rng.random() < 0.4:
        # Screen prints crack with washing.
        worn = fractal_noise(rng, _CANVAS, _CANVAS, 50, 3, 0.8)
        canvas.alpha = (canvas.alpha * np.clip(2.6 - 1.4 * worn, 0.25, 1)).astype(
            np.uint8
        )
    rgb = canvas.rgb.astype(np.float32) / 255
    return rgb, canvas.alpha.astype(np.float32)[..., None] / 255


def draw_print(variant, colors, scale, seed, height, width):
    """A plain garment with a graphic about 0.45 garment widths wide."""
    image = np.empty((height, width, 3), np.float32)
    image[:] = colors[0]
    rgb, alpha = _graphic(variant, tuple(colors), seed)
    extent = max(2, round(0.46 * scale * width))
    resized = [
        cv2.resize(a, (extent, extent), interpolation=cv2.INTER_AREA)
        for a in (rgb, alpha)
    ]
    left = round(_CENTER[0] * width - extent / 2)
    top = round(_CENTER[1] * width - extent / 2)
    rows = slice(max(0, top), min(height, top + extent))
    columns = slice(max(0, left), min(width, left + extent))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return image
    crop = (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )
    part = image[rows, columns]
    cover = resized[1][crop][..., None]
    ink = resized[0][crop]
    ink = (
        ink * (1 + 0.02 * smooth_noise(stream(seed, 11), *ink.shape[:2], 40))[..., None]
    )
    part += cover * (ink - part)
    return image
