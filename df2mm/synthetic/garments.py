"""Garments on a figure: pieces of cloth, and the landmarks of DeepFashion2.

A garment is built from where the figure's body is and from its cut. Landmarks
are read off the same edges that bound the cloth, so they stay on collar, cuff,
armpit and hem however the garment is cut, posed and bent. How far along an edge
a landmark lies is measured from the dataset's own figure (metainfo templates).

Sides are those of the picture, and so is the numbering: a mirror image swaps
left and right, as the dataset's flip pairs do. Seen from the back the front
neckline is hidden; its landmarks are then where it is, and occluded.
"""

from dataclasses import dataclass, field

import numpy as np

from df2mm.metainfo import CATEGORIES
from df2mm.synthetic.cuts import LOWER, OUTWEAR, Cut
from df2mm.synthetic.geometry import (
    Ladder,
    apply_affine,
    arc_positions,
    at_fraction,
    catmull_rom,
    tube,
)
from df2mm.synthetic.people import (
    ARMPIT,
    CROTCH,
    FOREARM,
    HIP,
    NECK,
    SHOULDER,
    UPPER_ARM,
    WAIST,
    Figure,
)


@dataclass(frozen=True)
class Chains:
    """Which landmarks lie along which edge, on the left of the picture.

    Attributes:
        collar (tuple[int]): Neck corner first, then down the front to the middle
            (of outwear: to the top of the opening).
        outer, inner (tuple[int]): Along the sleeve, shoulder to cuff and cuff to
            armpit; of a vest or sling ``outer`` is the top of the strap alone.
        side (tuple[int]): Armpit to hem corner; None stands for a corner without
            a landmark.
        hem (int): The hem's middle; of outwear, its end at the opening.
        opening (tuple[int]): Down the front edge of outwear.
    """

    collar: tuple
    outer: tuple
    inner: tuple
    side: tuple
    hem: int
    opening: tuple = ()


_SHORT = dict(outer=(6, 7, 8), inner=(9, 10, 11))
_LONG = dict(outer=(6, 7, 8, 9, 10), inner=(11, 12, 13, 14, 15))
CHAINS = {
    'short sleeve top': Chains((1, 2, 3), side=(11, 12, 13, 14), hem=15, **_SHORT),
    'long sleeve top': Chains((1, 2, 3), side=(15, 16, 17, 18), hem=19, **_LONG),
    'short sleeve outwear': Chains(
        (3, 2, 1), side=(11, 12, 13, 14), hem=15, opening=(1, 29, 30, 15), **_SHORT
    ),
    'long sleeve outwear': Chains(
        (1, 2, 3), side=(15, 16, 17, 18), hem=19, opening=(3, 37, 38, 19), **_LONG
    ),
    'vest': Chains((1, 2, 3), (6,), (), (None, 7, 8, 9), 10),
    'sling': Chains((1, 2, 3), (6,), (), (None, 7, 8, 9), 10),
    'short sleeve dress': Chains(
        (1, 2, 3), side=(11, 12, 13, 14, 15, 16), hem=17, **_SHORT
    ),
    'long sleeve dress': Chains(
        (1, 2, 3), side=(15, 16, 17, 18, 19, 20), hem=21, **_LONG
    ),
    'vest dress': Chains((1, 2, 3), (6,), (), (7, 8, 9, 10, 11), 12),
    'sling dress': Chains((1, 2, 3), (6,), (), (None, 7, 8, 9, 10, 11), 12),
}


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


def build_garment(cut: Cut, figure: Figure) -> Garment:
    """Put a garment on a figure (or lay it flat, if the figure's view is that)."""
    return (
        _Lower(cut, figure).build()
        if cut.name in LOWER
        else _Upper(cut, figure).build()
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


class _Builder:
    """What upper and lower garments share."""

    def __init__(self, cut: Cut, figure: Figure):
        self.cut, self.figure = cut, figure
        self.category = CATEGORIES[cut.category_id - 1]
        self.flat = figure.pose.view == 'flat'
        # Cloth laid flat shows half its girth, more than a body's front does.
        self.spread = 1.12 if self.flat else 1.0
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


class _Upper(_Builder):
    """Tops, outwear and dresses."""

    def build(self) -> Garment:
        cut = self.cut
        self.chains = CHAINS[cut.name]
        self.sling = cut.name.startswith('sling')
        self.vest = cut.name.startswith('vest')
        pose = self.figure.pose
        self.back = pose.view == 'back'
        # The pieces of the torso; open outwear has two fronts.
        self.torso_pieces = (
            ('front-1', 'front1')
            if self.chains.opening and not self.back
            else ('body',)
        )
        self.middle = pose.turn * 0.55 * self.figure.build.chest
        self.top = (
            ARMPIT - 0.22
            if self.sling
            else NECK
            + 0.02
            + 0.45 * max(cut.neck_half - 0.28, 0)
            - (0.06 if self.chains.opening else 0)
        )
        self.corners = {side: self._corner(side) for side in (-1, 1)}
        self.hem_y = max(cut.hem, ARMPIT + 0.5)
        self.armpits = {
            side: self._side_point(ARMPIT + cut.armhole, side) for side in (-1, 1)
        }
        self.shoulders = {side: self._shoulder(side) for side in (-1, 1)}
        self.sides = {side: self._side(side) for side in (-1, 1)}
        self._necklines()
        self._body()
        for side in (-1, 1):
            if cut.sleeve > 0:
                self._sleeve(side)
            elif self.sling:
                self._strap(side)
        self._details()
        half = max(self._half(y) for y in np.linspace(ARMPIT, self.hem_y, 6))
        return self.finish(2 * half * 1.05, self.hem_y - self.top + 0.15)

    def _half(self, y) -> float:
        """Half-width of the cloth at height y, seen from the front."""
        cut, figure = self.cut, self.figure
        armpit = ARMPIT + cut.armhole
        body = float(figure.half_width(y)) + cut.ease
        straight = float(figure.half_width(armpit)) + cut.ease
        half = body * (1 - cut.straight) + max(body, straight) * cut.straight
        # Below the hips cloth hangs from them; it does not cling to the thighs.
        if y > HIP:
            half = max(half, self.figure.half_width(HIP) + cut.ease * 0.6)
        below = WAIST if 'dress' in cut.name else armpit
        return (half + cut.flare * max(0.0, y - below)) * self.spread

    def _side_point(self, y, side) -> np.ndarray:
        return self.figure.torso(y, side * self._half(y))

    def _corner(self, side) -> np.ndarray:
        if self.sling:
            return self.figure.torso(self.top, side * self.cut.neck_half + self.middle)
        return self.figure.torso(
            self.top, side * self.cut.neck_half + 0.6 * self.middle
        )

    def _shoulder(self, side) -> np.ndarray:
        """The shoulder point, or where a strap goes over the shoulder."""
        cut, build = self.cut, self.figure.build
        if self.sling:
            s = side * min(cut.neck_half + 0.02, 0.5) + 0.5 * self.middle
            return self.figure.torso(NECK + 0.14, s)
        if self.vest:
            half = min(cut.neck_half + cut.shoulder, build.shoulder)
            slope = (half - cut.neck_half) * 0.45
            return self.figure.torso(self.top + slope, side * half + 0.6 * self.middle)
        half = build.shoulder + cut.shoulder
        # Outwear lies over what is worn under it.
        drop = 0.04 + 0.5 * max(cut.shoulder, 0) - (0.06 if self.chains.opening else 0)
        return self.figure.torso(SHOULDER + drop, side * half * self.spread**0.5)

    def _side(self, side) -> np.ndarray:
        """Armpit to hem corner."""
        y = np.linspace(ARMPIT + self.cut.armhole, self.hem_y, 18)
        return np.concatenate(
            [self.armpits[side][None], [self._side_point(h, side) for h in y[1:]]]
        )

    def _necklines(self) -> None:
        """Front and back neckline, left to right, and their landmarks."""
        cut, figure = self.cut, self.figure
        left, right = self.corners[-1], self.corners[1]
        depth = cut.neck_depth
        back = figure.torso(self.top + (0.04 if self.sling else 0.1), self.middle * 0.3)
        bottom = figure.torso(self.top + depth, self.middle)
        share = {'v': 0.5, 'square': 0.9, 'crew': 0.66, 'boat': 0.7}.get(cut.neck, 0.68)
        out = {'v': 0.5, 'square': 0.85}.get(cut.neck, 0.66)
        between = {
            side: figure.torso(
                self.top + depth * share,
                side * cut.neck_half * out + self.middle * 0.85,
            )
            for side in (-1, 1)
        }
        self.back_curve = catmull_rom([left, back, right])
        if cut.neck in ('v', 'square'):
            knots = [left, between[-1], bottom, between[1], right]
            self.front_curve = np.concatenate(
                [
                    np.linspace(a, b, 6)[:-1]
                    for a, b in zip(knots, knots[1:], strict=False)
                ]
                + [right[None]]
            )
        else:
            self.front_curve = catmull_rom(
                [left, between[-1], bottom, between[1], right]
            )
        lining = 'body' if self.back else 'lining'
        self.mark(0, back, lining)
        front_owner = () if self.back else self.torso_pieces
        chain = self.chains.collar
        for side in (-1, 1):
            corner = self.mirrored(chain[0], side)
            self.mark(
                corner, self.corners[side], *self.torso_pieces, 'lining', f'strap{side}'
            )
        if not self.chains.opening:
            self.mark(chain[1], between[-1], *front_owner)
            self.mark(self.mirrored(chain[1], 1), between[1], *front_owner)
            self.mark(chain[2], bottom, *front_owner)

    def _armhole(self, side) -> np.ndarray:
        """Shoulder (of a sling: neckline corner) to armpit."""
        armpit = self.armpits[side]
        start = self.corners[side] if self.sling else self.shoulders[side]
        # Under a sleeve the body reaches outwards, so that no gap shows between.
        inward = np.array([-side * 0.1 if self.sling else side * 0.07, 0.0])
        if self.vest:
            inward = np.array([-side * 0.12 * self.figure.pose.squash, 0.06])
        middle = (start + armpit) / 2 + inward + (0, 0.05 if self.sling else 0)
        return catmull_rom([start, middle, armpit], 6)

    def _hem(self) -> np.ndarray:
        """Left to right."""
        left, right = self.sides[-1][-1], self.sides[1][-1]
        down = np.array([0, self.cut.hem_curve])
        centre = (left + right) / 2 + down
        quarter = 0.7 * down
        return catmull_rom(
            [
                left,
                0.75 * left + 0.25 * right + quarter,
                centre,
                0.25 * left + 0.75 * right + quarter,
                right,
            ],
            6,
        )

    def _body_ladder(self) -> Ladder:
        y = np.linspace(self.top - 0.1, self.hem_y + max(self.cut.hem_curve, 0), 22)
        half = np.array([self._half(max(h, ARMPIT)) for h in y])
        return Ladder(self.figure.torso(y, -half), self.figure.torso(y, half))

    def _body(self) -> None:
        cut, figure = self.cut, self.figure
        hem = self._hem()
        ladder = self._body_ladder()
        neck = self.back_curve if self.back else self.front_curve
        armholes = {side: self._armhole(side) for side in (-1, 1)}
        right = np.concatenate([armholes[1], self.sides[1][1:]])
        left = np.concatenate([armholes[-1], self.sides[-1][1:]])
        window = (0.0, 0.0, 1.0, 1.0)
        lining = np.concatenate([self.back_curve, self.front_curve[::-1]])
        if self.chains.opening and not self.back:
            # Open, the inside of the back shows between the fronts.
            half = cut.gap + 0.3
            lining = np.concatenate(
                [
                    self.back_curve,
                    figure.torso([self.top + 0.4, self.hem_y - 0.03], [half, half]),
                    figure.torso([self.hem_y - 0.03, self.top + 0.4], [-half, -half]),
                ]
            )
            self._fronts(ladder, hem, left, right)
        else:
            outline = np.concatenate([neck, right, hem[::-1][1:-1], left[::-1]])
            self.pieces.append(Piece('body', ladder, outline, window))
            if self.chains.opening:
                self._mark_fronts(hem, hidden=True)
            else:
                self.mark(self.chains.hem, at_fraction(hem, [0.5])[0], 'body')
        if not self.back:
            self.pieces.append(
                Piece('lining', ladder, lining, window, 0.2, inside=True)
            )
        if cut.neck == 'turtleneck' and not self.chains.opening:
            self._turtleneck()
        if 'hood' in cut.details:
            self._hood()
        for side in (-1, 1):
            chain = self.chains.side
            arm_piece = f'sleeve{side}'
            self.mark_chain(chain, side, self.sides[side], *self.torso_pieces)
            if chain[0] is not None:
                armpit = self.mirrored(chain[0], side)
                self.mark(armpit, self.armpits[side], *self.torso_pieces, arm_piece)

    def _opening_edges(self, hem) -> dict:
        """For each side, the front edge of outwear from lapel to hem."""
        cut, figure = self.cut, self.figure
        start = self.top + cut.neck_depth
        y = np.linspace(start, self.hem_y + cut.hem_curve * 0.9, 12)
        # It opens wider downwards, as cloth that hangs from the chest does.
        half = cut.gap * np.linspace(0.45, 1.15, 12) + 0.015
        return {
            side: figure.torso(y, side * half + self.middle * 0.8) for side in (-1, 1)
        }

    def _mark_fronts(self, hem, hidden: bool) -> dict:
        edges = self._opening_edges(hem)
        for side in (-1, 1):
            owners = () if hidden else (f'front{side}',)
            self.mark_chain(self.chains.opening, side, edges[side], *owners)
            lapel = catmull_rom(
                [
                    self.corners[side],
                    (self.corners[side] + edges[side][0]) / 2
                    + (side * 0.05 * self.figure.pose.squash, 0.03),
                    edges[side][0],
                ]
            )
            edges[side] = np.concatenate([lapel[:-1], edges[side]])
            for index, at in zip(self.chains.collar[1:2], (0.5,), strict=True):
                self.mark(
                    self.mirrored(index, side), at_fraction(lapel, [at])[0], *owners
                )
        return edges

    def _fronts(self, ladder, hem, left, right) -> None:
        """The two fronts of outwear."""
        edges = self._mark_fronts(hem, hidden=False)
        for side, flank in ((-1, left), (1, right)):
            bottom = np.stack(
                [
                    flank[-1],
                    (flank[-1] + edges[side][-1]) / 2 + (0, 0.3 * self.cut.hem_curve),
                    edges[side][-1],
                ]
            )
            outline = np.concatenate(
                [edges[side][:1], flank, catmull_rom(bottom, 5)[1:], edges[side][::-1]]
            )
            self.pieces.append(Piece(f'front{side}', ladder, outline))

    def _turtleneck(self) -> None:
        left, right = self.corners[-1], self.corners[1]
        up = np.array([0, -0.3])
        outline = np.concatenate(
            [
                catmull_rom(
                    [left, left + up / 2 + (0.02, 0), left + up + (0.03, 0)], 4
                ),
                catmull_rom(
                    [
                        left + up + (0.03, 0),
                        (left + right) / 2 + up + (0, 0.05),
                        right + up - (0.03, 0),
                    ],
                    4,
                ),
                catmull_rom([right + up - (0.03, 0), right], 2),
                self.front_curve[::-1],
            ]
        )
        ladder = Ladder(
            np.stack([left + up, left + (0, 0.2)]),
            np.stack([right + up, right + (0, 0.2)]),
        )
        self.pieces.append(Piece('collar', ladder, outline, (0.4, 0.5, 0.2, 0.12), 0.6))

    def _hood(self) -> None:
        left, right = self.corners[-1], self.corners[1]
        middle = (left + right) / 2
        reach = 0.62 if self.flat else 0.3
        width = np.hypot(*(right - left)) / 2 + 0.2
        angle = np.linspace(np.pi, 2 * np.pi, 14)
        arc = middle + np.stack([width * np.cos(angle), reach * np.sin(angle)], -1)
        outline = np.concatenate([arc, [right + (0.1, 0.2)], [left + (-0.1, 0.2)]])
        ladder = Ladder(
            np.stack([middle + (-width, -reach), left + (-0.1, 0.25)]),
            np.stack([middle + (width, -reach), right + (0.1, 0.25)]),
        )
        self.pieces.append(Piece('hood', ladder, outline, (0.25, 0.5, 0.5, 0.2), 0.6))

    def _sleeve(self, side) -> None:
        cut, figure = self.cut, self.figure
        arm = figure.arm(side, 41)
        reach = min(cut.sleeve, 1.0)
        line = at_fraction(arm, np.linspace(0, reach, 16))
        if cut.sleeve > 1:
            line = np.concatenate([line, line[-1:] + (line[-1] - line[-2]) * 1.5])
        share = np.linspace(0, cut.sleeve, len(line))
        shoulder, armpit = self.shoulders[side], self.armpits[side]
        start = min(np.hypot(*(armpit - shoulder)) / 2, 0.42)
        limb = figure.build.limb
        elbow, cuff = 0.13 * limb + cut.sleeve_width, 0.09 * limb + cut.cuff_width
        ends = 0.145 * limb + cut.cuff_width if cut.sleeve < 0.6 else cuff
        widths = (
            np.interp(
                share,
                [0, min(0.5, 0.6 * cut.sleeve), cut.sleeve],
                [start, (start * 0.35 + elbow * 0.65), ends],
            )
            * self.spread
        )
        ladder = tube(line, widths)
        outer, inner = (
            (ladder.left, ladder.right) if side < 0 else (ladder.right, ladder.left)
        )
        # The first rung is the armhole; the tube takes over along the upper arm.
        taken = np.clip(np.linspace(0, 1, len(line)) * max(cut.sleeve, 0.3) / 0.3, 0, 1)
        taken = (taken * taken * (3 - 2 * taken))[:, None]
        outer[:] = (1 - taken) * (shoulder + outer - outer[0]) + taken * outer
        inner[:] = (1 - taken) * (armpit + inner - inner[0]) + taken * inner
        name = f'sleeve{side}'
        # Cut from the lower part of the fabric, away from a print on the chest.
        scale = start / self._half(ARMPIT + 0.3)
        length = cut.sleeve * (UPPER_ARM + FOREARM) / (self.hem_y - self.top)
        self.pieces.append(
            Piece(
                name,
                ladder,
                ladder.outline(),
                (0.05 if side < 0 else 0.95 - scale, 0.62, scale, length),
                0.75,
            )
        )
        self.mark_chain(self.chains.outer, side, outer, name)
        self.mark_chain(self.chains.inner, side, inner[::-1], name)
        first, last = self.chains.outer[0], self.chains.inner[-1]
        for index in (first, last):
            self.owners[self.mirrored(index, side)] |= frozenset(self.torso_pieces)
        if cut.sleeve > 0.6:
            self.seams.append(
                (name, 'cuff', np.stack([ladder.left[-2], ladder.right[-2]]))
            )
        else:
            self.seams.append(
                (name, 'hem', np.stack([ladder.left[-2], ladder.right[-2]]))
            )

    def _strap(self, side) -> None:
        top, base = self.shoulders[side], self.corners[side]
        line = catmull_rom([top, 0.5 * (top + base) + (side * 0.02, 0), base], 5)
        width = 0.03 + 0.05 * max(0.0, self.cut.shoulder)
        ladder = tube(line, np.full(len(line), width))
        self.pieces.append(
            Piece(f'strap{side}', ladder, ladder.outline(), (0.3, 0.3, 0.05, 0.2), 0.3)
        )
        self.mark(self.mirrored(self.chains.outer[0], side), top, f'strap{side}')

    def _details(self) -> None:
        cut, figure = self.cut, self.figure
        if self.vest:
            for side in (-1, 1):
                self.mark(
                    self.mirrored(self.chains.outer[0], side),
                    self.shoulders[side],
                    'body',
                )
        front = not self.back
        torso = figure.torso
        if 'trim' in cut.details:
            self.seams.append(
                ('body', 'trim', self.front_curve if front else self.back_curve)
            )
        hem = self._hem()
        for piece in ('body', 'front-1', 'front1'):
            self.seams.append((piece, 'hem', hem - (0, 0.07)))
        for side in (-1, 1):
            if cut.sleeve > 0:
                for piece in ('body', f'front{side}'):
                    self.seams.append((piece, 'seam', self._armhole(side)))
        if front and ({'shirt', 'polo'} & set(cut.details)):
            end = (
                self.hem_y
                if 'shirt' in cut.details
                else self.top + cut.neck_depth + 0.6
            )
            y = np.linspace(self.top + cut.neck_depth, end, 8)
            self.seams.append(('body', 'placket', torso(y, self.middle + 0 * y)))
            count = max(2, int((end - y[0]) / 0.3))
            y = np.linspace(y[0] + 0.08, end - 0.1, count)
            self.seams.append(('body', 'buttons', torso(y, self.middle + 0.02 + 0 * y)))
        if front and ({'shirt', 'polo', 'collar', 'lapel'} & set(cut.details)):
            self._collar_flaps('lapel' in cut.details)
        if front and 'buttons' in cut.details:
            y = np.linspace(self.top + cut.neck_depth + 0.1, self.hem_y - 0.2, 4)
            self.seams.append(('front1', 'buttons', torso(y, cut.gap + 0.1 + 0 * y)))
        if front and 'pockets' in cut.details:
            y = min(self.hem_y - 0.3, HIP - 0.3)
            for side in (-1, 1):
                s = side * np.array([0.3, 0.58]) + (side * cut.gap * 0.3)
                self.seams.append((f'front{side}', 'pocket', torso([y, y - 0.06], s)))
        if front and 'chest pocket' in cut.details:
            y, s = (
                ARMPIT + np.array([0.1, 0.1, 0.4, 0.4]),
                np.array([0.2, 0.44, 0.44, 0.2]),
            )
            self.seams.append(('body', 'patch', torso(y, s + self.middle)))
        if 'belt' in cut.details:
            half = self._half(WAIST)
            y = np.array([WAIST - 0.06, WAIST - 0.06, WAIST + 0.06, WAIST + 0.06])
            self.seams.append(
                ('body', 'belt', torso(y, np.array([-1, 1, 1, -1]) * half))
            )
        if 'tiers' in cut.details:
            for y in np.linspace(WAIST + 0.2, self.hem_y, 4)[:-1]:
                half = self._half(y)
                self.seams.append(
                    ('body', 'tier', torso(np.full(7, y), np.linspace(-half, half, 7)))
                )
        if 'pleats' in cut.details:
            for share in np.linspace(-0.85, 0.85, 11):
                y = np.linspace(WAIST + 0.1, self.hem_y, 5)
                s = np.array([share * self._half(h) for h in y])
                self.seams.append(('body', 'pleat', torso(y, s)))

    def _collar_flaps(self, lapel: bool) -> None:
        cut = self.cut
        for side in (-1, 1):
            corner = self.corners[side]
            if self.chains.opening:
                piece = f'front{side}'
                down = self._opening_edges(None)[side][0]
            else:
                piece = 'body'
                down = self.figure.torso(self.top + cut.neck_depth, self.middle)
            tip = (
                0.35 * corner
                + 0.65 * down
                + (side * (0.34 if lapel else 0.2) * self.figure.pose.squash, 0.02)
            )
            flap = np.stack(
                [
                    corner + (side * 0.1, -0.02),
                    tip,
                    down if lapel else 0.25 * corner + 0.75 * down,
                    corner + (-side * 0.05, -0.02),
                ]
            )
            self.seams.append((piece, 'flap', flap))


class _Lower(_Builder):
    """Shorts, trousers and skirts."""

    def build(self) -> Garment:
        cut = self.cut
        self.top_half = (
            float(self.figure.half_width(cut.waist)) + 0.02 + 0.2 * cut.ease
        ) * self.spread
        ends = self.figure.torso([cut.waist] * 2, [-self.top_half, self.top_half])
        dip = np.array([0, 0.06 if self.figure.pose.view != 'back' else -0.02])
        self.waist = catmull_rom([ends[0], ends.mean(0) + dip, ends[1]])
        owner = ('skirt',) if cut.name == 'skirt' else ('leg-1', 'leg1')
        self.mark(0, ends[0], *owner)
        self.mark(1, ends.mean(0) + dip, *owner)
        self.mark(2, ends[1], *owner)
        if cut.name == 'skirt':
            return self._skirt()
        return self._legs()

    def _waist_details(self, pieces, bottom: float) -> None:
        details = self.cut.details
        torso, waist = self.figure.torso, self.cut.waist
        for piece in pieces:
            if 'waistband' in details:
                self.seams.append((piece, 'hem', self.waist + (0, 0.14)))
            if 'fly' in details and self.figure.pose.view != 'back':
                y = np.linspace(waist + 0.14, min(waist + 0.75, bottom), 5)
                self.seams.append((piece, 'seam', torso(y, 0.04 + 0 * y)))
                self.seams.append((piece, 'buttons', torso([waist + 0.08], [0.0])))
            if 'pockets' in details:
                for side in (-1, 1):
                    knots = torso(
                        [waist + 0.15, waist + 0.35, waist + 0.55],
                        side * np.array([0.35, 0.5, 0.72]) * self.top_half / 0.6,
                    )
                    self.seams.append((piece, 'pocket', catmull_rom(knots)))

    def _skirt(self) -> Garment:
        cut, figure = self.cut, self.figure
        y = np.linspace(cut.waist, cut.hem, 18)
        hips = float(figure.half_width(HIP)) + 0.03 + cut.ease * 0.7
        half = np.interp(
            y,
            [cut.waist, max(HIP, cut.waist + 0.3), 9],
            [self.top_half / self.spread, hips, hips],
        )
        # A skirt flares from the waist; a narrow one tapers a little to the knee.
        half = (
            half
            + cut.flare * (y - cut.waist)
            - (0.03 * (y - cut.waist) if cut.flare < 0.05 else 0)
        ) * self.spread
        sway = self._sway(y)
        ladder = Ladder(figure.torso(y, -half) + sway, figure.torso(y, half) + sway)
        ladder.left[0], ladder.right[0] = self.waist[0], self.waist[-1]
        left, right = ladder.left[-1], ladder.right[-1]
        down = np.array([0, cut.hem_curve])
        hem = catmull_rom(
            [
                left,
                0.75 * left + 0.25 * right + 0.7 * down,
                (left + right) / 2 + down,
                0.25 * left + 0.75 * right + 0.7 * down,
                right,
            ],
            6,
        )
        outline = np.concatenate(
            [self.waist, ladder.right[1:], hem[::-1][1:-1], ladder.left[::-1][:-1]]
        )
        self.pieces.append(Piece('skirt', ladder, outline, round=0.6))
        for side, edge in ((-1, ladder.left), (1, ladder.right)):
            self.mark_chain((0, 3, 4), side, edge, 'skirt')
        self.mark(5, at_fraction(hem, [0.5])[0], 'skirt')
        self._waist_details(('skirt',), cut.hem)
        self.seams.append(('skirt', 'hem', hem - (0, 0.07)))
        if 'pleats' in cut.details:
            for share in np.linspace(0.06, 0.94, 12):
                line = ladder.left + share * (ladder.right - ladder.left)
                self.seams.append(('skirt', 'pleat', line[3:]))
        if 'slit' in cut.details:
            line = ladder.left + 0.7 * (ladder.right - ladder.left)
            self.seams.append(('skirt', 'slit', line[11:]))
        return self.finish(2 * half.max(), cut.hem - cut.waist)

    def _sway(self, y) -> np.ndarray:
        """(n, 2) how far cloth below the hips follows the legs."""
        pose = self.figure.pose
        if self.flat:
            return np.zeros((len(y), 2))
        side = sum(
            np.sin(leg[0]) * s for s, leg in zip((-1, 1), pose.legs, strict=True)
        )
        down = np.maximum(y - HIP, 0)
        return np.stack([0.3 * side * down, 0 * down], axis=-1)

    def _legs(self) -> Garment:
        cut, figure = self.cut, self.figure
        limb = figure.build.limb * np.sqrt(figure.pose.squash)
        crotch = figure.torso(CROTCH + 0.05 + 0.3 * cut.ease, 0.0)
        centre = figure.torso(np.linspace(cut.waist, CROTCH, 6), 0.0)
        drop = centre[0]
        centre = centre - drop + self.waist[len(self.waist) // 2]
        for side in (-1, 1):
            line = figure.leg(side, 41)
            reach = (cut.hem - line[0, 1]) / max(line[-1, 1] - line[0, 1], 1e-6)
            start = 0.12
            steps = np.linspace(start, min(reach, 1.0), 16)
            line = at_fraction(line, steps)
            if reach > 1:
                line = np.concatenate(
                    [line, line[-1:] + (0, (reach - 1) * (ANKLE_SPAN))]
                )
                steps = np.append(steps, reach)
            body = (
                np.interp(steps, [0, 0.1, 0.52, 0.68, 1], [0.36, 0.35, 0.2, 0.2, 0.12])
                * limb
            )
            grown = cut.flare * np.maximum(steps - 0.45, 0) * 3.2
            extra = np.interp(steps, [0, 1], [0.03, 0.05]) + cut.ease * 0.75
            widths = (body + extra + grown) * self.spread
            ladder = tube(line, np.maximum(widths, 0.1))
            outer, inner = (
                (ladder.left, ladder.right) if side < 0 else (ladder.right, ladder.left)
            )
            # Thighs do not cross the middle line, unless the pose crosses the legs.
            if self.figure.pose.legs[0 if side < 0 else 1][1] > -0.08:
                apart = 0.02 + 0.05 * np.maximum(steps - start, 0)
                inner[:, 0] = side * np.maximum(
                    side * inner[:, 0], side * crotch[0] + apart
                )
            self._leg(side, outer, inner, crotch, centre)
        self._waist_details(('leg-1', 'leg1'), float(crotch[1]))
        return self.finish(2 * self.top_half * 1.15, cut.hem - cut.waist)

    def _leg(self, side, outer, inner, crotch, centre) -> None:
        """One trouser leg, from the waistband to the cuff."""
        cut, figure = self.cut, self.figure
        name = f'leg{side}'
        hips = np.linspace(cut.waist, HIP, 5)[1:]
        half = (figure.half_width(hips) + 0.03 + cut.ease * 0.5) * self.spread
        waist_end = self.waist[0 if side < 0 else -1]
        flank = np.concatenate([waist_end[None], figure.torso(hips, side * half)])
        keep = outer[:, 1] > flank[-1, 1] + 0.15
        outer_edge = catmull_rom(np.concatenate([flank, outer[keep]])[::2], 3)
        if not np.allclose(outer_edge[-1], outer[-1]):
            outer_edge = np.concatenate([outer_edge, outer[-1:]])
        keep = inner[:, 1] > crotch[1] + 0.12
        inside = np.concatenate([crotch[None], inner[keep]])
        inner_edge = np.concatenate([centre[:-1], inside])
        num = 24
        rungs = [
            at_fraction(edge, np.linspace(0, 1, num))
            for edge in (outer_edge, inner_edge)
        ]
        left, right = rungs if side < 0 else rungs[::-1]
        outline = np.concatenate([outer_edge, inner_edge[::-1]])
        # The two legs meet without a gap.
        outline[len(outer_edge) :][-len(centre) :, 0] -= side * 0.015
        self.pieces.append(
            Piece(
                name,
                Ladder(left, right),
                outline,
                (0.0 if side < 0 else 0.5, 0.0, 0.5, 1.0),
                0.55,
            )
        )
        chains = (
            ((0, 3, 4, 5), (8, 7, 6)) if cut.name == 'trousers' else ((0, 3, 4), (6, 5))
        )
        self.mark_chain(chains[0], side, outer_edge, name)
        self.mark_chain(chains[1], side, inside, name)
        self.owners[chains[1][0]] = frozenset({'leg-1', 'leg1'})
        cuff = np.stack([outer_edge[-2], inside[-2]])
        self.seams.append((name, 'hem', cuff))
        if 'crease' in cut.details:
            self.seams.append((name, 'pleat', (left + right)[6:] / 2))
        if 'side stripe' in cut.details:
            edge = outer_edge + (-side * 0.06, 0)
            self.seams.append((name, 'stripe', edge))


#: Heads of leg below the hip joint, for hems that reach over the ankle.
ANKLE_SPAN = 3.1


def is_outwear(cut: Cut) -> bool:
    """Whether it is worn over another garment."""
    return cut.name in OUTWEAR
