"""Curves and ladders: the plane geometry that garments and people are made of.

Everything here is in whatever unit the caller uses; y points down.
"""

from dataclasses import dataclass

import numpy as np


def catmull_rom(knots, num: int = 8) -> np.ndarray:
    """A smooth open curve through the knots.

    Args:
        knots (array): (n, 2), n >= 2.
        num (int): Samples a span.

    Returns:
        np.ndarray: ((n - 1) * num + 1, 2), starting and ending on the outer knots.
    """
    knots = np.asarray(knots, dtype=np.float64)
    padded = np.concatenate(
        [2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]]
    )
    t = np.arange(num)[None, :, None] / num
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    spans = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return np.concatenate([spans.reshape(-1, 2), knots[-1:]])


def arc_positions(points: np.ndarray) -> np.ndarray:
    """(n,) lengths along a polyline (n, 2), scaled to end at 1."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    lengths = np.concatenate([[0.0], np.cumsum(steps)])
    return lengths / max(lengths[-1], 1e-9)


def at_fraction(points: np.ndarray, fractions) -> np.ndarray:
    """(k, 2) points of a polyline at fractions (k,) of its length."""
    positions = arc_positions(points)
    return np.stack(
        [np.interp(fractions, positions, points[:, axis]) for axis in (0, 1)], axis=-1
    )


def resample(points: np.ndarray, num: int) -> np.ndarray:
    """(num, 2) points, evenly spaced along the polyline."""
    return at_fraction(points, np.linspace(0, 1, num))


def rotate(vectors, angle: float) -> np.ndarray:
    """Vectors (..., 2) turned by ``angle`` radians, clockwise on the screen."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(vectors) @ np.array([[cos, sin], [-sin, cos]])


#: Cloth coordinates are no better for more cells than this, and cost more.
_MAX_CELLS = 8


@dataclass
class Ladder:
    """A bent strip of cloth or limb: rungs from a left to a right edge.

    It gives each point of the plane cloth coordinates: ``u`` across, 0 on the
    left edge and 1 on the right, ``v`` along, 0 on the first rung and 1 on the
    last.

    Shapes: R rungs.

    Attributes:
        left (np.ndarray): (R, 2).
        right (np.ndarray): (R, 2).
    """

    left: np.ndarray
    right: np.ndarray

    def outline(self) -> np.ndarray:
        """(2R, 2): down the left edge and back up the right."""
        return np.concatenate([self.left, self.right[::-1]])

    def rung_positions(self) -> np.ndarray:
        """(R,) ``v`` of each rung: the fraction of the middle line before it."""
        return arc_positions((self.left + self.right) / 2)

    def transformed(self, affine: np.ndarray) -> 'Ladder':
        """The ladder under a (2, 3) affine map."""
        return Ladder(apply_affine(affine, self.left), apply_affine(affine, self.right))

    def coordinates(self, x0: int, y0: int, width: int, height: int):
        """Cloth coordinates of the pixels of a window.

        Between two rungs, ``v`` divides by the distances to the two rung lines,
        so neighbouring cells agree on the rung they share.

        Returns:
            tuple[np.ndarray]: u and v, each (height, width) float32. Where no
            cell is near, they are 0.5 and the nearest row's v.
        """
        if len(self.left) > _MAX_CELLS + 1:
            keep = (
                np.linspace(0, len(self.left) - 1, _MAX_CELLS + 1).round().astype(int)
            )
            return Ladder(self.left[keep], self.right[keep]).coordinates(
                x0, y0, width, height
            )
        u = np.full((height, width), 0.5, np.float32)
        v = np.zeros((height, width), np.float32)
        assigned = np.full((height, width), np.inf, np.float32)
        positions = self.rung_positions()
        for i in range(len(self.left) - 1):
            corners = np.stack(
                [self.left[i], self.right[i], self.left[i + 1], self.right[i + 1]]
            )
            # A margin, so that the mask's soft edge finds coordinates too.
            margin = 3 + 0.12 * np.ptp(corners[:, 0])
            low = np.floor(corners.min(0) - margin).astype(int) - (x0, y0)
            high = np.ceil(corners.max(0) + margin).astype(int) + 1 - (x0, y0)
            left, top = np.maximum(low, 0)
            right, bottom = np.minimum(high, (width, height))
            if left >= right or top >= bottom:
                continue
            window = np.s_[top:bottom, left:right]
            px = np.arange(left, right, dtype=np.float32)[None] + (x0 + 0.5)
            py = np.arange(top, bottom, dtype=np.float32)[:, None] + (y0 + 0.5)
            cell_u, cell_t = self._cell(i, px, py)
            # The last and first cells also serve what lies beyond the ends.
            slack_low = 9.0 if i == 0 else 0.02
            slack_high = 9.0 if i == len(self.left) - 2 else 0.02
            off = np.abs(cell_u - 0.5)
            better = (
                (cell_t >= -slack_low)
                & (cell_t <= 1 + slack_high)
                & (off < assigned[window])
            )
            cell_t = np.clip(cell_t, 0, 1)
            cell_v = positions[i] + cell_t * (positions[i + 1] - positions[i])
            np.copyto(u[window], cell_u, where=better)
            np.copyto(v[window], cell_v, where=better)
            np.copyto(assigned[window], off, where=better)
        return np.clip(u, 0, 1), v

    def _cell(self, i: int, px, py):
        """(u, t) of pixels by cell i; t is 0 on rung i and 1 on rung i + 1."""
        distances = []
        for k in (i, i + 1):
            across = self.right[k] - self.left[k]
            across = across / max(np.hypot(*across), 1e-6)
            distances.append(
                np.float32(across[0]) * (py - np.float32(self.left[k, 1]))
                - np.float32(across[1]) * (px - np.float32(self.left[k, 0]))
            )
        span = distances[0] - distances[1]
        span = np.where(np.abs(span) < 1e-4, np.float32(1e-4), span)
        t = distances[0] / span
        inside = np.clip(t, 0, 1)
        step_l = (self.left[i + 1] - self.left[i]).astype(np.float32)
        step_r = (self.right[i + 1] - self.right[i]).astype(np.float32)
        lx = np.float32(self.left[i, 0]) + inside * step_l[0]
        ly = np.float32(self.left[i, 1]) + inside * step_l[1]
        ax = np.float32(self.right[i, 0]) + inside * step_r[0] - lx
        ay = np.float32(self.right[i, 1]) + inside * step_r[1] - ly
        u = ((px - lx) * ax + (py - ly) * ay) / np.maximum(ax * ax + ay * ay, 1e-6)
        return u, t


def apply_affine(affine: np.ndarray, points) -> np.ndarray:
    """Points (..., 2) under a (2, 3) affine map."""
    return np.asarray(points) @ affine[:, :2].T + affine[:, 2]


def tube(centre: np.ndarray, half_widths: np.ndarray) -> Ladder:
    """A ladder around a polyline.

    Args:
        centre (np.ndarray): (R, 2).
        half_widths (np.ndarray): (R,).

    Returns:
        Ladder: For a centre that runs down, ``left`` is on the left.
    """
    tangent = np.gradient(centre, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=-1)
    offset = normal * np.asarray(half_widths)[:, None]
    return Ladder(centre + offset, centre - offset)


def bent_limb(start, joint, end, num: int = 15, bend: float = 0.3) -> np.ndarray:
    """(num, 2) middle line of a limb, rounded where it bends at ``joint``."""
    start, joint, end = (np.asarray(p, dtype=np.float64) for p in (start, joint, end))
    before, after = joint + bend * (start - joint), joint + bend * (end - joint)
    t = np.linspace(0, 1, 7)[:, None]
    corner = (1 - t) ** 2 * before + 2 * t * (1 - t) * joint + t**2 * after
    return resample(np.concatenate([start[None], corner, end[None]]), num)
