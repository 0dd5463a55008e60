"""DeepFashion2's annotation files: one JSON object an image.

Reading never raises for what a file contains: it repairs or drops by the rules
of ``df2mm.datasets.defects`` and says what it did. The choices behind them:

- What only retrieval needs (source, pair_id, style) never costs an item: it
  becomes unknown, and the item never pairs.
- An item needs a category and a box; without one it is dropped. A box that
  sticks out of the image is clipped.
- A landmark that cannot be used becomes not labelled, (0, 0, 0), as the
  authors write such points. A list of the wrong length says nothing about
  which number is whose, so the item keeps its box and mask alone. A landmark
  outside the box but inside the image is kept: the box may be wrong as well.
- A polygon that cannot be used is dropped. An item that loses them all keeps
  its box and has an empty mask: the box as a polygon would be invented.
- The category's name differs between files and decides nothing: the id does.

Coordinates are pixels; (0, 0) is the top left of the top-left pixel, so an
image spans [0, width] x [0, height], both ends included.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from df2mm.datasets.defects import RULES, Report, shown
from df2mm.datasets.json_object import parse_object
from df2mm.metainfo import CATEGORIES, NUM_CATEGORIES, VARIATIONS

#: ``ImageAnnotation.source`` where a file does not say (the authors' COCO files).
UNKNOWN_SOURCE = 'unknown'
#: ``ImageAnnotation.pair_id`` where a file does not say.
UNKNOWN_PAIR = -1
#: An element of ``Item.variations`` where a file does not say.
UNKNOWN_LEVEL = 0

#: Far above the real data's; (pair_id, style) fits one int64 as decimals.
MAX_PAIR_ID = 2**31 - 1
MAX_STYLE = 99_999

_ITEM_KEY = re.compile(r'item\d+')
_ITEM_KEYS = frozenset({
    'category_name', 'category_id', 'style', 'bounding_box', 'landmarks',
    'segmentation', *VARIATIONS})
_NUMBERS = frozenset({int, float})
_VISIBILITIES = frozenset({0, 1, 2})
_MISSING = object()


@dataclass(eq=False)
class Item:
    """One garment of an image.

    Shapes: L landmarks of the category, P points of a polygon.

    Attributes:
        key (str): As in the file, such as ``item1``.
        category_id (int): 1..13.
        category_name (str): By the id, in the form of the annotation files.
        style (int): 0 never pairs.
        bbox (np.ndarray): (4,) float64, xyxy pixels.
        landmarks (np.ndarray): (L, 3) float64: x, y, v of 0 (not labelled),
            1 (occluded) or 2 (visible).
        polygons (list[np.ndarray]): (P, 2) float64 each; may be empty.
        variations (np.ndarray): (4,) int64: scale, occlusion, zoom_in and
            viewpoint, 1..3 each or 0 where not known.
    """

    key: str
    category_id: int
    category_name: str
    style: int
    bbox: np.ndarray
    landmarks: np.ndarray
    polygons: list
    variations: np.ndarray


@dataclass(eq=False)
class ImageAnnotation:
    """What is annotated on one image.

    Attributes:
        img_id (int): The number in the image's file name.
        source (str): 'user', 'shop' or, where a file does not say, 'unknown'.
        pair_id (int): -1 where a file does not say.
        items (list[Item]): In the file's order.
    """

    img_id: int
    source: str
    pair_id: int
    items: list


def read_annotation(path):
    """Read one annotation file; never raises for what it contains.

    What depends on the image's size is not checked here: see
    ``df2mm.datasets.raw.read_raw``.

    Args:
        path (str | Path): Such as ``train/annos/000123.json``.

    Returns:
        tuple[ImageAnnotation | None, list[Defect]]: None if nothing in the
        file can be used.
    """
    path = Path(path)
    report = Report('/'.join(path.parts[-3:]))
    if not is_image_number(path.stem):
        report.add('file-name', f'expected a number, got {path.stem!r}')
        return None, report.defects
    try:
        data = path.read_bytes()
    except OSError as error:
        report.add('unreadable-file', str(error))
        return None, report.defects
    return parse_annotation(data, int(path.stem), report), report.defects


def is_image_number(stem):
    """Whether a file name without its ending is an image number."""
    return stem.isascii() and stem.isdigit()


def parse_annotation(data, img_id, report):
    """Turn an annotation file's bytes into a record.

    Args:
        data (bytes): The file.
        img_id (int): The number in its name.
        report (Report): Takes the defects.

    Returns:
        ImageAnnotation | None: None if nothing in it can be used.
    """
    root = parse_object(data, report)
    if root is None:
        return None
    source = parse_source(root.get('source', _MISSING), report)
    pair_id = parse_pair_id(root.get('pair_id', _MISSING), report)
    items = []
    for key, value in root.items():
        if _ITEM_KEY.fullmatch(key):
            item = parse_item(key, value, report)
            if item is not None:
                items.append(item)
        elif key not in ('source', 'pair_id'):
            report.add('unknown-key', f'expected source, pair_id or itemN, got {key!r}')
    if not items:
        report.add('no-item', f'expected at least one usable item of {len(root)} keys')
        return None
    if pair_id == UNKNOWN_PAIR:
        for item in items:
            item.style = 0
    return ImageAnnotation(img_id, source, pair_id, items)


def parse_source(value, report):
    """``source``, or 'unknown'."""
    if value in ('user', 'shop'):
        return value
    _wrong('source', 'source', "'user' or 'shop'", value, report)
    return UNKNOWN_SOURCE


def parse_pair_id(value, report):
    """``pair_id``, or -1."""
    if type(value) is int and 0 <= value <= MAX_PAIR_ID:
        return value
    _wrong('pair-id', 'pair_id', f'an integer in 0..{MAX_PAIR_ID}', value, report)
    return UNKNOWN_PAIR


def parse_item(key, raw, report, optional=()):
    """Turn one item's JSON object into an Item.

    Args:
        key (str): Names it in messages.
        raw (dict): As in the annotation file; any other value is a defect.
        report (Report): Takes the defects.
        optional (Collection[str]): Keys that this format may lack, of ``style``
            and the variations: 0, without a defect.

    Returns:
        Item | None: None if it has no usable category or box.
    """
    if type(raw) is not dict:
        report.add('item-type', f'expected an object, got {shown(raw)}', key)
        return None
    for name in raw.keys() - _ITEM_KEYS:
        report.add('unknown-key', f'{name!r} is no key of an item', key)
    category_id = raw.get('category_id', _MISSING)
    if type(category_id) is not int or not 1 <= category_id <= NUM_CATEGORIES:
        _wrong('category-id', 'category_id', f'an integer in 1..{NUM_CATEGORIES}',
               category_id, report, key)
        return None
    category = CATEGORIES[category_id - 1]
    bbox = _parse_box(key, raw.get('bounding_box', _MISSING), report)
    if bbox is None:
        return None
    style = raw.get('style', 0 if 'style' in optional else _MISSING)
    if type(style) is not int or not 0 <= style <= MAX_STYLE:
        _wrong('style', 'style', f'an integer in 0..{MAX_STYLE}', style, report, key)
        style = 0
    return Item(
        key, category_id, category.name, style, np.array(bbox, dtype=np.float64),
        _parse_landmarks(key, raw.get('landmarks', _MISSING), category, bbox, report),
        _parse_polygons(key, raw.get('segmentation', _MISSING), report),
        _parse_variations(key, raw, report, optional))


def _parse_box(key, value, report):
    """[x1, y1, x2, y2], or None."""
    if not (type(value) is list and len(value) == 4
            and _NUMBERS.issuperset(map(type, value)) and _is_finite(value)):
        _wrong('box-values', 'bounding_box', 'four finite numbers', value, report, key)
        return None
    if value[2] <= value[0] or value[3] <= value[1]:
        report.add('box-size', 'bounding_box must have x1 < x2 and y1 < y2, '
                   f'got {value}', key)
        return None
    return value


def _parse_landmarks(key, value, category, bbox, report):
    """(L, 3) float64; what cannot be used is (0, 0, 0)."""
    count = category.num_landmarks
    expected = f'{3 * count} numbers ({count} landmarks of {category.name})'
    if type(value) is not list:
        _wrong('landmark-count', 'landmarks', expected, value, report, key)
        return np.zeros((count, 3))
    if len(value) != 3 * count:
        report.add('landmark-count', f'landmarks must be {expected}, got {len(value)} '
                   'numbers', key)
        return np.zeros((count, 3))
    if not (_NUMBERS.issuperset(map(type, value))
            and _VISIBILITIES.issuperset(value[2::3]) and _is_finite(value)):
        value = _repair_landmarks(key, value, report)
    # Boxes are rounded to whole pixels, and hold what is seen of an item: an
    # occluded landmark may well lie outside.
    x1, y1, x2, y2 = bbox[0] - 1, bbox[1] - 1, bbox[2] + 1, bbox[3] + 1
    # Plain loops: for a dozen numbers numpy's calls cost more than they save.
    outside = [
        k for k, (x, y, v) in enumerate(
            zip(value[::3], value[1::3], value[2::3], strict=True))
        if v == 2 and not (x1 <= x <= x2 and y1 <= y <= y2)]
    if outside:
        report.add('landmark-outside-box', f'{_listed(outside, count)} lies outside '
                   f'the box {bbox}', key)
    landmarks = np.array(value, dtype=np.float64).reshape(count, 3)
    if 0 in value[2::3]:
        # Whatever stands at v = 0 means nothing.
        landmarks[landmarks[:, 2] == 0] = 0
    return landmarks


def _repair_landmarks(key, value, report):
    """The flat list of numbers, with (0, 0, 0) for what cannot be used."""
    count = len(value) // 3
    landmarks = _to_numbers(value).reshape(count, 3)
    bad = ~np.isfinite(landmarks).all(axis=1)
    if bad.any():
        report.add(
            'landmark-values', f'{_listed(np.flatnonzero(bad), count)} must be three '
            f'finite numbers, got {shown(value[3 * bad.argmax():][:3])}', key)
        landmarks[bad] = 0
    bad = ~np.isin(landmarks[:, 2], tuple(_VISIBILITIES))
    if bad.any():
        report.add(
            'landmark-visibility', f'v of {_listed(np.flatnonzero(bad), count)} must '
            f'be 0, 1 or 2, got {landmarks[bad, 2][0]:g}', key)
        landmarks[bad] = 0
    return landmarks.ravel().tolist()


def _parse_polygons(key, value, report):
    """The usable ones, (P, 2) float64 each."""
    if type(value) is not list:
        _wrong('no-polygon', 'segmentation', 'a list of polygons', value, report, key)
        return []
    polygons = []
    for number, polygon in enumerate(value, 1):
        if type(polygon) is not list:
            report.add('polygon-values', f'polygon {number} must be a list of numbers, '
                       f'got {shown(polygon)}', key)
        elif len(polygon) % 2:
            report.add('polygon-count', f'polygon {number} must have an even count of '
                       f'numbers, got {len(polygon)}', key)
        elif len(polygon) < 6:
            report.add('polygon-points', f'polygon {number} must have at least 3 '
                       f'points, got {len(polygon) // 2}', key)
        else:
            points = _to_numbers(polygon)
            if _is_finite(points.tolist()) or np.isfinite(points).all():
                polygons.append(points.reshape(-1, 2))
            else:
                bad = polygon[(~np.isfinite(points)).argmax()]
                report.add('polygon-values', f'polygon {number} must hold finite '
                           f'numbers, got {shown(bad)}', key)
    if not polygons:
        report.add('no-polygon', f'expected a usable polygon among {len(value)}', key)
    return polygons


def _parse_variations(key, raw, report, optional):
    """(4,) int64, 0 where not known."""
    levels = [raw.get(name, _MISSING) for name in VARIATIONS]
    for k, level in enumerate(levels):
        if level is _MISSING and VARIATIONS[k] in optional:
            levels[k] = UNKNOWN_LEVEL
        elif type(level) is not int or not 1 <= level <= 3:
            _wrong('variation', VARIATIONS[k], 'an integer in 1..3', level, report, key)
            levels[k] = UNKNOWN_LEVEL
    return np.array(levels, dtype=np.int64)


def _to_numbers(values):
    """(N,) float64; whatever is not a number becomes NaN."""
    if _NUMBERS.issuperset(map(type, values)):
        try:
            return np.array(values, dtype=np.float64)
        except OverflowError:
            pass
    numbers = np.full(len(values), np.nan)
    for k, value in enumerate(values):
        if type(value) in _NUMBERS and abs(value) < 1e300:
            numbers[k] = value
    return numbers


def _wrong(rule, name, expected, got, report, item=None):
    """Report a wrong or missing value of key ``name``."""
    if got is _MISSING:
        report.add('missing-key', f'{name} is missing; expected {expected}', item,
                   RULES[rule].repair)
    else:
        report.add(rule, f'{name} must be {expected}, got {shown(got)}', item)


def _is_finite(numbers):
    """Whether all are; may say no to sums beyond a float's range."""
    try:
        return math.isfinite(sum(numbers))
    except OverflowError:
        return False


def _listed(indices, count):
    """Landmarks by their number in the figure, which counts from 1."""
    text = ', '.join(str(k + 1) for k in indices[:5])
    more = f' and {len(indices) - 5} more' if len(indices) > 5 else ''
    return f'landmark {text}{more} of {count}'
