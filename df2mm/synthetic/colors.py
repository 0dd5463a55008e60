"""The colours clothes come in, and how far apart two of them look."""

import functools

import cv2
import numpy as np

__all__ = [
    'Color',
    'companion',
    'distance',
    'from_lab',
    'garment_color',
    'parse',
    'shade',
    'to_lab',
    'to_rgb8',
]

Color = tuple[float, float, float]

# Display RGB of what is worn, with weights in percent: mostly neutrals.
_WARDROBE = (
    ('black', '1b1b1e', 13),
    ('charcoal', '3d3f44', 5),
    ('grey', '8b8d90', 6),
    ('light grey', 'c3c4c6', 5),
    ('white', 'f2f1ee', 12),
    ('cream', 'ece3d0', 5),
    ('beige', 'cdb899', 5),
    ('camel', 'b08a5b', 3),
    ('brown', '6a4a36', 4),
    ('navy', '232c48', 8),
    ('denim blue', '4d6a94', 4),
    ('royal blue', '2850b4', 3),
    ('sky blue', '9fc1de', 4),
    ('teal', '1f6f78', 2),
    ('mint', 'a5d8c4', 2),
    ('green', '2f7a4a', 3),
    ('olive', '67693f', 4),
    ('lime', 'a8cf3a', 1),
    ('yellow', 'f0cf4a', 2),
    ('mustard', 'c8962c', 2),
    ('orange', 'e57a2e', 2),
    ('coral', 'ee7466', 3),
    ('red', 'c4242f', 5),
    ('burgundy', '6e1f30', 3),
    ('pink', 'f0b6c2', 4),
    ('dusty rose', 'c08a8e', 3),
    ('fuchsia', 'cb2f7d', 2),
    ('lilac', 'b9a5d3', 2),
    ('purple', '5d3a7e', 2),
)
_WARDROBE_LAB = None
_WARDROBE_SHARES = np.cumsum([row[2] for row in _WARDROBE])


def parse(text: str) -> Color:
    """Return the colour that six hexadecimal digits name."""
    return tuple(int(text[i : i + 2], 16) / 255 for i in (0, 2, 4))


def to_lab(colors) -> np.ndarray:
    """Return display RGB in 0..1, shape (..., 3), as CIELAB (L in 0..100)."""
    rgb = np.asarray(colors, np.float32)
    lab = cv2.cvtColor(rgb.reshape(-1, 1, 3), cv2.COLOR_RGB2LAB)
    return lab.reshape(rgb.shape)


def from_lab(lab) -> np.ndarray:
    """Return CIELAB, shape (..., 3), as display RGB clipped to 0..1."""
    lab = np.asarray(lab, np.float32)
    rgb = cv2.cvtColor(lab.reshape(-1, 1, 3), cv2.COLOR_LAB2RGB)
    return np.clip(rgb.reshape(lab.shape), 0, 1)


def distance(first, second) -> float:
    """Return the CIE76 difference of two display colours (2 is just visible)."""
    return float(np.linalg.norm(to_lab(first) - to_lab(second)))


def _as_color(rgb) -> Color:
    return tuple(round(float(c), 5) for c in rgb)


def garment_color(rng: np.random.Generator) -> Color:
    """Draw a colour as clothes have them."""
    global _WARDROBE_LAB
    if _WARDROBE_LAB is None:
        _WARDROBE_LAB = to_lab([parse(row[1]) for row in _WARDROBE])
    at = rng.random() * _WARDROBE_SHARES[-1]
    lab = _WARDROBE_LAB[np.searchsorted(_WARDROBE_SHARES, at, side='right')]
    # Neutrals must stay neutral: the hue moves with the chroma there is.
    chroma = float(np.hypot(lab[1], lab[2]))
    spread = np.array([4.0, 1.0 + 0.12 * chroma, 1.0 + 0.12 * chroma])
    return _as_color(from_lab(lab + rng.normal(0, spread)))


def companion(
    rng: np.random.Generator, *others: Color, min_distance: float = 28.0
) -> Color:
    """Draw a garment colour that stands out from each of ``others``."""
    best, best_gap = None, -1.0
    for _ in range(24):
        color = garment_color(rng)
        gap = min((distance(color, other) for other in others), default=np.inf)
        if gap >= min_distance:
            return color
        if gap > best_gap:
            best, best_gap = color, gap
    return best


def shade(color: Color, lightness: float, chroma: float = 1.0) -> Color:
    """Return ``color`` with CIELAB lightness added and chroma multiplied.

    Steps finer than the eye sees are rounded, so that drawing thousands of
    petals looks most tones up instead of computing them.
    """
    return _shade(tuple(color), round(float(lightness)), round(float(chroma), 2))


@functools.lru_cache(maxsize=8192)
def _shade(color, lightness, chroma):
    lab = to_lab(color)
    lab = np.array([lab[0] + lightness, lab[1] * chroma, lab[2] * chroma])
    return _as_color(from_lab(np.clip(lab, [2, -127, -127], [98, 127, 127])))


def to_rgb8(color) -> tuple[int, int, int]:
    """Return a colour's channels in 0..255 as OpenCV's drawing wants them.

    The channel order is kept: images here are RGB from end to end.
    """
    return tuple(round(min(max(float(c), 0.0), 1.0) * 255) for c in color)
