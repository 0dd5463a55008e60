"""Cuts: how a garment of each category is proportioned.

A cut is what stays the same wherever one garment is seen; pose, view and framing
change around it. Lengths are in heads (see people.py).
"""

from dataclasses import dataclass, replace

import numpy as np

from df2mm.metainfo import CATEGORIES
from df2mm.synthetic.people import ANKLE, CROTCH, HIP, KNEE, WAIST

SLEEVELESS = ('vest', 'sling', 'vest dress', 'sling dress')
OUTWEAR = ('short sleeve outwear', 'long sleeve outwear')
LOWER = ('shorts', 'trousers', 'skirt')


@dataclass(frozen=True)
class Cut:
    """The proportions of one garment.

    Attributes:
        category_id (int): 1..13.
        hem (float): Height of the hem.
        ease (float): Half-width beyond the body's.
        straight (float): 0 follows the waist, 1 hangs straight from the armpit.
        flare (float): Half-width gained for each head below the waist.
        hem_curve (float): How much lower the hem's middle is than its corners.
        neck_half, neck_depth (float): Half-width and depth of the neckline.
        neck (str): 'crew', 'scoop', 'v', 'square', 'boat', 'turtleneck'.
        shoulder (float): Shoulder point beyond the body's (negative: inside); of
            a vest, the width of its strap.
        armhole (float): Armpit below the body's.
        sleeve (float): Share of the arm that is covered.
        sleeve_width, cuff_width (float): Half-widths at the elbow and the cuff
            beyond the arm's.
        gap (float): Half-width of an open front.
        waist (float): Height of a lower garment's waistband.
        details (tuple[str]): Collar, placket, pockets and the like.
    """

    category_id: int
    hem: float
    ease: float
    straight: float
    flare: float
    hem_curve: float
    neck_half: float
    neck_depth: float
    neck: str
    shoulder: float
    armhole: float
    sleeve: float
    sleeve_width: float
    cuff_width: float
    gap: float
    waist: float
    details: tuple

    @property
    def name(self) -> str:
        return CATEGORIES[self.category_id - 1].name


def _choose(rng, options: dict):
    """A key, by its weight."""
    names = list(options)
    weights = np.array([options[name] for name in names], float)
    return names[rng.choice(len(names), p=weights / weights.sum())]


def _neckline(rng, name: str) -> tuple:
    """(kind, half-width, depth)."""
    if name in OUTWEAR:
        return 'v', rng.uniform(0.26, 0.38), rng.uniform(0.35, 1.0)
    if name.startswith('sling'):
        kind = _choose(rng, {'scoop': 3, 'v': 3, 'square': 2})
        return kind, rng.uniform(0.36, 0.5), rng.uniform(0.12, 0.45)
    kind = _choose(
        rng,
        {
            'crew': 5,
            'scoop': 2,
            'v': 3,
            'square': 0.7,
            'boat': 1,
            'turtleneck': 1.2 if name.startswith('long') else 0.2,
        },
    )
    half, depth = {
        'crew': ((0.27, 0.36), (0.22, 0.34)),
        'scoop': ((0.32, 0.5), (0.4, 0.75)),
        'v': ((0.27, 0.4), (0.5, 1.0)),
        'square': ((0.38, 0.52), (0.35, 0.6)),
        'boat': ((0.5, 0.62), (0.14, 0.22)),
        'turtleneck': ((0.24, 0.28), (0.1, 0.16)),
    }[kind]
    return kind, rng.uniform(*half), rng.uniform(*depth)


def _details(rng, name: str, neck: str) -> tuple:
    chosen = []
    if name in OUTWEAR:
        chosen.append(_choose(rng, {'lapel': 3, 'collar': 2, 'hood': 1.5, 'none': 1}))
        chosen += ['pockets'] * (rng.random() < 0.6) + ['buttons'] * (
            rng.random() < 0.6
        )
    elif name in LOWER:
        chosen += ['waistband'] * (rng.random() < 0.8)
        if name != 'skirt' or rng.random() < 0.45:
            chosen += ['fly'] * (rng.random() < 0.7) + ['pockets'] * (
                rng.random() < 0.7
            )
        if name == 'trousers':
            chosen += ['crease'] * (rng.random() < 0.35)
            chosen += ['side stripe'] * (rng.random() < 0.15)
        if name == 'skirt':
            chosen += ['pleats'] * (rng.random() < 0.35)
            chosen += ['slit'] * (rng.random() < 0.2)
            if 'fly' not in chosen:
                chosen += ['button front'] * (rng.random() < 0.2)
    else:
        if neck in ('crew', 'v') and name not in SLEEVELESS:
            chosen.append(
                _choose(
                    rng,
                    {
                        'none': 5,
                        'shirt': 2,
                        'polo': 1.3,
                        'hood': (1.5 if name == 'long sleeve top' else 0.1),
                    },
                )
            )
        chosen += ['pouch'] * ('hood' in chosen and rng.random() < 0.6)
        chosen += ['chest pocket'] * (rng.random() < 0.12)
        chosen += ['trim'] * (rng.random() < 0.35)
        if 'dress' in name:
            chosen += ['belt'] * (rng.random() < 0.45)
            chosen += ['tiers'] * (rng.random() < 0.2)
            chosen += ['pleats'] * (rng.random() < 0.2)
    return tuple(name for name in chosen if name != 'none')


def _sleeves(rng, name: str) -> tuple:
    """(share of the arm, width at the elbow, at the cuff)."""
    if name in SLEEVELESS or name in LOWER:
        return 0.0, 0.0, 0.0
    if name.startswith('short'):
        share = rng.uniform(0.2, 0.5) if name in OUTWEAR else rng.uniform(0.16, 0.46)
        width = rng.uniform(0.06, 0.24)
        return share, width, width + rng.uniform(-0.04, 0.1)
    share = _choose(rng, {'long': 5, 'three quarter': 1, 'over': 1})
    share = {
        'long': rng.uniform(0.93, 1.0),
        'three quarter': rng.uniform(0.68, 0.85),
        'over': rng.uniform(1.0, 1.1),
    }[share]
    width = rng.uniform(0.04, 0.2) + (0.05 if name in OUTWEAR else 0)
    return share, width, max(0.03, width * rng.uniform(0.35, 1.6))


def _lengths(rng, name: str) -> tuple:
    """(hem height, waistband height)."""
    waist = rng.uniform(WAIST - 0.1, WAIST + 0.5)
    if name == 'shorts':
        return rng.uniform(CROTCH + 0.35, KNEE - 0.1), waist
    if name == 'trousers':
        return _choose(rng, {'full': 5, 'cropped': 2}), waist
    if name == 'skirt':
        low, high = {
            'mini': (4.5, 5.2),
            'knee': (5.2, 6.0),
            'midi': (6.0, 6.6),
            'maxi': (6.6, 7.1),
        }[_choose(rng, {'mini': 4, 'knee': 3, 'midi': 2.5, 'maxi': 1})]
        return rng.uniform(low, high), waist
    if 'dress' in name:
        low, high = {
            'mini': (4.7, 5.3),
            'knee': (5.3, 6.0),
            'midi': (6.0, 6.6),
            'maxi': (6.6, 7.15),
        }[_choose(rng, {'mini': 3, 'knee': 4, 'midi': 2.5, 'maxi': 1.5})]
        return rng.uniform(low, high), 0.0
    if name in OUTWEAR:
        return _choose(rng, {'short': 3, 'hip': 4, 'long': 2}), 0.0
    length = _choose(rng, {'crop': 1.5, 'hip': 6, 'tunic': 1})
    return {
        'crop': rng.uniform(WAIST - 0.15, WAIST + 0.25),
        'hip': rng.uniform(HIP - 0.35, CROTCH + 0.05),
        'tunic': rng.uniform(CROTCH, CROTCH + 0.5),
    }[length], 0.0


_HEMS = {
    'full': (ANKLE - 0.25, ANKLE + 0.25),
    'cropped': (KNEE + 0.35, ANKLE - 0.3),
    'short': (WAIST - 0.1, WAIST + 0.5),
    'hip': (HIP - 0.2, CROTCH + 0.3),
    'long': (CROTCH + 0.4, KNEE + 0.7),
}


def sample_cut(rng: np.random.Generator, category_id: int) -> Cut:
    """A garment of this category."""
    name = CATEGORIES[category_id - 1].name
    neck, neck_half, neck_depth = _neckline(rng, name)
    hem, waist = _lengths(rng, name)
    if isinstance(hem, str):
        hem = rng.uniform(*_HEMS[hem])
    sleeve, sleeve_width, cuff_width = _sleeves(rng, name)
    outer = 0.08 if name in OUTWEAR else 0.0
    ease = outer + (
        rng.uniform(0.0, 0.06) if rng.random() < 0.5 else rng.uniform(0.06, 0.2)
    )
    straight = rng.uniform(0.0, 0.4) if ease < 0.1 else rng.uniform(0.5, 1.0)
    shoulder = rng.uniform(-0.1, 0.03) + 0.45 * ease
    if name.startswith('vest'):
        shoulder = rng.uniform(0.14, 0.34)
    flare = 0.0
    if 'dress' in name or name == 'skirt':
        flare = float(rng.choice([0.0, 0.1, 0.22, 0.36])) * rng.uniform(0.7, 1.3)
    elif name in LOWER:
        flare = float(rng.choice([-0.06, 0.0, 0.06, 0.14])) * rng.uniform(0.6, 1.4)
    elif rng.random() < 0.3:
        flare = rng.uniform(0.04, 0.15)
    return Cut(
        category_id=category_id,
        hem=float(hem),
        ease=float(ease),
        straight=float(straight),
        flare=float(flare),
        hem_curve=float(rng.uniform(-0.02, 0.1) + 0.15 * flare),
        neck_half=float(neck_half),
        neck_depth=float(neck_depth),
        neck=neck,
        shoulder=float(shoulder),
        armhole=float(rng.uniform(-0.02, 0.14) + ease * 0.5),
        sleeve=float(sleeve),
        sleeve_width=float(sleeve_width),
        cuff_width=float(cuff_width),
        gap=float(_choose(rng, {rng.uniform(0.0, 0.04): 1, rng.uniform(0.08, 0.4): 2})),
        waist=float(waist),
        details=_details(rng, name, neck),
    )


def recut(rng: np.random.Generator, cut: Cut) -> Cut:
    """Another garment of the same category that is cut visibly otherwise."""
    for _ in range(20):
        other = sample_cut(rng, cut.category_id)
        if (
            abs(other.hem - cut.hem) > 0.4
            or abs(other.flare - cut.flare) > 0.15
            or (other.neck != cut.neck and other.details != cut.details)
        ):
            break
    return replace(other, waist=cut.waist)
