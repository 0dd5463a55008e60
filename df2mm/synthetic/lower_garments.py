"""Shorts, trousers and skirts on a figure."""

import numpy as np

from df2mm.synthetic.geometry import Ladder, at_fraction, catmull_rom, tube
from df2mm.synthetic.people import CROTCH, HIP
from df2mm.synthetic.pieces import Garment, GarmentBuilder, Piece

#: Heads of leg below the hip joint, for hems that reach over the ankle.
ANKLE_SPAN = 3.1


class LowerBuilder(GarmentBuilder):
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
        hem = self.hem_curve(ladder.left[-1], ladder.right[-1])
        outline = np.concatenate(
            [self.waist, ladder.right[1:], hem[::-1][1:-1], ladder.left[::-1][:-1]]
        )
        self.pieces.append(Piece('skirt', ladder, outline, round=0.6))
        for side, edge in ((-1, ladder.left), (1, ladder.right)):
            self.mark_chain((0, 3, 4), side, edge, 'skirt')
        self.mark(5, at_fraction(hem, [0.5])[0], 'skirt')
        self._waist_details(('skirt',), cut.hem)
        self.seams.append(('skirt', 'hem', hem - (0, 0.07)))
        if 'button front' in cut.details and figure.pose.view != 'back':
            y = np.linspace(cut.waist + 0.08, cut.hem - 0.2, 7)
            self.seams.append(('skirt', 'seam', figure.torso(y, 0.09 + 0 * y)))
            self.seams.append(('skirt', 'buttons', figure.torso(y, 0 * y)))
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
