"""Tops, outwear and dresses on a figure."""

import itertools

import numpy as np

from df2mm.synthetic.geometry import Ladder, at_fraction, catmull_rom, tube
from df2mm.synthetic.landmark_chains import CHAINS
from df2mm.synthetic.people import (
    ARMPIT,
    FOREARM,
    HIP,
    NECK,
    SHOULDER,
    UPPER_ARM,
    WAIST,
)
from df2mm.synthetic.pieces import Garment, GarmentBuilder, Piece
from df2mm.synthetic.upper_details import add_details


class UpperBuilder(GarmentBuilder):
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
        add_details(self)
        half = max(self.half_width(y) for y in np.linspace(ARMPIT, self.hem_y, 6))
        return self.finish(2 * half * 1.05, self.hem_y - self.top + 0.15)

    def half_width(self, y) -> float:
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
        return self.figure.torso(y, side * self.half_width(y))

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
                [np.linspace(a, b, 6)[:-1] for a, b in itertools.pairwise(knots)]
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

    def armhole(self, side) -> np.ndarray:
        """Shoulder (of a sling: neckline corner) to armpit."""
        armpit = self.armpits[side]
        start = self.corners[side] if self.sling else self.shoulders[side]
        # Under a sleeve the body reaches outwards, so that no gap shows between.
        inward = np.array([-side * 0.1 if self.sling else side * 0.07, 0.0])
        if self.vest:
            inward = np.array([-side * 0.12 * self.figure.pose.squash, 0.06])
        middle = (start + armpit) / 2 + inward + (0, 0.05 if self.sling else 0)
        return catmull_rom([start, middle, armpit], 6)

    def hem(self) -> np.ndarray:
        """Left to right."""
        return self.hem_curve(self.sides[-1][-1], self.sides[1][-1])

    def _body_ladder(self) -> Ladder:
        y = np.linspace(self.top - 0.1, self.hem_y + max(self.cut.hem_curve, 0), 22)
        half = np.array([self.half_width(max(h, ARMPIT)) for h in y])
        return Ladder(self.figure.torso(y, -half), self.figure.torso(y, half))

    def _body(self) -> None:
        cut, figure = self.cut, self.figure
        hem = self.hem()
        ladder = self._body_ladder()
        neck = self.back_curve if self.back else self.front_curve
        armholes = {side: self.armhole(side) for side in (-1, 1)}
        right = np.concatenate([armholes[1], self.sides[1][1:]])
        left = np.concatenate([armholes[-1], self.sides[-1][1:]])
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
            self.pieces.append(Piece('body', ladder, outline))
            if self.chains.opening:
                self._mark_fronts(hidden=True)
            else:
                self.mark(self.chains.hem, at_fraction(hem, [0.5])[0], 'body')
        if not self.back:
            self.pieces.append(Piece('lining', ladder, lining, round=0.2, inside=True))
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

    def opening_edges(self) -> dict:
        """For each side, the front edge of outwear from lapel to hem."""
        cut, figure = self.cut, self.figure
        start = self.top + cut.neck_depth
        y = np.linspace(start, self.hem_y + cut.hem_curve * 0.9, 12)
        # It opens wider downwards, as cloth that hangs from the chest does.
        half = cut.gap * np.linspace(0.45, 1.15, 12) + 0.015
        return {
            side: figure.torso(y, side * half + self.middle * 0.8) for side in (-1, 1)
        }

    def _mark_fronts(self, hidden: bool) -> dict:
        edges = self.opening_edges()
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
            self.mark(
                self.mirrored(self.chains.collar[1], side),
                at_fraction(lapel, [0.5])[0],
                *owners,
            )
        return edges

    def _fronts(self, ladder, hem, left, right) -> None:
        """The two fronts of outwear."""
        edges = self._mark_fronts(hidden=False)
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
        scale = start / self.half_width(ARMPIT + 0.3)
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
        end = np.stack([ladder.left[-2], ladder.right[-2]])
        self.seams.append((name, 'cuff' if cut.sleeve > 0.6 else 'hem', end))

    def _strap(self, side) -> None:
        top, base = self.shoulders[side], self.corners[side]
        line = catmull_rom([top, 0.5 * (top + base) + (side * 0.02, 0), base], 5)
        width = 0.03 + 0.05 * max(0.0, self.cut.shoulder)
        ladder = tube(line, np.full(len(line), width))
        self.pieces.append(
            Piece(f'strap{side}', ladder, ladder.outline(), (0.3, 0.3, 0.05, 0.2), 0.3)
        )
        self.mark(self.mirrored(self.chains.outer[0], side), top, f'strap{side}')
