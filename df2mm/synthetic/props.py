"""People in their clothes, and what they carry."""

import numpy as np

from df2mm.synthetic.geometry import Ladder, apply_affine, catmull_rom, tube
from df2mm.synthetic.painting import Canvas, paint_limb
from df2mm.synthetic.people import ARMPIT, CROTCH, HIP, SHOULDER, WAIST, Figure


class Person:
    """Paints a figure, part by part, so that cloth can come between.

    Args:
        rng (Generator): Decides what the figure leaves open.
        canvas (Canvas): Where.
        figure (Figure): Who, in heads.
        affine (np.ndarray): (2, 3) heads to pixels.
        light (float): -1..1, where the light comes from.
    """

    def __init__(self, rng, canvas: Canvas, figure: Figure, affine, light: float):
        self.rng, self.canvas, self.figure = rng, canvas, figure
        self.affine, self.light = affine, light
        self.skin = np.array(figure.build.skin, np.float32)
        self.hair = np.array(figure.build.hair, np.float32)

    def _limb(self, ladder: Ladder, color=None, shadow: float = 0.3) -> None:
        paint_limb(
            self.canvas,
            ladder.transformed(self.affine),
            self.skin if color is None else color,
            self.light,
            shadow,
        )

    def _shape(self, points, color, shadow=0.0, edge=0.1) -> None:
        self.canvas.fill(
            [apply_affine(self.affine, points)], color, shadow=shadow, edge=edge
        )

    def behind(self) -> None:
        """Hair that falls behind the shoulders."""
        length = self.figure.build.hair_length
        if length < 0.25 or self.figure.pose.view == 'back':
            return
        self._hair_fall(0.46, 0.9 + 1.2 * length)

    def _hair_fall(self, half: float, bottom: float) -> None:
        middle, _, _ = self.figure.head()
        y = np.linspace(middle[1] - 0.2, bottom, 9)
        sway = 0.03 * np.sin(np.linspace(0, 5, 9) + self.rng.uniform(0, 6))
        width = half * np.array([0.8, 0.95, 1.0, 1.0, 1.02, 1.04, 1.02, 0.95, 0.7])
        ladder = Ladder(
            np.stack([middle[0] - width + sway, y], -1),
            np.stack([middle[0] + width + sway, y], -1),
        )
        self._strands(ladder)

    def _strands(self, ladder: Ladder) -> None:
        """Hair with streaks along it."""
        placed = ladder.transformed(self.affine)
        phase, tone = self.rng.uniform(0, 6, 4), self.hair

        def colors(window):
            x0, y0, x1, y1 = window
            u, v = placed.coordinates(x0, y0, x1 - x0, y1 - y0)
            streaks = sum(
                np.sin(u * f + p + 2 * v)
                for f, p in zip((17, 31, 53, 77), phase, strict=True)
            )
            shade = 1 + 0.09 * streaks - 0.35 * (2 * u - 1) ** 2
            return np.clip(tone * shade[..., None], 0, 1)

        self.canvas.fill([placed.outline()], colors, shadow=0.25, edge=0.1)

    def body(self) -> None:
        """Legs, shoes, torso and neck."""
        figure = self.figure
        self._ground()
        order = (-1, 1) if self.rng.random() < 0.5 else (1, -1)
        tights = self.rng.random() < 0.08
        for side in order:
            self._limb(
                figure.leg_part(side),
                np.full(3, 0.1, np.float32) if tights else None,
                0.0,
            )
        for side in order:
            self._limb(
                figure.shoe_part(side), np.array(figure.build.shoe, np.float32), 0.0
            )
        self._limb(figure.torso_part(), shadow=0.0)
        for side, arm in zip((-1, 1), figure.pose.arms, strict=True):
            if arm.front:
                self._limb(figure.arm_part(side, 0.0, 0.45), shadow=0.0)
        self._limb(figure.neck_part(), shadow=0.0)

    def _ground(self) -> None:
        """The shadow that the feet stand in."""
        feet = [self.figure.leg(side)[-1] for side in (-1, 1)]
        x, y = np.mean(feet, axis=0)
        reach = 0.75 + abs(feet[0][0] - feet[1][0]) / 2
        unit, canvas = self.canvas.unit, self.canvas
        centre = apply_affine(self.affine, np.array([x + 0.1 * self.light, y + 0.42]))
        window = canvas.window(
            centre + unit * np.array([[-1, -0.4], [1, 0.4]]) * 2 * reach
        )
        if window is None:
            return
        x0, y0, x1, y1 = window
        dx = (np.arange(x0, x1, dtype=np.float32) - centre[0]) / (unit * reach)
        dy = (np.arange(y0, y1, dtype=np.float32) - centre[1]) / (unit * 0.22)
        soft = np.exp(-(dx[None] ** 2 + dy[:, None] ** 2))
        canvas.image[y0:y1, x0:x1] *= (1 - 0.5 * soft)[..., None]

    def head(self) -> None:
        """Head and hair over the collar."""
        middle, half, tall = self.figure.head()
        view, facing = self.figure.pose.view, self.figure.pose.facing
        angle = np.linspace(0, 2 * np.pi, 40)

        def ellipse(x, y, rx, ry):
            return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], -1)

        x, y = middle
        if view == 'back':
            length = self.figure.build.hair_length
            self._shape(ellipse(x, y, half * 1.08, tall * 1.04), self.hair, 0.3)
            if length > 0.2:
                self._hair_fall(0.42, 0.95 + 0.9 * length)
            return
        hair_back = ellipse(
            x - (0.08 * facing if view == 'side' else 0),
            y - 0.05,
            half * 1.14,
            tall * 1.06,
        )
        self._shape(hair_back, self.hair)
        jaw = np.where(np.sin(angle) > 0, 1 - 0.16 * np.sin(angle) ** 2, 1)
        face = np.stack(
            [x + half * jaw * np.cos(angle), y + 0.03 + tall * np.sin(angle)], -1
        )
        if view == 'side':
            face = face + (0.05 * facing, 0)
            nose = np.array(
                [
                    [x + facing * 0.33, y + 0.0],
                    [x + facing * 0.48, y + 0.14],
                    [x + facing * 0.32, y + 0.2],
                ]
            )
            self._shape(nose, self.skin)
        self._shape(face, self.skin, shadow=0.35)
        self._face(x, y, half)
        self._fringe(x, y, half, tall)

    def _face(self, x, y, half) -> None:
        pose = self.figure.pose
        shift = pose.turn * half * (0.9 if pose.view == 'side' else 0.6)
        dark = self.skin * 0.35
        sides = (pose.facing,) if pose.view == 'side' else (-1, 1)
        angle = np.linspace(0, 2 * np.pi, 14)
        for side in sides:
            ex = x + shift + side * 0.15
            eye = np.stack(
                [ex + 0.065 * np.cos(angle), y + 0.03 + 0.028 * np.sin(angle)], -1
            )
            self._shape(eye, (0.93, 0.91, 0.9), edge=0.3)
            iris = np.stack(
                [ex + 0.026 * np.cos(angle), y + 0.03 + 0.028 * np.sin(angle)], -1
            )
            self._shape(iris, dark * 0.5, edge=0)
            brow = tube(
                np.array(
                    [[ex - 0.085, y - 0.05], [ex, y - 0.08], [ex + 0.085, y - 0.055]]
                ),
                np.array([0.01, 0.016, 0.01]),
            )
            self._shape(brow.outline(), self.hair * 0.8, edge=0)
        nose = tube(
            np.array([[x + shift, y + 0.06], [x + shift + 0.02, y + 0.2]]),
            np.array([0.012, 0.03]),
        )
        self._shape(nose.outline(), self.skin * 0.88, edge=0)
        mouth = np.stack(
            [x + shift * 0.9 + 0.1 * np.cos(angle), y + 0.31 + 0.03 * np.sin(angle)], -1
        )
        self._shape(mouth, self.skin * np.array([0.88, 0.55, 0.55]), edge=0.2)

    def _fringe(self, x, y, half, tall) -> None:
        style = self.rng.random()
        depth = 0.16 if style < 0.4 else 0.3
        part = self.rng.uniform(-0.5, 0.5) * half
        top = np.linspace(np.pi * 1.02, np.pi * 1.98, 16)
        arc = np.stack(
            [x + half * 1.1 * np.cos(top), y + tall * 1.05 * np.sin(top)], -1
        )
        line = catmull_rom(
            [
                arc[-1] + (0, 0.08),
                (x + half * 0.7, y - 0.5 + depth),
                (x + part, y - 0.5 + depth * 0.55),
                (x - half * 0.7, y - 0.5 + depth),
                arc[0] + (0, 0.08),
            ],
            6,
        )
        self._shape(np.concatenate([arc, line]), self.hair)
        if self.figure.build.hair_length > 0.25 and self.figure.pose.view == 'front':
            for side in (-1, 1):
                edge = x + side * half * 1.02
                lock = tube(
                    np.array(
                        [
                            [edge - side * 0.05, y - 0.25],
                            [edge, y + 0.05],
                            [edge + side * 0.02, y + 0.4],
                        ]
                    ),
                    np.array([0.06, 0.07, 0.05]),
                )
                self._strands(lock)

    def arm(self, side: int, start: float) -> None:
        """A bare arm from a share of its length on; the rest is in ``body``."""
        if start < 1:
            self._limb(self.figure.arm_part(side, start), shadow=0.4)

    def hand(self, side: int) -> None:
        """A hand, over the cuff."""
        self._limb(self.figure.hand_part(side), shadow=0.25)

    def in_front(self, source: str) -> None:
        """Hair over the chest, a phone, bags."""
        rng, figure = self.rng, self.figure
        front = figure.pose.view in ('front', 'side')
        if front and figure.build.hair_length > 0.6 and rng.random() < 0.55:
            for side in (-1, 1):
                if rng.random() < 0.8:
                    self._lock(side)
        for side, arm in zip((-1, 1), figure.pose.arms, strict=True):
            if arm.bend < -1.9 and source == 'user':
                self._phone(side)
            elif abs(arm.bend) < 0.4 and arm.lift < 0.5 and rng.random() < 0.12:
                self._handbag(side)
        if rng.random() < 0.13:
            self._shoulder_bag()

    def _lock(self, side: int) -> None:
        (x, y), half, _ = self.figure.head()
        end = SHOULDER + 0.9 * self.figure.build.hair_length * self.rng.uniform(
            0.6, 1.3
        )
        line = catmull_rom(
            [
                (x + side * half * 0.95, y),
                (x + side * half * 1.05, y + 0.6),
                (x + side * (half + 0.12), SHOULDER),
                (x + side * (half + 0.08), end),
            ],
            4,
        )
        width = np.interp(
            np.linspace(0, 1, len(line)), [0, 0.4, 0.8, 1], [0.1, 0.15, 0.14, 0.03]
        )
        self._strands(tube(line, width))

    def _phone(self, side: int) -> None:
        line = self.figure.arm(side)
        at = line[-1] + 0.3 * (line[-1] - line[-4]) / np.hypot(*(line[-1] - line[-4]))
        box = np.array([[-0.16, -0.32], [0.16, -0.32], [0.16, 0.32], [-0.16, 0.32]])
        self._shape(at + box, self.rng.choice([0.06, 0.15, 0.85]) * np.ones(3), 0.3)
        self._shape(at + (-side * 0.07, -0.22) + box * 0.22, np.full(3, 0.03), edge=0)
        finger = tube(
            at + np.array([[side * 0.2, 0.1], [-side * 0.05, 0.12]]),
            np.array([0.05, 0.04]),
        )
        self._limb(finger)

    def _bag_color(self):
        palette = [
            (0.1, 0.09, 0.09),
            (0.45, 0.27, 0.15),
            (0.75, 0.6, 0.42),
            (0.6, 0.12, 0.14),
            (0.85, 0.83, 0.8),
            (0.2, 0.25, 0.4),
        ]
        return np.array(palette[self.rng.integers(len(palette))], np.float32)

    def _bag(self, at, width, height) -> None:
        color = self._bag_color()
        shape = at + np.array([[-0.9, -1], [0.9, -1], [1.05, 1], [-1.05, 1]]) * (
            width,
            height,
        )
        self._shape(shape, color, 0.4)
        flap = at + np.array([[-0.92, -1], [0.92, -1], [0.8, 0.15], [-0.8, 0.15]]) * (
            width,
            height,
        )
        self._shape(flap, color * 0.88, 0.2)
        clasp = at + np.array(
            [[-0.06, 0.05], [0.06, 0.05], [0.06, 0.25], [-0.06, 0.25]]
        ) * (width, width)
        self._shape(clasp, (0.8, 0.7, 0.4), edge=0)

    def _handbag(self, side: int) -> None:
        hand = self.figure.arm(side)[-1] + (0, 0.35)
        width, height = self.rng.uniform(0.3, 0.55), self.rng.uniform(0.25, 0.5)
        top = hand + (0, 0.45)
        strap = catmull_rom([top + (-width * 0.6, 0), hand, top + (width * 0.6, 0)], 6)
        self._shape(tube(strap, np.full(len(strap), 0.03)).outline(), self._bag_color())
        self._bag(top + (0, height), width, height)
        self.hand(side)

    def _shoulder_bag(self) -> None:
        side = int(self.rng.choice([-1, 1]))
        torso = self.figure.torso
        cross = self.rng.random() < 0.5
        start = torso(SHOULDER - 0.08, (-side if cross else side) * 0.55)
        end = torso(HIP - 0.2, side * 0.8)
        middle = torso((ARMPIT + WAIST) / 2, 0 if cross else side * 0.72)
        strap = catmull_rom([start, middle, end], 8)
        self._shape(
            tube(strap, np.full(len(strap), 0.035)).outline(), self._bag_color(), 0.35
        )
        self._bag(
            torso(CROTCH - 0.2, side * 0.85),
            self.rng.uniform(0.3, 0.5),
            self.rng.uniform(0.25, 0.42),
        )
