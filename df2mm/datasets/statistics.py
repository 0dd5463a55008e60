"""What a dataset holds: counts by category, source, variation, identity, pair.

Source: Ge et al., DeepFashion2, CVPR 2019, sec. 3, for what is counted; a user
item and a shop item are a pair when their pair_id is equal and their style is
equal and greater than 0.
"""

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from df2mm.datasets.statistics_figure import draw_figure
from df2mm.metainfo import (
    CATEGORIES,
    CATEGORY_NAMES,
    NUM_CATEGORIES,
    VARIATION_LEVELS,
    VARIATIONS,
    category_of,
)
from df2mm.visualization.tables import format_table

__all__ = ['SOURCES', 'Statistics', 'collect', 'draw_figure', 'format_tables']

#: The columns of what is counted by source; the last where a file does not say.
SOURCES = ('user', 'shop', 'unknown')
_PERCENTILES = (10, 50, 90)


def _zeros(*shape):
    """A maker of counts of this shape."""
    return partial(np.zeros, shape, np.int64)


@dataclass(eq=False)
class Statistics:
    """Counts of a dataset, or of a part of it.

    Attributes:
        images (np.ndarray): (3,) images by source: user, shop, unknown.
        items (np.ndarray): (13, 3) items by category and source.
        items_per_image (list[Counter]): For each source, how many images have
            that many items.
        levels (np.ndarray): (4, 4) items by variation and level; column 0 where
            the level is not known.
        landmarks (np.ndarray): (13, 3) landmarks by category and v: absent,
            occluded, visible.
        identities (dict): (pair_id, style) to [user items, shop items]; of
            items with a style above 0 and a known pair_id.
        views (Counter): How many images have this (pair_id, source, styles
            above 0).
        widths, heights (list[array]): For each category, its boxes' pixels.
    """

    images: np.ndarray = field(default_factory=_zeros(len(SOURCES)))
    items: np.ndarray = field(
        default_factory=_zeros(NUM_CATEGORIES, len(SOURCES)))
    items_per_image: list = field(default_factory=lambda: [Counter() for _ in SOURCES])
    levels: np.ndarray = field(default_factory=_zeros(len(VARIATIONS), 4))
    landmarks: np.ndarray = field(default_factory=_zeros(NUM_CATEGORIES, 3))
    identities: dict = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    views: Counter = field(default_factory=Counter)
    widths: list = field(
        default_factory=lambda: [array('f') for _ in CATEGORIES])
    heights: list = field(
        default_factory=lambda: [array('f') for _ in CATEGORIES])

    @property
    def num_images(self) -> int:
        return int(self.images.sum())

    @property
    def num_items(self) -> int:
        return int(self.items.sum())

    @property
    def num_pair_ids(self) -> int:
        """Known pair_ids of images, whether or not they make a pair."""
        return len({pair_id for pair_id, _, _ in self.views})

    @property
    def num_shared_identities(self) -> int:
        """Identities with items in user and in shop images."""
        return sum(min(counts) > 0 for counts in self.identities.values())

    @property
    def instance_pairs(self) -> int:
        """User and shop items of the same identity."""
        return sum(user * shop for user, shop in self.identities.values())

    @property
    def image_pairs(self) -> int:
        """User and shop images that share an item."""
        by_pair = defaultdict(lambda: ([], []))
        for (pair_id, source, styles), count in self.views.items():
            if source in SOURCES[:2]:
                by_pair[pair_id][SOURCES.index(source)].append((styles, count))
        return sum(
            user_count * shop_count
            for users, shops in by_pair.values()
            for user_styles, user_count in users
            for shop_styles, shop_count in shops
            if user_styles & shop_styles)

    def box_percentiles(self) -> np.ndarray:
        """(13, 3, 3) pixels: category; width, height, width / height; the 10th,
        50th and 90th percentile. NaN where a category has no item."""
        table = np.full((NUM_CATEGORIES, 3, len(_PERCENTILES)), np.nan)
        for i, sides in enumerate(zip(self.widths, self.heights, strict=True)):
            width, height = (np.array(side, np.float64) for side in sides)
            if len(width):
                sizes = np.stack([width, height, width / np.maximum(height, 1e-9)])
                table[i] = np.percentile(sizes, _PERCENTILES, axis=1).T
        return table

    def to_dict(self) -> dict:
        """All figures as JSON can hold them; None where there is nothing."""
        boxes = self.box_percentiles().round(3).astype(object)
        boxes[self.items.sum(1) == 0] = None
        return dict(
            images=dict(zip(SOURCES, self.images.tolist(), strict=True)),
            items=self.num_items,
            items_by_category={
                name: dict(zip(SOURCES, row, strict=True)) for name, row in zip(
                    CATEGORY_NAMES, self.items.tolist(), strict=True)},
            items_per_image={
                source: {str(k): counts[k] for k in sorted(counts)}
                for source, counts in zip(SOURCES, self.items_per_image, strict=True)},
            variations={
                name: dict(zip(('unknown', *VARIATION_LEVELS[name]), row, strict=True))
                for name, row in zip(VARIATIONS, self.levels.tolist(), strict=True)},
            landmarks={
                name: dict(zip(('absent', 'occluded', 'visible'), row, strict=True))
                for name, row in zip(
                    CATEGORY_NAMES, self.landmarks.tolist(), strict=True)},
            pair_ids=self.num_pair_ids,
            identities=len(self.identities),
            identities_in_user_and_shop=self.num_shared_identities,
            image_pairs=self.image_pairs,
            instance_pairs=self.instance_pairs,
            box_percentiles={
                name: dict(zip(('width', 'height', 'width_per_height'), row,
                               strict=True))
                for name, row in zip(CATEGORY_NAMES, boxes.tolist(), strict=True)})


def collect(annotations) -> Statistics:
    """Count a dataset in one pass.

    A training set's figures take some tens of megabytes, however long the
    annotations are.

    Args:
        annotations (Iterable[ImageAnnotation]): See
            ``df2mm.datasets.annotation``; None, a file with nothing usable in
            it, is passed over.

    Returns:
        Statistics: Of nothing, all zero.

    Raises:
        ValueError: If a source, level or visibility is none that there is.
        KeyError: If a category_id is not 1..13.
    """
    stats = Statistics()
    for annotation in annotations:
        if annotation is not None:
            _count_image(stats, annotation)
    return stats


def _count_image(stats, annotation) -> None:
    if annotation.source not in SOURCES:
        raise ValueError(f'source must be one of {", ".join(SOURCES)}; got '
                         f'{annotation.source!r} in image {annotation.img_id}')
    source = SOURCES.index(annotation.source)
    stats.images[source] += 1
    stats.items_per_image[source][len(annotation.items)] += 1
    for item in annotation.items:
        label = category_of(item.category_id).label
        visible = np.asarray(item.landmarks, np.float64)[:, 2].astype(np.int64)
        _check_item(item, visible, annotation.img_id)
        stats.items[label, source] += 1
        stats.levels[np.arange(len(VARIATIONS)), item.variations] += 1
        stats.landmarks[label] += np.bincount(visible, minlength=3)
        stats.widths[label].append(item.bbox[2] - item.bbox[0])
        stats.heights[label].append(item.bbox[3] - item.bbox[1])
        if item.style > 0 and annotation.pair_id >= 0 and source < 2:
            stats.identities[annotation.pair_id, item.style][source] += 1
    if annotation.pair_id >= 0:
        styles = frozenset(i.style for i in annotation.items if i.style > 0)
        stats.views[annotation.pair_id, annotation.source, styles] += 1


def _check_item(item, visible, img_id) -> None:
    where = f'in image {img_id} {item.key}'
    levels = [int(level) for level in item.variations]
    if len(levels) != len(VARIATIONS) or not all(0 <= n <= 3 for n in levels):
        raise ValueError(f'variations must be four of 0..3, got {levels} {where}')
    if len(visible) and not 0 <= visible.min() <= visible.max() <= 2:
        wrong = visible[(visible < 0) | (visible > 2)][0]
        raise ValueError(f'landmarks must have v in 0..2, got {wrong} {where}')


def format_tables(stats: Statistics) -> str:
    """The figures as text tables, for a person to read."""
    return '\n\n'.join([
        _images_table(stats), _categories_table(stats), _levels_table(stats),
        _landmarks_table(stats), _pairs_table(stats), _boxes_table(stats)])


def _share(part, whole) -> str:
    return f'{part / whole:.1%}' if whole else '—'


def _known_sources(stats) -> list:
    """Indices of user and shop, and of unknown where there is any."""
    return [0, 1, 2] if stats.images[2] else [0, 1]


def _images_table(stats) -> str:
    sizes = sorted({k for counts in stats.items_per_image for k in counts})
    rows = []
    for i in _known_sources(stats):
        images, items = int(stats.images[i]), int(stats.items[:, i].sum())
        rows.append([SOURCES[i], images, _share(images, stats.num_images), items,
                     items / images if images else None,
                     *(stats.items_per_image[i][k] for k in sizes)])
    rows.append(['all', stats.num_images, _share(stats.num_images, stats.num_images),
                 stats.num_items,
                 stats.num_items / stats.num_images if stats.num_images else None,
                 *(sum(c[k] for c in stats.items_per_image) for k in sizes)])
    return format_table(
        ['source', 'images', 'share', 'items', 'items/image',
         *(f'with {k}' for k in sizes)], rows, 'Images', digits=2)


def _categories_table(stats) -> str:
    known = _known_sources(stats)
    rows = [[c.id, c.name, int(row.sum()), _share(row.sum(), stats.num_items),
             *(int(row[i]) for i in known)]
            for c, row in zip(CATEGORIES, stats.items, strict=True)]
    rows.append(['', 'all', stats.num_items,
                 _share(stats.num_items, stats.num_items),
                 *(int(stats.items[:, i].sum()) for i in known)])
    return format_table(['id', 'category', 'items', 'share',
                         *(SOURCES[i] for i in known)], rows, 'Items by category')


def _levels_table(stats) -> str:
    rows = []
    for name, row in zip(VARIATIONS, stats.levels, strict=True):
        for level, meaning in enumerate(('not known', *VARIATION_LEVELS[name])):
            if level or row[0]:
                rows.append([name if level == 1 else '', level, meaning,
                             int(row[level]), _share(row[level], row.sum())])
    return format_table(['variation', 'level', 'meaning', 'items', 'share'], rows,
                        'Items by variation')


def _landmarks_table(stats) -> str:
    def row(name, each, counts):
        absent, occluded, visible = map(int, counts)
        total = absent + occluded + visible
        return [name, each, visible, _share(visible, total), occluded,
                _share(occluded, total), absent, _share(absent, total)]

    rows = [row(c.name, c.num_landmarks, counts)
            for c, counts in zip(CATEGORIES, stats.landmarks, strict=True)]
    rows.append(row('all', sum(c.num_landmarks for c in CATEGORIES),
                    stats.landmarks.sum(0)))
    return format_table(['category', 'each', 'visible', 'share', 'occluded', 'share',
                         'absent', 'share'], rows, 'Landmarks')


def _pairs_table(stats) -> str:
    paired = sum(map(sum, stats.identities.values()))
    return format_table(['', 'count'], [
        ['pair_ids', stats.num_pair_ids],
        ['identities (pair_id and style above 0)', len(stats.identities)],
        ['identities in user and shop images', stats.num_shared_identities],
        ['items with an identity', paired],
        ['items without', stats.num_items - paired],
        ['user-shop image pairs that share an item', stats.image_pairs],
        ['user-shop item pairs', stats.instance_pairs]], 'Identities and pairs')


def _boxes_table(stats) -> str:
    header = ['category', *(f'{side} {p}' for side in ('width', 'height', 'w/h')
                            for p in _PERCENTILES)]
    rows = []
    for category, sizes in zip(CATEGORIES, stats.box_percentiles(), strict=True):
        pixels = [None if np.isnan(v) else round(v) for v in sizes[:2].ravel()]
        rows.append([category.name, *pixels, *map(float, sizes[2])])
    return format_table(header, rows, 'Boxes: 10th, 50th and 90th percentile in pixels',
                        digits=2)
