"""Garments without a body: laid on a table, a floor, a bed, or hung up.

Photos of garments to sell or to search for are mostly such, and taken by hand:
a little turned, seen at a slant, and filling the picture.
"""

import numpy as np

from df2mm.synthetic.annotating import Worn
from df2mm.synthetic.clothing import make_cloth, paint_garment
from df2mm.synthetic.framing import extent_points, frame
from df2mm.synthetic.garments import build_garment
from df2mm.synthetic.geometry import apply_affine, catmull_rom, tube
from df2mm.synthetic.painting import Canvas
from df2mm.synthetic.people import NECK, SHOULDER, Build, Figure, sample_pose
from df2mm.synthetic.wardrobe import SceneSpec, slot

__all__ = ['arrange']

#: The body that they are cut for.
_TAILOR = Build(0.88, 0.7, 0.6, 0.74, 1.0, (0, 0, 0), (0, 0, 0), 0.0, (0, 0, 0))

_TORSO = (
    'hood',
    'lining',
    'strap-1',
    'strap1',
    'body',
    'leg-1',
    'leg1',
    'skirt',
    'collar',
)
_SLEEVES = ('sleeve-1', 'sleeve1')
_FRONTS = ('front-1', 'front1')


def arrange(rng, spec: SceneSpec, canvas: Canvas, view: str) -> list:
    """Paint garments that nobody wears.

    Args:
        rng (Generator): Decides what ``spec`` leaves open.
        spec (SceneSpec): What there is to see; its first two garments are shown,
            of what hangs the first alone.
        canvas (Canvas): Painted on.
        view (str): 'flat' or 'hung'.

    Returns:
        list[Worn]: The garments, in pixels.
    """
    light = rng.uniform(-1, 1)
    identities = list(spec.identities)[: 2 if view == 'flat' else 1]
    slant = _slant(rng, spec.source)
    built = [
        build_garment(i.cut, Figure(_TAILOR, sample_pose(rng, view))).transformed(slant)
        for i in identities
    ]
    extent = float(np.clip(rng.normal(0.9, 0.15), 0.45, 1.1))
    if len(built) == 2:
        placed = _side_by_side(rng, built)
        built = [g.transformed(a) for g, a in zip(built, placed, strict=True)]
        extent = min(extent * 1.1, 1.05)
    affine = frame(
        rng, canvas, extent_points(built), extent, _turn(rng, spec.source, view)
    )
    if view == 'hung':
        _hanger(rng, canvas, built[0], slant, affine, slot(identities[0].cut))
    worn = []
    for index, (identity, garment) in enumerate(zip(identities, built, strict=True)):
        garment = garment.transformed(affine)
        cloth = make_cloth(rng, identity, garment, canvas.unit, light)
        worn.append(Worn(identity, garment, cloth))
        order = (*_SLEEVES, *_TORSO) if rng.random() < 0.5 else (*_TORSO, *_SLEEVES)
        paint_garment(canvas, worn[-1], index, (*order, *_FRONTS), on_all=True)
    return worn


def _slant(rng, source: str) -> np.ndarray:
    """(2, 3) how a camera that is not straight above sees a plane, far away."""
    low, skew = (0.88, 0.05) if source == 'user' else (0.95, 0.015)
    squeeze = rng.uniform(low, 1.06)
    return np.array([[1, rng.normal(0, skew), 0], [0, squeeze, 0]])


def _turn(rng, source: str, view: str) -> float:
    """Radians: what lies on a floor is photographed from any side of it."""
    if view == 'flat' and rng.random() < (0.12 if source == 'user' else 0.03):
        return rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, 0.1)
    return rng.normal(0, 0.1 if source == 'user' and view == 'flat' else 0.04)


def _side_by_side(rng, built) -> list:
    """Affine maps that put the second garment beside or below the first."""
    first, second = (extent_points([g]) for g in built)
    if rng.random() < 0.5:
        shift = (
            first[:, 0].max() - second[:, 0].min() + rng.uniform(-0.1, 0.4),
            first[:, 1].mean() - second[:, 1].mean() + rng.uniform(-0.5, 0.5),
        )
    else:
        shift = (
            first[:, 0].mean() - second[:, 0].mean() + rng.uniform(-0.8, 0.8),
            first[:, 1].max() - second[:, 1].min() + rng.uniform(-0.5, 0.2),
        )
    return [np.eye(2, 3), np.array([[1, 0, shift[0]], [0, 1, shift[1]]], float)]


def _hanger(rng, canvas: Canvas, garment, slant, affine, where: str) -> None:
    """A hanger behind a garment, and now and then the rail that it hangs on."""
    if where == 'lower':
        # Clipped at the waistband: its corners are landmarks 1 and 3.
        left, middle, right = garment.landmarks[:3]
        reach = (right - left) * 0.06
        bar = np.stack([left - reach, right + reach]) - (0, 0.1)
        middle = middle - (0, 0.1)
    else:
        half = _TAILOR.shoulder - rng.uniform(0.02, 0.16)
        ends = np.array([[-half, SHOULDER + 0.12], [half, SHOULDER + 0.12]])
        middle = apply_affine(slant, np.array([0.0, NECK - 0.02]))
        ends = apply_affine(slant, ends)
        bar = catmull_rom([ends[0], middle + (0, 0.04), ends[1]], 10)
    color = np.array(
        [(0.06, 0.06, 0.07), (0.9, 0.9, 0.9), (0.62, 0.44, 0.26), (0.6, 0.6, 0.62)][
            int(rng.integers(4))
        ]
    )
    thickness = rng.uniform(0.03, 0.08)
    height = rng.uniform(0.45, 0.8)
    angle = np.linspace(0, 1.35 * np.pi, 12)
    curl = middle - (0, height) + 0.16 * np.stack([-np.cos(angle), -np.sin(angle)], -1)
    hook = np.concatenate([[middle, middle - (0, 0.5 * height)], curl + (0.16, 0.1)])
    if rng.random() < 0.35:
        top = curl[:, 1].min() + 0.1
        rail = np.array([[-20.0, top], [20.0, top]])
        _rod(canvas, rail, affine, 0.07, rng.uniform(0.05, 0.9) * np.ones(3))
    _rod(canvas, hook, affine, 0.022, rng.choice([0.15, 0.65, 0.8]) * np.ones(3))
    _rod(canvas, bar, affine, thickness, color)


def _rod(canvas: Canvas, line, affine, half: float, color) -> None:
    """A round bar along a line in heads."""
    outline = tube(np.asarray(line, float), np.full(len(line), half)).outline()
    canvas.fill(
        [apply_affine(affine, outline)], color, shadow=0.25, edge=0.2, on_all=True
    )
