"""The subsets of the paper: every figure by scale, occlusion, zoom-in, viewpoint.

For a level, such as heavy occlusion, the images count that hold an item of it. In
them items of other levels are ignored, so that a detection matched to one is
neither right nor wrong, and all other detections count. In retrieval the query
items of the level count. The paper does not say how it made its subsets, and no
public code makes them: this is df2mm's definition.
"""

from dataclasses import dataclass

import numpy as np

from df2mm.metainfo import VARIATION_LEVELS, VARIATIONS


@dataclass(frozen=True)
class Level:
    """One of the 12 levels.

    Attributes:
        variation (str): Such as ``zoom_in``.
        number (int): 1..3.
        name (str): Such as ``side or back``.
    """

    variation: str
    number: int
    name: str

    @property
    def key(self) -> str:
        """As it ends a metric's name, such as ``viewpoint_side_or_back``."""
        return f'{self.variation}_{self.name.replace(" ", "_")}'

    @property
    def title(self) -> str:
        """As a person reads it alone, such as ``zoom-in: none``."""
        return f'{self.variation.replace("_", "-")}: {self.name}'

    def items(self, variations) -> np.ndarray:
        """(N,) bool: which of (N, 4) variations are of this level."""
        return variations[:, VARIATIONS.index(self.variation)] == self.number


#: All 12, in the order of the paper's columns.
LEVELS = tuple(Level(variation, number + 1, name) for variation in VARIATIONS
               for number, name in enumerate(VARIATION_LEVELS[variation]))


def check_levels_known(variations, where: str = 'the ground truth') -> None:
    """Raise ValueError if no item has levels, as in the authors' COCO files."""
    if not np.any(variations):
        raise ValueError(
            f'subsets need scale, occlusion, zoom_in and viewpoint of the items, but '
            f'{where} says none of them. The raw annotation does: `python '
            'tools/data.py convert` makes annotations/validation.json with them')
