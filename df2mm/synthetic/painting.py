"""Painting cloth, skin and things onto a picture, and who covers whom.

A canvas remembers for each pixel which layer was painted last. Masks and the
visibility of landmarks are read off that, so they agree with the picture.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from df2mm.synthetic.geometry import Ladder
from df2mm.synthetic.pieces import Garment, Piece

#: fillPoly takes fixed-point coordinates; 4 bits are 1/16 of a pixel.
_SHIFT = 4
#: Share of a landmark's surroundings that must be its own cloth: even at the tip
#: of a corner there is more, of cloth that peeps out beside a cover less.
_MIN_VISIBLE = 0.15


@dataclass
class Cloth:
    """A garment's fabric, rendered.

    Attributes:
        texture (np.ndarray): (h, w, 3) float32.
        folds (np.ndarray): (h', w') float32, about 1.
        color (np.ndarray): (3,) its dominant colour.
        accent (np.ndarray): (3,) for trims, belts and stripes.
        light (float): -1..1, from which side the light comes.
    """

    texture: np.ndarray
    folds: np.ndarray
    color: np.ndarray
    accent: np.ndarray
    light: float


@dataclass
class Canvas:
    """A picture in the making.

    Attributes:
        image (np.ndarray): (H, W, 3) float32 RGB in 0..1.
        owner (np.ndarray): (H, W) int16, the layer on top; -1 is background.
        layers (list[tuple]): For each layer, (item index or -1, piece name).
        unit (float): Pixels a head, for the width of lines and shadows.
    """

    image: np.ndarray
    unit: float
    layers: list = field(default_factory=list)
    owner: np.ndarray = None

    def __post_init__(self):
        self.owner = np.full(self.image.shape[:2], -1, np.int16)

    def window(self, points: np.ndarray, margin: float = 2.0):
        """(x0, y0, x1, y1) of the canvas around points, or None if off it."""
        height, width = self.owner.shape
        x0, y0 = np.floor(points.min(0) - margin).astype(int)
        x1, y1 = np.ceil(points.max(0) + margin).astype(int) + 1
        x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
        return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def fill(
        self,
        outlines,
        colors,
        item: int = -1,
        piece: str = '',
        shadow: float = 0.0,
        edge: float = 0.12,
        on_all: bool = False,
    ):
        """Paint polygons in one layer.

        Args:
            outlines (list[np.ndarray]): Polygons (n, 2).
            colors (array | callable): RGB, or a function of the window
                (x0, y0, x1, y1) that gives (h, w, 3).
            item (int): The item it belongs to; -1 for none.
            piece (str): Its name there.
            shadow (float): How much it darkens what lies below beside it.
            edge (float): How much its rim is darkened.
            on_all (bool): Whether the shadow falls on the background too.

        Returns:
            tuple | None: The window and the (h, w) float32 coverage in it.
        """
        window = self.window(np.concatenate(outlines))
        if window is None:
            return None
        if shadow > 0:
            self._shadow(outlines, shadow, on_all)
        x0, y0, x1, y1 = window
        area = np.s_[y0:y1, x0:x1]
        coverage = _rasterize(outlines, window)
        if callable(colors):
            colors = colors(window)
        colors = np.broadcast_to(np.asarray(colors, np.float32), (*coverage.shape, 3))
        if edge > 0:
            size = 2 * max(1, round(0.012 * self.unit)) + 1
            inner = cv2.blur(coverage, (size, size))
            colors = colors * (1 - edge * 2 * np.clip(1 - inner, 0, 0.5))[..., None]
        mask = coverage[..., None]
        self.image[area] += mask * (colors - self.image[area])
        self.owner[area][coverage > 0.5] = len(self.layers)
        self.layers.append((item, piece))
        return window, coverage

    def _shadow(self, outlines, strength: float, on_all: bool) -> None:
        reach = max(1.5, 0.07 * self.unit)
        moved = [points + (0.35 * reach, 0.8 * reach) for points in outlines]
        window = self.window(np.concatenate(moved), 2 * reach)
        if window is None:
            return
        x0, y0, x1, y1 = window
        area = np.s_[y0:y1, x0:x1]
        soft = _rasterize(moved, window)
        size = 2 * int(reach) + 1
        soft = cv2.blur(cv2.blur(soft, (size, size)), (size, size))
        if not on_all:
            soft = soft * (self.owner[area] >= 0)
        self.image[area] *= (1 - strength * soft)[..., None]

    def visible(self, point: np.ndarray, item: int, pieces: frozenset) -> bool:
        """Whether pieces of the item show around a point, and not as a sliver."""
        radius = max(2, round(0.035 * self.unit))
        height, width = self.owner.shape
        x, y = int(point[0]), int(point[1])
        near = self.owner[
            max(y - radius, 0) : min(y + radius + 1, height),
            max(x - radius, 0) : min(x + radius + 1, width),
        ]
        layers, counts = np.unique(near, return_counts=True)
        shown = sum(
            count
            for layer, count in zip(layers, counts, strict=True)
            if layer >= 0
            and self.layers[layer][0] == item
            and self.layers[layer][1] in pieces
        )
        return shown >= _MIN_VISIBLE * near.size

    def item_mask(self, item: int) -> np.ndarray:
        """(H, W) bool: where the item is on top."""
        own = np.array([layer[0] == item for layer in self.layers] + [False])
        # Layer -1 (background) indexes the last entry.
        return own[self.owner]


def _rasterize(outlines, window) -> np.ndarray:
    """(h, w) float32 coverage in 0..1 of polygons in a window."""
    x0, y0, x1, y1 = window
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for points in outlines:
        # OpenCV's integer coordinates are pixel centres; ours are corners.
        fixed = np.round((points - (x0 + 0.5, y0 + 0.5)) * (1 << _SHIFT))
        cv2.fillPoly(mask, [fixed.astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
    return mask.astype(np.float32) * np.float32(1 / 255)


def paint_piece(
    canvas: Canvas,
    piece: Piece,
    garment: Garment,
    cloth: Cloth,
    item: int,
    shadow: float,
    on_all: bool = False,
) -> None:
    """Paint one piece of a garment, with its folds and seams."""

    def colors(window):
        return _cloth_colors(piece, cloth, window)

    painted = canvas.fill(
        [piece.outline], colors, item, piece.name, shadow, on_all=on_all
    )
    if painted is None or piece.inside:
        return
    window, coverage = painted
    for name, kind, points in garment.seams:
        if name == piece.name:
            _paint_seam(canvas, window, coverage, kind, points, cloth)


def _cloth_colors(piece: Piece, cloth: Cloth, window) -> np.ndarray:
    """(h, w, 3) of a piece's cloth in a window of the canvas."""
    x0, y0, x1, y1 = window
    u, v = piece.ladder.coordinates(x0, y0, x1 - x0, y1 - y0)
    left, top, wide, high = piece.window
    tx, ty = left + wide * u, top + high * v
    folds = _sample(cloth.folds, tx, ty)
    # A fold tilts the cloth, which moves the pattern sideways a little.
    tx = tx + (folds - 1) * np.float32(0.03)
    colors = _sample(cloth.texture, tx, ty)
    across = 2 * u - 1
    shade = 1 - piece.round * (0.3 * across**2 - 0.14 * across * cloth.light)
    if piece.inside:
        shade = shade * 0.62
    colors *= (folds * shade)[..., None]
    return np.clip(colors, 0, 1, out=colors)


def _sample(image: np.ndarray, x, y) -> np.ndarray:
    """An image at x, y (h, w) in 0..1 of its sides; beyond them it is mirrored."""
    rows, columns = image.shape[:2]
    return cv2.remap(
        image,
        x * (columns - 1),
        y * (rows - 1),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )


#: For each kind of seam: width in heads, and factor on the cloth's brightness.
_LINES = {
    'seam': (0.018, 0.72),
    'hem': (0.016, 0.8),
    'cuff': (0.022, 0.72),
    'pocket': (0.022, 0.65),
    'tier': (0.035, 0.68),
    'pleat': (0.05, 0.86),
    'slit': (0.04, 0.35),
    'placket': (0.02, 0.78),
}


def _paint_seam(canvas, window, coverage, kind, points, cloth) -> None:
    """Draw one seam on the piece just painted, inside its coverage."""
    x0, y0, x1, y1 = window
    image = canvas.image[y0:y1, x0:x1]
    local = points - (x0, y0)
    if kind == 'buttons':
        light = cloth.color.mean() < 0.45
        color = (0.85, 0.83, 0.78) if light else (0.22, 0.2, 0.19)
        radius = max(0.6, 0.026 * canvas.unit)
        for point in local:
            _blend(image, _disc(coverage.shape, point, radius) * coverage, color)
        return
    if kind in ('flap', 'belt', 'patch'):
        shape = _rasterize([points], window) * coverage
        rim = np.clip(_dilate(shape, canvas.unit) - shape, 0, 1) * coverage
        image *= (1 - 0.35 * rim)[..., None]
        if kind == 'belt':
            _blend(image, shape, cloth.accent)
        elif kind == 'flap':
            _blend(image, 0.75 * shape, np.clip(cloth.color * 1.03, 0, 1))
        return
    if kind in ('trim', 'stripe'):
        width = 0.05 if kind == 'trim' else 0.07
        _blend(
            image,
            _line(coverage.shape, local, width * canvas.unit) * coverage,
            cloth.accent,
        )
        return
    width, factor = _LINES[kind]
    width *= canvas.unit
    line = _line(coverage.shape, local, width)
    if kind in ('pleat', 'tier'):
        size = 2 * max(1, round(width * 0.6)) + 1
        line = cv2.blur(line, (size, size))
        lit = _line(coverage.shape, local + (width, 0), width * 0.7) * 0.5
        image *= (1 + 0.12 * (1 - factor) * cv2.blur(lit, (size, size)) * coverage)[
            ..., None
        ]
    image *= (1 - (1 - factor) * line * coverage)[..., None]


def _line(shape, points, width: float) -> np.ndarray:
    """(h, w) float32 coverage of a polyline; hairlines fade instead of vanishing."""
    mask = np.zeros(shape, np.uint8)
    fixed = np.round((points - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(mask, [fixed], False, 255, max(1, round(width)), cv2.LINE_AA, _SHIFT)
    return mask.astype(np.float32) * np.float32(min(1.0, max(width, 0.3)) / 255)


def _disc(shape, point, radius: float) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    centre = tuple(np.round((point - 0.5) * (1 << _SHIFT)).astype(int).tolist())
    cv2.circle(
        mask, centre, round(radius * (1 << _SHIFT)), 255, -1, cv2.LINE_AA, _SHIFT
    )
    return mask.astype(np.float32) * np.float32(1 / 255)


def _dilate(mask, unit: float) -> np.ndarray:
    size = 2 * max(1, round(0.02 * unit)) + 1
    return cv2.dilate(mask, np.ones((size, size), np.uint8))


def _blend(image, mask, color) -> None:
    image += mask[..., None] * (np.asarray(color, np.float32) - image)


def paint_limb(
    canvas: Canvas, ladder: Ladder, color, light: float, shadow: float = 0.0
) -> None:
    """Paint a rounded body part that belongs to no item."""
    color = np.asarray(color, np.float32)

    def colors(window):
        x0, y0, x1, y1 = window
        u, _ = ladder.coordinates(x0, y0, x1 - x0, y1 - y0)
        across = 2 * u - 1
        shade = 1 - 0.22 * across**2 + 0.1 * across * light
        return np.clip(color * shade[..., None], 0, 1)

    canvas.fill([ladder.outline()], colors, shadow=shadow, edge=0.04)
