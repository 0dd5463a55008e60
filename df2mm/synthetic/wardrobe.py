"""What there is to see: identities, and which image shows which of them.

The plan of a split is made first, in one place and from one generator, so that
images can then be painted in any order by any number of workers.

Numbers follow the authors' validation files (items an image, images an
identity, styles a pair, shares of the categories), with one departure: the
shares of categories are drawn by the square root of the real ones and never
below 3.5 %, because a category of 0.2 % is not learnt from a few thousand images.
"""

from dataclasses import dataclass

import numpy as np

from df2mm.metainfo import CATEGORIES, CATEGORY_NAMES
from df2mm.synthetic.cuts import LOWER, OUTWEAR, Cut, recut, sample_cut
from df2mm.synthetic.fabrics import FabricSpec, recolor, repattern, sample_fabric

#: Share of the user items of each category in the real data, in percent.
REAL_SHARES = (23.0, 13.4, 0.2, 4.0, 4.5, 1.0, 5.1, 13.0, 15.0, 6.8, 3.4, 7.9, 2.7)
_MIN_SHARE = 0.035

#: Fabrics that a category is seldom made of.
_UNLIKELY = {
    'trousers': ('print', 'lace'),
    'shorts': ('print', 'lace'),
    'skirt': ('print',),
    'long sleeve outwear': ('print', 'lace'),
    'short sleeve outwear': ('print', 'lace'),
}


@dataclass(frozen=True)
class Identity:
    """A garment that can be met again: what a shop sells under one number.

    ``style`` 0 is a garment that no shop image shows.
    """

    pair_id: int
    style: int
    cut: Cut
    fabric: FabricSpec


@dataclass(frozen=True)
class SceneSpec:
    """One image to be painted.

    Attributes:
        img_id (int): From 1; names the files.
        source (str): 'user' or 'shop'.
        pair_id (int): Of the image.
        identities (tuple[Identity]): What is worn or laid out, the item the
            picture is about first.
        seed (tuple[int]): For the generator of everything else.
    """

    img_id: int
    source: str
    pair_id: int
    identities: tuple
    seed: tuple


def category_shares() -> np.ndarray:
    """(13,) the share of each category in a plan's identities."""
    shares = np.sqrt(np.array(REAL_SHARES))
    shares = np.maximum(shares / shares.sum(), _MIN_SHARE)
    return shares / shares.sum()


def _slot_of(name: str) -> str:
    if name in LOWER:
        return 'lower'
    if name in OUTWEAR:
        return 'outer'
    return 'dress' if 'dress' in name else 'upper'


def slot(cut: Cut) -> str:
    """Where it is worn: 'upper', 'lower', 'dress' or 'outer'."""
    return _slot_of(cut.name)


def covers(over: Cut, under: Cut) -> bool:
    """Whether ``over``, worn with ``under``, leaves too little of it to be seen."""
    slots = slot(over), slot(under)
    if slots[1] == 'lower' and slots[0] in ('upper', 'outer'):
        return over.hem > under.hem - 0.5
    if slots[0] == 'outer' and over.gap < 0.1:
        return slots[1] == 'upper' or over.hem > under.hem - 0.8
    return False


class Wardrobe:
    """Makes garments, some of them easily taken for an earlier one."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self._seen = {label: [] for label in range(len(CATEGORIES))}

    def garment(self, label: int) -> tuple:
        """(cut, fabric) of a new garment.

        One in three has an earlier garment's cut in another colour, one in five
        its colour in another cut or pattern: retrieval has to look at both.
        """
        rng, seen = self.rng, self._seen[label]
        chance = rng.random()
        if seen and chance < 0.33:
            cut, fabric = seen[rng.integers(len(seen))]
            fabric = (
                recolor(fabric, rng) if rng.random() < 0.6 else self.fabric(cut.name)
            )
        elif seen and chance < 0.53:
            cut, fabric = seen[rng.integers(len(seen))]
            if rng.random() < 0.6:
                cut = recut(rng, cut)
            else:
                fabric = repattern(fabric, rng)
        else:
            cut = sample_cut(rng, label + 1)
            fabric = self.fabric(cut.name)
        seen.append((cut, fabric))
        del seen[:-40]
        return cut, fabric

    def fabric(self, name: str) -> FabricSpec:
        """A fabric that a category is made of."""
        denim = {'trousers': 0.3, 'shorts': 0.3, 'skirt': 0.2}.get(name, 0.0)
        if denim and self.rng.random() < denim:
            return sample_fabric(self.rng, 'denim')
        for _ in range(20):
            fabric = sample_fabric(self.rng)
            if fabric.kind not in _UNLIKELY.get(name, ()):
                break
        return fabric

    def label(self, slots=None) -> int:
        """A category, by its share, among those worn in one of ``slots``."""
        shares = category_shares()
        if slots is not None:
            shares = shares * [_slot_of(name) in slots for name in CATEGORY_NAMES]
        return int(self.rng.choice(len(shares), p=shares / shares.sum()))


def plan_split(num_images: int, seed: tuple, first_pair_id: int = 1) -> list:
    """Which image shows what.

    Every identity that a user image shows is shown by a shop image too.

    Args:
        num_images (int): At least 2.
        seed (tuple[int]): Decides everything.
        first_pair_id (int): Pairs are numbered from here.

    Returns:
        list[SceneSpec]: ``num_images`` of them, ids from 1.

    Raises:
        ValueError: If ``num_images`` is below 2.
    """
    if num_images < 2:
        raise ValueError(
            f'a split needs at least 2 images, a user and a shop one, got {num_images}'
        )
    rng = np.random.default_rng(seed)
    wardrobe, specs, pair_id = Wardrobe(rng), [], first_pair_id
    while len(specs) < num_images:
        left = num_images - len(specs)
        shown = _plan_pair(wardrobe, pair_id, left)
        for source, identities in shown:
            img_id = len(specs) + 1
            specs.append(
                SceneSpec(img_id, source, pair_id, identities, (*seed, pair_id, img_id))
            )
        pair_id += 1
    return specs


def _plan_pair(wardrobe: Wardrobe, pair_id: int, room: int) -> list:
    """[(source, identities)] of one pair, at most ``room`` of them."""
    rng = wardrobe.rng
    num_styles = int(rng.choice([1, 2, 3, 4, 5], p=[0.39, 0.37, 0.13, 0.07, 0.04]))
    # Medians of 2 and 3, long tails.
    num_users = min(1 + int(rng.geometric(0.42)) - (rng.random() < 0.4), 12)
    num_shops = min(int(rng.geometric(0.28)), 14)
    if room <= 3 or num_styles + 1 > room:
        num_styles, num_users, num_shops = 1, room // 2, room - room // 2
    num_shops = max(num_shops, num_styles)
    while num_users + num_shops > room:
        if num_users > 1:
            num_users -= 1
        else:
            num_shops -= 1
    # A single image left over cannot hold a user's item and its shop's.
    if room - num_users - num_shops == 1:
        num_shops += 1
    identities = _identities(wardrobe, pair_id, num_styles)
    shown = []
    for index in range(num_shops):
        main = identities[index % num_styles]
        with_it = _wear_with(wardrobe, main, identities, 0.12)
        shown.append(('shop', with_it))
    shop_styles = {i.style for i in identities[:num_shops]}
    for index in range(num_users):
        main = identities[
            int(rng.integers(num_styles)) if index >= num_styles else index
        ]
        with_it = _wear_with(
            wardrobe, main, [i for i in identities if i.style in shop_styles], 0.5
        )
        shown.append(('user', with_it))
    return shown


def _identities(wardrobe: Wardrobe, pair_id: int, num_styles: int) -> list:
    """The styles of one pair: an outfit, or one cut in several colours."""
    rng = wardrobe.rng
    first = wardrobe.garment(wardrobe.label())
    identities = [Identity(pair_id, 1, *first)]
    for style in range(2, num_styles + 1):
        if rng.random() < 0.45:
            cut, fabric = identities[0].cut, recolor(identities[0].fabric, rng)
        else:
            cut, fabric = wardrobe.garment(wardrobe.label(_fits(identities[0].cut)))
        identities.append(Identity(pair_id, style, cut, fabric))
    return identities


def _fits(cut: Cut) -> tuple:
    """The slots that go with a garment in one outfit."""
    return {
        'upper': ('lower', 'lower', 'outer'),
        'lower': ('upper', 'outer'),
        'dress': ('outer',),
        'outer': ('upper', 'lower', 'dress'),
    }[slot(cut)]


def _wear_with(wardrobe: Wardrobe, main: Identity, identities, chance: float) -> tuple:
    """``main`` with others of the pair that can be worn at the same time."""
    worn = [main]
    for other in identities:
        taken = {slot(w.cut) for w in worn}
        free = slot(other.cut) not in taken
        if 'dress' in taken:
            free &= slot(other.cut) == 'outer'
        if slot(other.cut) == 'dress':
            free &= not taken & {'upper', 'lower'}
        free &= not any(
            covers(w.cut, other.cut) or covers(other.cut, w.cut) for w in worn
        )
        if other is not main and free and wardrobe.rng.random() < chance:
            worn.append(other)
    return tuple(worn)


def complete_outfit(rng: np.random.Generator, identities: tuple, pair_id: int) -> list:
    """Identities to wear: those given, and unidentified ones (style 0) for the rest.

    Returns:
        list[Identity]: Those given first.
    """
    worn = list(identities)
    taken = {slot(i.cut) for i in worn}
    wardrobe = Wardrobe(rng)
    missing = []
    if not taken & {'upper', 'dress'}:
        missing.append('upper')
    if not taken & {'lower', 'dress'}:
        missing.append('lower')
    if 'outer' not in taken and rng.random() < 0.06:
        missing.append('outer')
    for name in missing:
        for _ in range(50):
            cut, fabric = wardrobe.garment(wardrobe.label((name,)))
            if not any(covers(cut, other.cut) for other in identities):
                worn.append(Identity(pair_id, 0, cut, fabric))
                break
    return worn
