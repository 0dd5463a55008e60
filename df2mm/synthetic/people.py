"""Simple figures: proportions, poses, and the body parts that are painted.

The unit is the head height, y points down, and the top of the head of an
upright figure is at (0, 0). A garment asks the figure where the body is; laid
flat, there is a figure all the same, of which nothing is painted.
"""

from dataclasses import dataclass, replace

import numpy as np

from df2mm.synthetic.geometry import Ladder, at_fraction, bent_limb, tube

#: Of what nobody wears: laid flat and hung up.
UNWORN = ('flat', 'hung')
#: The others are where a person is seen from.
VIEWS = (*UNWORN, 'front', 'side', 'back')

#: Heights of an upright figure of 7.5 heads (Loomis' fashion proportions).
NECK, SHOULDER, ARMPIT, WAIST, HIP, CROTCH, KNEE, ANKLE = (
    1.28,
    1.56,
    2.12,
    2.95,
    3.75,
    4.12,
    5.65,
    7.05,
)
UPPER_ARM, FOREARM = 1.42, 1.18

_SKIN = np.array(
    [
        (0.97, 0.86, 0.78),
        (0.94, 0.79, 0.68),
        (0.87, 0.69, 0.56),
        (0.75, 0.56, 0.43),
        (0.58, 0.41, 0.30),
        (0.40, 0.27, 0.20),
    ]
)
_HAIR = np.array(
    [
        (0.06, 0.05, 0.05),
        (0.13, 0.09, 0.07),
        (0.24, 0.15, 0.09),
        (0.42, 0.27, 0.15),
        (0.70, 0.55, 0.35),
        (0.45, 0.18, 0.12),
        (0.55, 0.54, 0.55),
    ]
)


@dataclass(frozen=True)
class Build:
    """Proportions: half-widths in heads, and colours.

    Attributes:
        shoulder, chest, waist, hip (float): Half-widths.
        limb (float): Factor on the thickness of arms and legs.
        skin, hair, shoe (tuple[float]): RGB in 0..1.
        hair_length (float): 0 short to 1 below the chest.
    """

    shoulder: float
    chest: float
    waist: float
    hip: float
    limb: float
    skin: tuple
    hair: tuple
    hair_length: float
    shoe: tuple


@dataclass(frozen=True)
class Arm:
    """Angles in radians: ``lift`` from hanging, outwards; ``bend`` at the elbow.

    Positive ``bend`` folds the forearm outwards and up, negative towards the
    body. ``front`` tells whether it is painted over the torso.
    """

    lift: float
    bend: float
    front: bool = True


@dataclass(frozen=True)
class Pose:
    """How a figure stands.

    Attributes:
        view (str): One of VIEWS.
        facing (int): -1 or 1, where a figure seen from the side looks.
        squash (float): Width seen over width from the front.
        turn (float): How far the neckline's middle moves with the turn, as a
            share of the half-width.
        lean, shoulder_tilt, hip_tilt (float): Radians.
        hip_shift (float): Heads.
        arms (tuple[Arm]): On the left and on the right of the picture.
        legs (tuple[tuple[float]]): For each, angles of thigh and shin from
            vertical, outwards.
    """

    view: str
    facing: int
    squash: float
    turn: float
    lean: float
    shoulder_tilt: float
    hip_tilt: float
    hip_shift: float
    arms: tuple
    legs: tuple


def sample_build(rng: np.random.Generator) -> Build:
    """A person."""
    male = rng.random() < 0.3
    heavy = rng.normal(0, 0.05)

    def blend(palette, jitter):
        position = rng.uniform(0, len(palette) - 1)
        low = int(position)
        high = min(low + 1, len(palette) - 1)
        mixed = palette[low] + (position - low) * (palette[high] - palette[low])
        return tuple(np.clip(mixed + rng.normal(0, jitter, 3), 0.02, 0.98))

    shoe = rng.choice([0.08, 0.15, 0.3, 0.6, 0.92])
    return Build(
        shoulder=(0.98 if male else 0.86) + rng.normal(0, 0.03) + heavy,
        chest=(0.76 if male else 0.68) + rng.normal(0, 0.03) + heavy,
        waist=(0.66 if male else 0.54) + rng.normal(0, 0.03) + 1.4 * heavy,
        hip=(0.70 if male else 0.74) + rng.normal(0, 0.03) + 1.2 * heavy,
        limb=(1.12 if male else 0.98) + rng.normal(0, 0.05) + heavy,
        skin=blend(_SKIN[:5] if rng.random() < 0.85 else _SKIN, 0.01),
        hair=blend(_HAIR, 0.01),
        hair_length=float(rng.uniform(0, 0.1) if male else rng.uniform(0.1, 1)),
        shoe=tuple(np.clip(shoe + rng.normal(0, 0.05, 3), 0.02, 0.98)),
    )


def sample_pose(rng: np.random.Generator, view: str) -> Pose:
    """How a figure of this view stands (or a garment lies)."""
    if view not in VIEWS:
        raise ValueError(f'view must be one of {VIEWS}, got {view!r}')
    if view in UNWORN:
        spread = 0.04 + abs(rng.normal(0, 0.07 if view == 'flat' else 0.03))
        leg = (spread, spread * 0.8)
        arms = _laid_arms(rng) if view == 'flat' else _hanging_arms(rng)
        return Pose(view, 1, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, arms, (leg, leg))
    facing = int(rng.choice([-1, 1]))
    squash = {
        'front': min(1.0, 1.04 - abs(rng.normal(0, 0.1))),
        'back': min(1.0, 1.04 - abs(rng.normal(0, 0.1))),
        'side': rng.uniform(0.52, 0.72),
    }[view]
    turn = facing * np.sqrt(max(0.0, 1 - squash**2)) * (0.5 if view != 'side' else 0.9)
    contrapposto = rng.normal(0, 0.06)
    pose = Pose(
        view,
        facing,
        squash,
        float(turn),
        rng.normal(0, 0.035),
        contrapposto,
        -contrapposto + rng.normal(0, 0.02),
        rng.normal(0, 0.09),
        tuple(_sample_arm(rng, view) for _ in range(2)),
        _sample_legs(rng, view),
    )
    if view == 'side':
        far = 0 if facing > 0 else 1
        arms = list(pose.arms)
        arms[far] = replace(arms[far], front=False)
        pose = replace(pose, arms=tuple(arms))
    return pose


def _laid_arms(rng) -> tuple:
    """Where sleeves lie: beside the body, spread, straight out, or folded in."""
    style = rng.choice(['beside', 'spread', 'out', 'akimbo'], p=[0.3, 0.45, 0.1, 0.15])
    lift, bend = {
        'beside': (rng.uniform(0.12, 0.35), 0.0),
        'spread': (rng.uniform(0.25, 0.8), 0.0),
        'out': (rng.uniform(0.8, 1.35), 0.0),
        'akimbo': (rng.uniform(0.4, 0.9), rng.uniform(-1.6, -0.8)),
    }[style]
    arms = [
        Arm(lift + rng.normal(0, 0.05), bend + rng.normal(0, 0.08) - 0.1 * lift)
        for _ in range(2)
    ]
    if rng.random() < 0.12:
        # One sleeve has fallen otherwise.
        arms[int(rng.integers(2))] = Arm(rng.uniform(0.1, 1.3), rng.uniform(-1.8, 0.5))
    return tuple(arms)


def _hanging_arms(rng) -> tuple:
    """Sleeves hang straight down from a hanger."""
    return tuple(
        Arm(0.2 + abs(rng.normal(0, 0.12)), rng.normal(-0.1, 0.05)) for _ in range(2)
    )


def _sample_arm(rng, view: str) -> Arm:
    style = rng.choice(
        ['hang', 'hip', 'pocket', 'front', 'phone', 'up', 'away', 'behind'],
        p=[0.38, 0.11, 0.11, 0.08, 0.10, 0.05, 0.10, 0.07],
    )
    if view == 'side' and style in ('hip', 'behind'):
        style = 'hang'
    jitter = rng.normal(0, 0.06, 2)
    lift, bend, front = {
        'hang': (0.12, -0.1, True),
        'hip': (0.75, -1.75, True),
        'pocket': (0.35, -0.55, True),
        'front': (0.18, -1.55, True),
        'phone': (0.3, -2.25, True),
        'up': (2.2, 0.9, True),
        'away': (0.5, 0.1, True),
        'behind': (0.3, -0.7, False),
    }[style]
    return Arm(lift + jitter[0], bend + jitter[1], front)


def _sample_legs(rng, view: str) -> tuple:
    style = rng.choice(['stand', 'apart', 'cross', 'step'], p=[0.45, 0.25, 0.15, 0.15])
    base = {
        'stand': ((0.03, 0.02), (0.03, 0.02)),
        'apart': ((0.14, 0.1), (0.14, 0.1)),
        'cross': ((-0.03, -0.14), (0.04, 0.0)),
        'step': ((0.16, 0.02), (0.0, -0.05)),
    }[style]
    if rng.random() < 0.5:
        base = base[::-1]
    scale = 1.6 if view == 'side' else 1.0
    return tuple(tuple(scale * a + rng.normal(0, 0.02) for a in leg) for leg in base)


class Figure:
    """A build in a pose: where the body is.

    Sides are those of the picture: -1 left, 1 right.
    """

    def __init__(self, build: Build, pose: Pose):
        self.build, self.pose = build, pose
        chest = build.chest
        self._heights = np.array(
            [NECK, SHOULDER, ARMPIT, 2.5, WAIST, HIP, CROTCH, KNEE]
        )
        self._widths = np.array(
            [
                0.3,
                build.shoulder,
                chest,
                chest * 0.96,
                build.waist,
                build.hip,
                build.hip * 0.97,
                build.hip * 0.8,
            ]
        )

    def half_width(self, y) -> np.ndarray:
        """Half-width of the torso at heights y, seen from the front."""
        return np.interp(y, self._heights, self._widths)

    def torso(self, y, s) -> np.ndarray:
        """Points of the torso at height y, s heads off its middle line."""
        pose = self.pose
        y, s = np.broadcast_arrays(np.asarray(y, float), np.asarray(s, float))
        down = np.clip((y - SHOULDER) / (HIP - SHOULDER), 0, 1)
        smooth = down * down * (3 - 2 * down)
        tilt = pose.shoulder_tilt * (1 - smooth) + pose.hip_tilt * smooth
        # Above the shoulders the neck stands straight again.
        tilt = np.where(y < SHOULDER, tilt * np.clip((y - 0.9) / 0.66, 0, 1), tilt)
        middle = pose.hip_shift * smooth + np.tan(pose.lean) * (
            HIP - np.minimum(y, HIP)
        )
        s = s * pose.squash
        return np.stack([middle + s * np.cos(tilt), y + s * np.sin(tilt)], axis=-1)

    def arm(self, side: int, num: int = 15) -> np.ndarray:
        """(num, 2) middle line from the shoulder joint to the wrist."""
        arm = self.pose.arms[0 if side < 0 else 1]
        shoulder = self.torso(SHOULDER + 0.12, side * (self.build.shoulder - 0.14))
        lift = arm.lift
        direction = np.array([side * np.sin(lift), np.cos(lift)])
        foreshorten = 0.8 if self.pose.view == 'side' else 1.0
        elbow = shoulder + UPPER_ARM * direction * (1, 1)
        angle = lift + arm.bend
        forearm = FOREARM * np.array([side * np.sin(angle), np.cos(angle)])
        if self.pose.view == 'side':
            forearm[0] *= foreshorten
        return bent_limb(shoulder, elbow, elbow + forearm, num)

    def leg(self, side: int, num: int = 15) -> np.ndarray:
        """(num, 2) middle line from the hip joint to the ankle."""
        thigh, shin = self.pose.legs[0 if side < 0 else 1]
        hip = self.torso(HIP + 0.2, side * self.build.hip * 0.52)
        knee = hip + (KNEE - HIP - 0.2) * np.array(
            [side * np.sin(thigh), np.cos(thigh)]
        )
        ankle = knee + (ANKLE - KNEE) * np.array([side * np.sin(shin), np.cos(shin)])
        return bent_limb(hip, knee, ankle, num)

    def arm_part(self, side: int, start: float = 0.0, stop: float = 1.0) -> Ladder:
        """The bare arm, or the part of it between two shares of its length."""
        share = np.linspace(start, stop, 15)
        line = at_fraction(self.arm(side, 41), share)
        widths = np.interp(
            share, [0, 0.05, 0.12, 0.5, 0.62, 1], [0.12, 0.16, 0.17, 0.125, 0.13, 0.08]
        )
        return tube(line, widths * self.build.limb)

    def hand_part(self, side: int) -> Ladder:
        """The hand, on along the forearm."""
        line = self.arm(side)
        direction = line[-1] - line[-2]
        direction /= np.hypot(*direction)
        centre = line[-1] + np.linspace(-0.05, 0.5, 7)[:, None] * direction
        return tube(
            centre,
            np.array([0.08, 0.1, 0.13, 0.135, 0.12, 0.09, 0.03]) * self.build.limb,
        )

    def leg_part(self, side: int) -> Ladder:
        """The bare leg."""
        line = self.leg(side)
        widths = np.interp(
            np.linspace(0, 1, len(line)),
            [0, 0.1, 0.52, 0.68, 1],
            [0.36, 0.35, 0.19, 0.2, 0.1],
        )
        squash = np.sqrt(self.pose.squash)
        return tube(line, widths * self.build.limb * squash)

    def shoe_part(self, side: int) -> Ladder:
        """The shoe, pointing to the viewer or to where the figure looks."""
        line = self.leg(side)
        ankle = line[-1]
        if self.pose.view == 'side':
            toe = ankle + (self.pose.facing * 0.62, 0.34)
            return tube(
                bent_limb(ankle - (0, 0.1), ankle + (0, 0.26), toe, 9, 0.4),
                np.array([0.12, 0.14, 0.16, 0.17, 0.17, 0.16, 0.14, 0.12, 0.06]),
            )
        centre = ankle + np.linspace(-0.1, 0.5, 8)[:, None] * np.array([side * 0.2, 1])
        return tube(
            centre, np.array([0.12, 0.13, 0.14, 0.15, 0.165, 0.165, 0.14, 0.07])
        )

    def torso_part(self) -> Ladder:
        """The bare torso, from the neck to the crotch."""
        y = np.linspace(SHOULDER - 0.14, CROTCH + 0.1, 20)
        half = np.where(
            y < SHOULDER + 0.05, self.build.shoulder - 0.16, self.half_width(y)
        )
        half = np.minimum(
            half,
            np.interp(
                y,
                [SHOULDER - 0.14, SHOULDER, ARMPIT],
                [0.3, self.build.shoulder - 0.08, 9],
            ),
        )
        return Ladder(self.torso(y, -half), self.torso(y, half))

    def neck_part(self) -> Ladder:
        """The neck."""
        y = np.linspace(0.85, SHOULDER + 0.12, 6)
        half = np.interp(y, [0.85, 1.2, NECK + 0.06, SHOULDER], [0.2, 0.19, 0.23, 0.42])
        half /= max(self.pose.squash, 0.8)
        return Ladder(self.torso(y, -half), self.torso(y, half))

    def head(self) -> tuple:
        """((2,) middle, half-width, half-height) of the head."""
        middle = self.torso(0.62, 0.0)
        if self.pose.view == 'side':
            middle = middle + (0.08 * self.pose.facing, 0)
        return middle, 0.355, 0.5
