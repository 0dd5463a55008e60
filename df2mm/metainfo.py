"""The facts of DeepFashion2's annotation: categories, landmarks, sigmas.

Landmark numbers here are 0-based. ``K`` = 294 landmarks over all categories;
those of one category are one contiguous slice of them.

Source: Ge et al., DeepFashion2, CVPR 2019, fig. 2 (landmark layouts) and the
dataset's repository (category ids, sigmas of its evaluator). The layouts in
``landmark_layouts.json`` were measured off that figure.
"""

import itertools
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

_LAYOUTS_FILE = Path(__file__).parent / 'landmark_layouts.json'

#: Names of the four levels-of-three, in the order of ``variations``.
VARIATIONS = ('scale', 'occlusion', 'zoom_in', 'viewpoint')

#: What level 1, 2, 3 of each variation means.
VARIATION_LEVELS = {
    'scale': ('small', 'moderate', 'large'),
    'occlusion': ('slight', 'medium', 'heavy'),
    'zoom_in': ('none', 'medium', 'large'),
    'viewpoint': ('no wear', 'frontal', 'side or back'),
}


@dataclass(frozen=True)
class Category:
    """One of the 13 categories and its landmark layout.

    Shapes: L landmarks of this category.

    Attributes:
        id (int): 1..13, as in the annotation files.
        name (str): As in the annotation files, such as ``short sleeve top``.
        coco_name (str): As in the authors' COCO files, such as
            ``short_sleeved_shirt``.
        prefix (str): mmpose's prefix of the landmark names, such as ``sss``.
        color (tuple[int]): RGB, mmpose's.
        start (int): Where its slice of the 294 begins.
        template (np.ndarray): (L, 2) as drawn in the figure, x and y
            normalised to the drawn garment's box; as drawn, so slightly
            asymmetric.
        aspect (float): Width / height at which the template looks right.
        contour (tuple[int]): The outline, as landmarks in order; closed.
        inner (tuple[tuple[int]]): Open lines inside the outline: neckline,
            straps, front opening.
        left_right (tuple[tuple[int]]): Pairs that a mirror image swaps.
        undrawn (tuple[tuple[int]]): Steps of ``contour`` that the figure does
            not draw: the hem gap of an open outwear.
        corners (tuple[tuple[int, int, float, float]]): Corners of the outline
            without a landmark: between landmarks a and b, at (x, y).
        sigmas (tuple[float]): L OKS sigmas.
    """

    id: int
    name: str
    coco_name: str
    prefix: str
    color: tuple
    start: int
    template: np.ndarray
    aspect: float
    contour: tuple
    inner: tuple
    left_right: tuple
    undrawn: tuple
    corners: tuple
    sigmas: tuple

    @property
    def label(self) -> int:
        """0..12, what a network predicts."""
        return self.id - 1

    @property
    def num_landmarks(self) -> int:
        return len(self.template)

    @property
    def slice(self) -> slice:
        """This category's part of the 294."""
        return slice(self.start, self.start + self.num_landmarks)

    @cached_property
    def skeleton(self) -> tuple:
        """Pairs of this category's landmarks that a drawing joins by a line."""
        ring = zip(self.contour, (*self.contour[1:], self.contour[0]), strict=True)
        lines = [line for inner in self.inner
                 for line in itertools.pairwise(inner)]
        undrawn = {frozenset(pair) for pair in self.undrawn}
        return tuple(
            pair for pair in (*ring, *lines) if frozenset(pair) not in undrawn)

    @cached_property
    def flip_indices(self) -> np.ndarray:
        """(L,) int64: where each landmark of a mirror image comes from."""
        indices = np.arange(self.num_landmarks)
        for left, right in self.left_right:
            indices[left], indices[right] = right, left
        return indices


def _read_categories() -> tuple:
    """The 13 categories, in the order of their ids."""
    def tuples(rows):
        return tuple(tuple(row) for row in rows)

    categories, start = [], 0
    for row in json.loads(_LAYOUTS_FILE.read_text()):
        template = np.array(row['landmarks'], dtype=np.float64)
        template.setflags(write=False)
        categories.append(Category(
            id=row['id'], name=row['name'], coco_name=row['coco_name'],
            prefix=row['prefix'], color=tuple(row['color']), start=start,
            template=template, aspect=row['aspect'], contour=tuple(row['contour']),
            inner=tuples(row['inner']), left_right=tuples(row['left_right']),
            undrawn=tuples(row['undrawn']), corners=tuples(row['corners']),
            sigmas=tuple(row['sigmas'])))
        start += len(template)
    return tuple(categories)


#: The 13 categories; index it by label, 0..12.
CATEGORIES: tuple[Category, ...] = _read_categories()
CATEGORY_NAMES: tuple[str, ...] = tuple(c.name for c in CATEGORIES)
NUM_CATEGORIES = len(CATEGORIES)
NUM_KEYPOINTS = sum(c.num_landmarks for c in CATEGORIES)
#: (13,) int64: how many landmarks each category has.
NUM_LANDMARKS = np.array([c.num_landmarks for c in CATEGORIES])
#: (13, 294) bool: which of the 294 belong to each category.
IN_CATEGORY = np.zeros((NUM_CATEGORIES, NUM_KEYPOINTS), bool)
for _category in CATEGORIES:
    IN_CATEGORY[_category.label, _category.slice] = True

#: (294,) int64: keypoint k of a mirror image is keypoint FLIP_INDICES[k].
FLIP_INDICES = np.concatenate([c.flip_indices + c.start for c in CATEGORIES])
#: (294,) float64, those of the official evaluator.
OKS_SIGMAS = np.concatenate([c.sigmas for c in CATEGORIES])
#: 294 names in mmpose's form, such as ``sss_kpt1`` (counted from 1).
KEYPOINT_NAMES: tuple[str, ...] = tuple(
    f'{c.prefix}_kpt{k + 1}' for c in CATEGORIES for k in range(c.num_landmarks))


def category_of(category_id: int) -> Category:
    """The category of an annotation's ``category_id``.

    Raises:
        KeyError: If it is not 1..13.
    """
    if category_id not in range(1, NUM_CATEGORIES + 1):
        raise KeyError(
            f'category_id must be in 1..{NUM_CATEGORIES}, got {category_id!r}')
    return CATEGORIES[category_id - 1]
