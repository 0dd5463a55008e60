"""What a garment is made of, and what building one of any kind needs."""

from dataclasses import dataclass, field

import numpy as np

from df2mm.metainfo import CATEGORIES
from df2mm.synthetic.cuts import Cut
from df2mm.synthetic.geometry import (
    Ladder,
    apply_affine,
    arc_positions,
    at_fraction,
    catmull_rom,
)
from df2mm.synthetic.people import UNWORN, Figure


@dataclass
class Piece:
    """One piece of cloth, or of something else that is painted.

    Attributes:
        name (str): 'lining', 'body', 'sleeve-1', 'leg1', ...; sides by their sign.
        ladder (Ladder): Its cloth coordinates.
        outline (np.ndarray): (n, 2) closed polygon.
        window (tuple[float]): The part of the garment's fabric it is cut from:
            x, y, width, height as shares of the fabric's width and height.
        round (float): How strongly it is shaded like a cylinder, 0..1.
        inside (bool): Whether its wrong side shows (lining), which is darker.
    """

    name: str
    ladder: Ladder
    outline: np.ndarray
    window: tuple = (0.0, 0.0, 1.0, 1.0)
    round: float = 0.5
    inside: bool = False


@dataclass
class Garment:
    """A garment on a figure.

    Shapes: L landmarks of its category.

    Attributes:
        cut (Cut): What it is.
        pieces (list[Piece]): In no particular order of painting.
        landmarks (np.ndarray): (L, 2).
        owners (list[frozenset[str]]): For each landmark, the pieces it lies on;
            it is visible where one of them is.
        seams (list[tuple]): Lines and shapes painted on a piece: (piece name,
            kind, points (n, 2)).
        length, width (float): Of the fabric it is cut from, in heads.
    """

    cut: Cut
    pieces: list
    landmarks: np.ndarray
    owners: list
    seams: list = field(default_factory=list)
    length: float = 1.0
    width: float = 1.0

    def transformed(self, affine: np.ndarray) -> 'Garment':
        """The garment under a (2, 3) affine map; lengths stay in heads."""
        return Garment(
            self.cut,
            [
                Piece(
                    p.name,
                    p.ladder.transformed(affine),
                    apply_affine(affine, p.outline),
                    p.window,
                    p.round,
                    p.inside,
                )
                for p in self.pieces
            ],
            apply_affine(affine, self.landmarks),
            self.owners,
            [
                (piece, kind, apply_affine(affine, points))
                for piece, kind, points in self.seams
            ],
            self.length,
            self.width,
        )


def _fractions(category, chain) -> np.ndarray:
    """How far along its edge each landmark of a chain lies, by the template."""
    known = [k for k in chain if k is not None]
    shape = np.array([category.aspect, 1.0])
    mirror = category.flip_indices
    flipped = category.template[mirror] * (-1, 1) + (1, 0)
    points = (category.template + flipped)[known] / 2 * shape
    if chain[0] is None:
        corners = np.array([c[2:] for c in category.corners])
        corners[:, 0] = np.abs(corners[:, 0] - 0.5)
        x, y = corners.mean(0)
        points = np.concatenate([[(0.5 - x, y) * shape], points])
    return arc_positions(points)


class GarmentBuilder:
    """Collects pieces, landmarks and seams; upper and lower garments differ."""

    def __init__(self, cut: Cut, figure: Figure):
        self.cut, self.figure = cut, figure
        self.category = CATEGORIES[cut.category_id - 1]
        self.flat = figure.pose.view in UNWORN
        # Cloth without a body shows half its girth, more than a body's front does: a
        # shirt that is 50 cm wide and 70 cm long lies as such.
        self.spread = 1.28 if self.flat else 1.0
        count = self.category.num_landmarks
        self.landmarks = np.full((count, 2), np.nan)
        self.owners = [frozenset()] * count
        self.pieces, self.seams = [], []

    def mark(self, index, point, *owners) -> None:
        """Set one landmark."""
        self.landmarks[index] = point
        self.owners[index] = frozenset(owners)

    def mirrored(self, index: int, side: int) -> int:
        """The landmark on this side that ``index`` is on the left."""
        return index if side < 0 else int(self.category.flip_indices[index])

    def mark_chain(self, chain, side, edge, *owners) -> None:
        """Spread a chain of landmarks along an edge, as the template does."""
        for index, point in zip(
            chain, at_fraction(edge, _fractions(self.category, chain)), strict=True
        ):
            if index is not None:
                self.mark(self.mirrored(index, side), point, *owners)

    def hem_curve(self, left, right) -> np.ndarray:
        """(n, 2) from corner to corner, sagging in the middle as the cut says."""
        down = np.array([0, self.cut.hem_curve])
        return catmull_rom(
            [
                left,
                0.75 * left + 0.25 * right + 0.7 * down,
                (left + right) / 2 + down,
                0.25 * left + 0.75 * right + 0.7 * down,
                right,
            ],
            6,
        )

    def finish(self, width: float, length: float) -> Garment:
        return Garment(
            self.cut,
            self.pieces,
            self.landmarks,
            self.owners,
            self.seams,
            float(length),
            float(width),
        )
