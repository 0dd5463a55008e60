"""Label plates: text on a coloured ground, placed beside the boxes."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont


@lru_cache(maxsize=64)
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib carries, at ``size`` pixels."""
    import matplotlib
    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
    return ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / name), size)


def text_color(background) -> tuple:
    """White or near-black, whichever reads better on an RGB colour.

    By the contrast of relative luminances, as WCAG 2 defines it.
    """
    def luminance(color):
        c = np.asarray(color, np.float64) / 255
        linear = np.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    ground, dark = luminance(background), (20, 20, 20)
    white_contrast = 1.05 / (ground + 0.05)
    dark_contrast = (ground + 0.05) / (luminance(dark) + 0.05)
    # Small text on a saturated ground reads better white than the formula
    # says, so a dark text must win clearly.
    return dark if dark_contrast > 1.6 * white_contrast else (255, 255, 255)


def shorten(text: str, width: float, face: ImageFont.FreeTypeFont) -> str:
    """The text, cut with an ellipsis where it is wider than ``width`` pixels."""
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(text + '…') > width:
        text = text[:-1]
    return text.rstrip() + '…'


def _overlap(plate, others) -> float:
    """Pixels of a plate (x, y, w, h) that other plates cover."""
    x, y, w, h = plate
    return sum(max(0, min(x + w, ox + ow) - max(x, ox)) *
               max(0, min(y + h, oy + oh) - max(y, oy)) for ox, oy, ow, oh in others)


def place_plate(bbox, size, placed, image_size) -> tuple:
    """Where a box's plate goes: inside the image, over no other plate if it can.

    On the box's top edge by preference, then inside its top, at its right end,
    at its bottom, then further down along its left side. Where all are taken,
    the one that covers least.

    Args:
        bbox (array-like): (4,) x1, y1, x2, y2 pixels.
        size (tuple[int, int]): Width and height of the plate.
        placed (list[tuple]): x, y, width, height of the plates already there.
        image_size (tuple[int, int]): Width and height of the image.

    Returns:
        tuple[int, int, int, int]: x, y, width, height.
    """
    x1, y1, x2, y2 = (round(float(c)) for c in bbox)
    width, height = size
    candidates = [(x1, y1 - height), (x1, y1), (x2 - width, y1 - height),
                  (x2 - width, y1), (x1, y2), (x1, y2 - height),
                  (x2 - width, y2), (x2 - width, y2 - height)]
    candidates += [(x1, y) for y in range(y1 + height, y2 - height, height)]

    def inside(x, y):
        return (max(0, min(x, image_size[0] - width)),
                max(0, min(y, image_size[1] - height)), width, height)

    return min((inside(*xy) for xy in candidates), key=lambda p: _overlap(p, placed))


def draw_labels(image, bboxes, texts, colors, size: int) -> np.ndarray:
    """Write a label plate for each box.

    Args:
        image (np.ndarray): (H, W, 3) uint8 RGB; not modified.
        bboxes (np.ndarray): (N, 4) x1, y1, x2, y2 pixels.
        texts (list[str]): N.
        colors (np.ndarray): (N, 3) RGB of the plates.
        size (int): Of the font, in pixels.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB.
    """
    canvas = Image.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    face = font(size)
    ascent, descent = face.getmetrics()
    margin = max(2, round(size * 0.35))
    height = min(ascent + descent + margin // 2, canvas.height)
    placed = []
    for bbox, text, color in zip(bboxes, texts, colors, strict=True):
        text = shorten(text, canvas.width - 2 * margin, face)
        width = min(int(np.ceil(face.getlength(text))) + 2 * margin, canvas.width)
        x, y, width, height = place_plate(bbox, (width, height), placed, canvas.size)
        placed.append((x, y, width, height))
        color = tuple(int(c) for c in color)
        pen.rectangle((x, y, x + width - 1, y + height - 1), fill=color)
        pen.text((x + margin, y + height / 2), text, fill=text_color(color),
                 font=face, anchor='lm')
    return np.array(canvas)
