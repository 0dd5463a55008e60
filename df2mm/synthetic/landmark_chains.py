"""Along which edges of an upper garment its landmarks lie, in which order."""

from dataclasses import dataclass


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
