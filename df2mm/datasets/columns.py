"""Columns: the annotation of a part of a split as arrays, to be joined.

A part becomes columns as soon as it is read, so that few Python objects ever
live at the same time. ``image columns`` are those of AnnotationIndex that
count images. ``item columns``, of I items:

| column | shape |
|---|---|
| image_ids | (I,) int64 |
| bboxes, labels, styles, variations | as in AnnotationIndex |
| landmark_counts, polygon_counts | (I,) int64 |
| landmarks | (sum of landmark_counts, 3) float32 |
| vertex_counts | (sum of polygon_counts,) int64 |
| vertices | (sum of vertex_counts, 2) float32 |
"""

from itertools import chain

import numpy as np

from df2mm.metainfo import NUM_CATEGORIES, NUM_LANDMARKS, VARIATIONS
from df2mm.ranges import ranges

#: What ``sources`` counts; the authors' COCO files do not say.
SOURCES = ('user', 'shop', 'unknown')

_SOURCE_CODES = {name: code for code, name in enumerate(SOURCES)}
#: ``identities`` are pair_id * this + style, readable as decimals.
IDENTITY_STRIDE = 100_000

_INT32_MAX = np.iinfo(np.int32).max
_WRONG = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


def image_columns(rows: list[dict], path) -> dict:
    """Columns of the ``images`` of our compact COCO file.

    Args:
        rows (list[dict]): Each with ``id``, ``file_name``, ``width``, ``height``,
            ``source`` and ``pair_id``.
        path (Path): The file, for messages.

    Raises:
        ValueError: If a row is not as promised; names it.
    """
    return _checked(_image_columns, rows, path, 'image')


def item_columns(rows: list[dict], path) -> dict:
    """Columns of the ``annotations`` of our compact COCO file.

    Args:
        rows (list[dict]): As in the file.
        path (Path): The file, for messages.

    Raises:
        ValueError: If a row is not as promised; names it.
    """
    return _checked(_item_columns, rows, path, 'annotation')


def annotation_columns(annotations: list) -> dict:
    """Item columns of records that were read from annotation files.

    Args:
        annotations (list[ImageAnnotation]): Of any number of images.
    """
    items = [item for annotation in annotations for item in annotation.items]
    polygons = [polygon for item in items for polygon in item.polygons]
    return dict(
        image_ids=np.repeat(
            np.array([a.img_id for a in annotations], np.int64),
            np.array([len(a.items) for a in annotations], np.int64)),
        bboxes=_stacked([item.bbox for item in items], 4, np.float32),
        labels=np.array([item.category_id - 1 for item in items], np.uint8),
        styles=np.array([item.style for item in items], np.int32),
        variations=_stacked([item.variations for item in items], 4, np.uint8),
        landmark_counts=np.array([len(item.landmarks) for item in items], np.int64),
        landmarks=_concatenated([item.landmarks for item in items], 3),
        polygon_counts=np.array([len(item.polygons) for item in items], np.int64),
        vertex_counts=np.array([len(polygon) for polygon in polygons], np.int64),
        vertices=_concatenated(polygons, 2))


def joined(parts: list[dict]) -> dict:
    """One set of columns of several, which are used up to save memory."""
    return {name: np.concatenate([part.pop(name) for part in parts])
            for name in list(parts[0])}


def assemble(images: dict, items: dict, path) -> dict:
    """What AnnotationIndex is made of: images ascending, items in their order.

    Args:
        images (dict): Image columns; used up.
        items (dict): Item columns; used up.
        path (Path): Where they are from, for messages.

    Raises:
        ValueError: If an image occurs twice or an item has no image.
    """
    img_ids = images['img_ids']
    if (np.diff(img_ids) <= 0).any():
        order = np.argsort(img_ids, kind='stable')
        images = {name: column[order] for name, column in images.items()}
        img_ids = images['img_ids']
        twice = img_ids[1:][np.diff(img_ids) == 0]
        if len(twice):
            raise ValueError(f'image id {twice[0]} occurs twice in {path}')
    positions = np.searchsorted(img_ids, items['image_ids'])
    known = positions < len(img_ids)
    known[known] = img_ids[positions[known]] == items['image_ids'][known]
    if not known.all():
        raise ValueError(
            f'image_id {items["image_ids"][~known][0]} of an annotation is not '
            f'among the {len(img_ids)} images of {path}')
    if (np.diff(positions) < 0).any():
        items = _reordered(items, np.argsort(positions, kind='stable'))
    counts = np.bincount(positions, minlength=len(img_ids))
    identities = identities_of(np.repeat(images['pair_ids'], counts), items['styles'])
    return dict(
        **images, item_offsets=_offsets(counts), identities=identities,
        landmark_offsets=_offsets(items.pop('landmark_counts')),
        polygon_offsets=_offsets(items.pop('polygon_counts')),
        vertex_offsets=_offsets(items.pop('vertex_counts')),
        **{name: items[name] for name in (
            'bboxes', 'labels', 'styles', 'variations', 'landmarks', 'vertices')})


def identities_of(pair_ids: np.ndarray, styles: np.ndarray) -> np.ndarray:
    """One int64 for each (pair_id, style), the same in every file.

    Args:
        pair_ids (np.ndarray): (N,) int.
        styles (np.ndarray): (N,) int.

    Returns:
        np.ndarray: (N,) int64; -1 where nothing pairs: style 0, or no pair_id (-1).

    Raises:
        ValueError: If a style is too large to be kept apart, or negative.
    """
    pair_ids, styles = np.asarray(pair_ids, np.int64), np.asarray(styles, np.int64)
    bad = (styles < 0) | (styles >= IDENTITY_STRIDE)
    if bad.any():
        raise ValueError(
            f'style must be in 0..{IDENTITY_STRIDE - 1}, got {styles[bad][0]} with '
            f'pair_id {np.broadcast_to(pair_ids, bad.shape)[bad][0]}')
    pairs = (styles > 0) & (pair_ids >= 0)
    return np.where(pairs, pair_ids * IDENTITY_STRIDE + styles, -1)


def _image_columns(rows):
    return dict(
        img_ids=np.array([row['id'] for row in rows], np.int64),
        file_names=np.array([row['file_name'].encode() for row in rows], np.bytes_),
        sizes=_stacked([(row['width'], row['height']) for row in rows], 2, np.int32),
        sources=np.array([_SOURCE_CODES[row['source']] for row in rows], np.uint8),
        pair_ids=np.array([row['pair_id'] for row in rows], np.int64))


def _item_columns(rows):
    category_ids = np.array([row['category_id'] for row in rows], np.int64)
    wrong = (category_ids < 1) | (category_ids > NUM_CATEGORIES)
    if wrong.any():
        raise ValueError(f'category_id must be in 1..{NUM_CATEGORIES}, '
                         f'got {category_ids[wrong][0]}')
    labels = category_ids - 1
    keypoints = [row['keypoints'] for row in rows]
    counts = NUM_LANDMARKS[labels]
    for count, values in zip(counts.tolist(), keypoints, strict=True):
        if len(values) != 3 * count:
            raise ValueError(f'keypoints must be {3 * count} numbers, '
                             f'got {len(values)}')
    segmentations = [_polygons_of(row['segmentation']) for row in rows]
    polygons = list(chain.from_iterable(segmentations))
    lengths = np.array([len(polygon) for polygon in polygons], np.int64)
    if (lengths % 2).any() or (lengths < 6).any():
        raise ValueError('each polygon must be an even count of at least 6 numbers, '
                         f'got {lengths.tolist()}')
    boxes = _stacked([row['bbox'] for row in rows], 4, np.float32)
    boxes[:, 2:] += boxes[:, :2]
    columns = dict(
        image_ids=np.array([row['image_id'] for row in rows], np.int64),
        bboxes=boxes, labels=labels.astype(np.uint8),
        styles=np.array([row['style'] for row in rows], np.int64),
        variations=_stacked(
            [[row[name] for name in VARIATIONS] for row in rows], 4, np.int64),
        landmark_counts=counts, landmarks=_flattened(keypoints, 3),
        polygon_counts=np.array([len(part) for part in segmentations], np.int64),
        vertex_counts=lengths // 2, vertices=_flattened(polygons, 2))
    for name in ('bboxes', 'landmarks', 'vertices'):
        if not np.isfinite(columns[name]).all():
            raise ValueError(f'{name} must be finite numbers')
    _check_range('v of a landmark', columns['landmarks'][:, 2], 2)
    for name, limit in (('variations', 3), ('styles', _INT32_MAX)):
        _check_range(name, columns[name], limit)
    columns['styles'] = columns['styles'].astype(np.int32)
    columns['variations'] = columns['variations'].astype(np.uint8)
    return columns


def _check_range(name, values, limit):
    outside = (values < 0) | (values > limit)
    if outside.any():
        raise ValueError(f'{name} must be in 0..{limit}, got {values[outside][0]:g}')


def _polygons_of(segmentation):
    """A list of polygons; none for an empty mask, which is written as run lengths."""
    if isinstance(segmentation, list):
        return segmentation
    if len(segmentation['counts']) != 1:
        raise ValueError('segmentation must be a list of polygons or an empty mask, '
                         f'got run lengths {str(segmentation["counts"])[:40]}')
    return []


def _checked(columns_of, rows, path, kind):
    """``columns_of(rows)``; what it raises names the row at fault."""
    try:
        return columns_of(rows)
    except _WRONG:
        for row in rows:
            try:
                columns_of([row])
            except _WRONG as error:
                said = f'{error} is missing' if isinstance(error, KeyError) else error
                number = row.get('id') if isinstance(row, dict) else row
                raise ValueError(f'{kind} {number} of {path}: {said}') from error
        raise


def _flattened(lists, width):
    """(sum of lengths / width, width) float32 of lists of numbers."""
    size = sum(map(len, lists))
    flat = np.fromiter(chain.from_iterable(lists), np.float32, size)
    return flat.reshape(-1, width)


def _concatenated(arrays, width):
    """(sum of lengths, width) float32."""
    empty = np.zeros((0, width), np.float32)
    return np.concatenate([empty, *arrays], dtype=np.float32)


def _stacked(rows, width, dtype):
    return np.array(rows, dtype).reshape(-1, width)


def _offsets(counts):
    """(len(counts) + 1,) int64: where each part begins, and the last one ends."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _reordered(items, order):
    """Item columns with the items in another order."""
    items = dict(items)
    polygon_offsets = _offsets(items['polygon_counts'])
    vertex_offsets = _offsets(items['vertex_counts'])
    landmarks = _parts(_offsets(items['landmark_counts']), order)
    polygons = _parts(polygon_offsets, order)
    items['landmarks'] = items['landmarks'][landmarks]
    items['vertices'] = items['vertices'][_parts(vertex_offsets, polygons)]
    items['vertex_counts'] = items['vertex_counts'][polygons]
    for name in ('image_ids', 'bboxes', 'labels', 'styles', 'variations',
                 'landmark_counts', 'polygon_counts'):
        items[name] = items[name][order]
    return items


def _parts(offsets, order):
    """Indices into a flat array that put its parts into another order."""
    return ranges(offsets[order], np.diff(offsets)[order])
