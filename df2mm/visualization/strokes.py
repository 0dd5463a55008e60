"""Sub-pixel lines, discs and fills, painted into an RGB array in place.

Coordinates are pixels with (0, 0) the top left corner of the top left pixel, so
that pixel i spans i to i + 1; OpenCV's have (0, 0) in that pixel's middle.
"""

from contextlib import contextmanager

import cv2
import numpy as np

WHITE = (255, 255, 255)

# OpenCV reads coordinates as fixed-point numbers with this many fraction bits.
_SHIFT = 4
# Points far outside are pulled in: beyond this the fixed-point sums overflow.
_FAR = 30000.0


def _fixed(points) -> np.ndarray:
    """OpenCV's fixed-point form of pixel coordinates (..., 2)."""
    inside = np.clip(np.asarray(points, dtype=np.float64), -_FAR, _FAR)
    return np.rint((inside - 0.5) * (1 << _SHIFT)).astype(np.int32)


@contextmanager
def finer(canvas, zoom: int):
    """Draw on an enlarged canvas, then bring it back to size.

    Pixels that nothing is drawn on keep their exact values: each becomes a block
    of equal pixels, and the average of the block is the pixel again.

    Args:
        canvas (np.ndarray): (H, W, 3) uint8; changed when the block ends.
        zoom (int): At 1 or less the canvas itself is drawn on.

    Yields:
        tuple[np.ndarray, int]: The enlarged canvas and its zoom, 1 or more.
    """
    if zoom <= 1:
        yield canvas, 1
        return
    height, width = canvas.shape[:2]
    large = cv2.resize(canvas, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    yield large, zoom
    canvas[:] = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)


def line(canvas, start, end, color, width: int) -> None:
    """A straight line ``width`` whole pixels wide."""
    start, end = (tuple(int(c) for c in _fixed(p)) for p in (start, end))
    cv2.line(canvas, start, end, color, width, cv2.LINE_AA, _SHIFT)


def dashes(start, end, dash: float, gap: float) -> list:
    """The pieces of a dashed line, the first and the last of them full dashes.

    The gaps are stretched to fit; a line shorter than two dashes and a gap stays
    whole.

    Args:
        start, end (array-like): (2,) pixels.
        dash, gap (float): Their lengths in pixels.

    Returns:
        list[tuple[np.ndarray, np.ndarray]]: Start and end of each dash.
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    length = float(np.hypot(*(end - start)))
    steps = int((length - dash) // (dash + gap))
    if steps < 1:
        return [(start, end)]
    direction = (end - start) / length
    begins = np.linspace(0, length - dash, steps + 1)
    return [(start + b * direction, start + (b + dash) * direction) for b in begins]


def disc(canvas, center, radius: float, color) -> None:
    """A filled disc; centre and radius may lie between pixels."""
    center = tuple(int(c) for c in _fixed(center))
    cv2.circle(canvas, center, max(1, round(radius * (1 << _SHIFT))), color,
               cv2.FILLED, cv2.LINE_AA, _SHIFT)


def closed_line(canvas, points, color, width: int) -> None:
    """The outline of a polygon (P, 2)."""
    cv2.polylines(canvas, [_fixed(points)], True, color, width, cv2.LINE_AA, _SHIFT)


def frame(canvas, bbox, color, width: int) -> None:
    """A rectangle's border on whole pixels, ``width`` wide, inside the rectangle.

    Args:
        canvas (np.ndarray): (H, W, 3) uint8.
        bbox (array-like): (4,) x1, y1, x2, y2 pixels.
        color (tuple[int]): RGB.
        width (int): Pixels.
    """
    height, full_width = canvas.shape[:2]
    x1, y1, x2, y2 = (round(float(c)) for c in np.clip(bbox, -_FAR, _FAR))
    x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)

    def fill(left, top, right, bottom):
        left, right = np.clip((left, right), 0, full_width)
        top, bottom = np.clip((top, bottom), 0, height)
        canvas[top:bottom, left:right] = color

    fill(x1, y1, x2, min(y1 + width, y2))
    fill(x1, max(y2 - width, y1), x2, y2)
    fill(x1, y1, min(x1 + width, x2), y2)
    fill(max(x2 - width, x1), y1, x2, y2)


def coverage(polygons, height: int, width: int) -> np.ndarray:
    """How much of each pixel the union of some polygons covers.

    Args:
        polygons (list[np.ndarray]): (P, 2) pixels each; filled one by one, so
            that where they overlap is inside.
        height, width (int): Of the canvas.

    Returns:
        np.ndarray: (height, width) uint8, 0 to 255.
    """
    covered = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(covered, [_fixed(polygon)], 255, cv2.LINE_AA, _SHIFT)
    return covered


def tint(canvas, covered, color, alpha: float) -> None:
    """Blend a colour over the covered pixels.

    Args:
        canvas (np.ndarray): (H, W, 3) uint8.
        covered (np.ndarray): (H, W) uint8, 255 where the full ``alpha`` applies.
        color (tuple[int]): RGB.
        alpha (float): 0 leaves the canvas, 1 hides it.
    """
    left, top, width, height = cv2.boundingRect(covered)
    area = np.s_[top:top + height, left:left + width]
    weight = covered[area].astype(np.float32)[..., None] * np.float32(alpha / 255)
    piece = canvas[area]
    blended = piece + weight * (np.array(color, np.float32) - piece)
    canvas[area] = np.rint(blended).astype(np.uint8)


def outlines(bitmap) -> list:
    """The borders of a bitmap mask, holes included.

    Args:
        bitmap (np.ndarray): (H, W) bool.

    Returns:
        list[np.ndarray]: (P, 2) pixels each, through the middles of the border
        pixels.
    """
    found, _ = cv2.findContours(
        bitmap.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [contour[:, 0].astype(np.float64) + 0.5 for contour in found]
