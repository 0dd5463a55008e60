"""Read ground truth from COCO files: our compact one and the authors'.

Nothing is repaired: what the official evaluator would count is what counts here,
and what it would stumble over is refused by name.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from pycocotools import mask as mask_api

from df2mm.datasets.columns import SOURCES
from df2mm.datasets.json_parts import map_blocks
from df2mm.evaluation.ground_truth import GroundTruth, RunLengthMasks
from df2mm.evaluation.number_columns import (
    WRONG,
    category_fault,
    integer_fault,
    integers,
    labels_of,
    landmark_columns,
    landmarks_of_blocks,
    number_fault,
    numbers,
    numbers_fault,
    shown,
)
from df2mm.evaluation.run_lengths import measure_run_lengths
from df2mm.metainfo import CATEGORIES, NUM_KEYPOINTS, VARIATIONS, category_of

#: Pixels; real polygons leave the image by a few.
_FAR = 1e6

_CODES = {name: code for code, name in enumerate(SOURCES)}


def read_ground_truth(path, keypoints=False, masks=False, workers=None):
    """Read the ground truth of boxes, landmarks and masks.

    Args:
        path (str | Path): COCO file: our compact one, or one in the authors' form
            with 294 landmarks an item. Item by item it says by the number of its
            keypoints which it is.
        keypoints (bool): Read landmarks.
        masks (bool): Read masks; polygons become run lengths as pycocotools
            makes them.
        workers (int, optional): Processes. Defaults to the usable cores.

    Returns:
        GroundTruth: Images by rising id.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file, or an image or item of it is not as the
            official evaluator needs it; names file, entry and rule.
    """
    path = Path(path)
    images = _read_images(path, workers)
    sizes = dict(zip(images['ids'].tolist(), images['sizes'].tolist(), strict=True))
    read = partial(_read_items, keypoints, sizes if masks else None)
    blocks, start = [], 0
    for block, fault in map_blocks(read, path, 'annotations', workers=workers):
        if fault:
            row, message = fault
            raise ValueError(f'annotation {start + row} of {path}: {message}')
        start += block['count']
        blocks.append(block)
    if not blocks:
        raise ValueError(f'expected ground truth with items, found none in {path}')
    return _assembled(path, images, blocks, keypoints, masks)


def _read_images(path, workers):
    parts = list(map_blocks(_image_columns, path, 'images', workers=workers))
    for part in parts:
        if 'fault' in part:
            raise ValueError(f'{part["fault"]} in {path}')
    if not parts:
        raise ValueError(f'expected ground truth with images, found none in {path}')
    columns = dict(names=[name for part in parts for name in part['names']])
    for key in ('ids', 'sizes', 'sources', 'pair_ids'):
        columns[key] = np.concatenate([part[key] for part in parts])
    order = np.argsort(columns['ids'], kind='stable')
    ids = columns['ids'][order]
    if (np.diff(ids) == 0).any():
        raise ValueError(
            f'image id {ids[1:][np.diff(ids) == 0][0]} occurs twice in {path}')
    columns['names'] = [columns['names'][i] for i in order]
    columns.update((key, columns[key][order])
                   for key in ('ids', 'sizes', 'sources', 'pair_ids'))
    return columns


def _image_columns(rows):
    for row in rows:
        if type(row) is not dict:
            return dict(fault=f'an image must be an object, got {shown(row)}')
        for name in ('id', 'width', 'height'):
            if fault := integer_fault(row, name):
                return dict(fault=f'image {shown(row.get("id"))}: {fault}')
        if row.get('source', 'unknown') not in _CODES:
            return dict(fault=f"image {row['id']}: source must be 'user' or 'shop', "
                        f'got {shown(row["source"])}')
        if 'pair_id' in row and (fault := integer_fault(row, 'pair_id')):
            return dict(fault=f'image {row["id"]}: {fault}')
    return dict(
        ids=integers(rows, 'id'),
        sizes=np.array([(row['width'], row['height']) for row in rows], np.int32),
        names=[str(row.get('file_name', '')) for row in rows],
        sources=np.array([_CODES[row.get('source', 'unknown')] for row in rows],
                         np.uint8),
        pair_ids=np.array([row.get('pair_id', -1) for row in rows], np.int64))


def _read_items(keypoints, sizes, rows):
    """Columns of some rows; or the row at fault and what is wrong."""
    try:
        return _item_columns(rows, keypoints, sizes), None
    except WRONG:
        for number, row in enumerate(rows):
            if fault := _fault_of(row, keypoints, sizes):
                return None, (number, fault)
        raise


def _item_columns(rows, keypoints, sizes):
    labels = labels_of(rows)
    bboxes = numbers([row['bbox'] for row in rows], (len(rows), 4))
    crowd = integers(rows, 'iscrowd')
    if not ((crowd == 0) | (crowd == 1)).all():
        raise ValueError('iscrowd must be 0 or 1')
    variations = [[row.get(name, 0) for name in VARIATIONS] for row in rows]
    variations = np.array(variations)
    if variations.dtype.kind != 'i' or ((variations < 0) | (variations > 3)).any():
        raise ValueError('variations must be in 0..3')
    columns = dict(
        count=len(rows), image_ids=integers(rows, 'image_id'),
        ids=integers(rows, 'id'), labels=labels, bboxes=bboxes,
        areas=numbers([row['area'] for row in rows], (len(rows),)),
        crowd=crowd.astype(bool), variations=variations.astype(np.uint8),
        styles=integers([dict(style=row.get('style', 0)) for row in rows], 'style'),
        pair_ids=integers([dict(p=row.get('pair_id', -1)) for row in rows], 'p'))
    if keypoints:
        values, full, _ = landmark_columns(rows, labels, partial(_outside, labels))
        if not np.isin(values[:, 2], (0, 1, 2)).all():
            raise ValueError('v must be 0, 1 or 2')
        columns.update(
            landmarks=values, full=full, num_keypoints=_counted(rows, values, labels))
    if sizes is not None:
        columns['masks'] = [_run_lengths(row, sizes) for row in rows]
    return columns


def _outside(labels, padded, points):
    """(rows,) bool: which have labelled landmarks outside of their category."""
    labelled = points[..., 2] > 0
    inside = np.zeros(len(points), np.int64)
    for row, label in enumerate(labels[padded].tolist()):
        inside[row] = np.count_nonzero(labelled[row, CATEGORIES[label].slice])
    return labelled.sum(1) > inside


def _counted(rows, values, labels):
    """num_keypoints as the file says it, or counted where it does not."""
    if all('num_keypoints' in row for row in rows):
        return integers(rows, 'num_keypoints')
    counts = landmarks_of_blocks([(len(rows), values, {})], labels).count(
        values[:, 2] > 0)
    return np.array([row.get('num_keypoints', count) for row, count in zip(
        rows, counts.tolist(), strict=True)], np.int64)


def _run_lengths(row, sizes):
    """(height, width) and compressed run lengths of an item's mask."""
    width, height = sizes[row['image_id']]
    mask = row['segmentation']
    if type(mask) is list:
        mask = _filled(mask, height, width)
    elif type(mask['counts']) is list:
        if sum(mask['counts']) != height * width:
            raise ValueError('run lengths must fill the image')
        mask = mask_api.frPyObjects(mask, *mask['size'])
    counts = mask['counts']
    if list(mask['size']) != [height, width]:
        raise ValueError('a mask must have the size of its image')
    if type(counts) is str:
        # It is from the file: pycocotools would not check it.
        counts = counts.encode()
        if measure_run_lengths([counts], np.array([[height, width]]))[1][0]:
            raise ValueError('damaged run lengths')
    return height, width, counts


def _filled(polygons, height, width):
    """Polygons as pycocotools fills them, those of the raw data's dirt included."""
    for polygon in polygons:
        vertices = np.array(polygon)
        # Its C code would run away with these.
        if vertices.dtype.kind not in 'iuf' or not np.abs(vertices).max() < _FAR:
            raise ValueError('polygons must be numbers near the image')
    try:
        parts = mask_api.frPyObjects(polygons, height, width)
        return mask_api.merge(parts) if len(parts) > 1 else parts[0]
    except Exception as error:  # What it raises has no type of its own.
        raise ValueError(str(error)) from error


def _fault_of(row, keypoints, sizes):
    """What is wrong with an annotation, or None."""
    if type(row) is not dict:
        return f'expected an object, got {shown(row)}'
    fault = (integer_fault(row, 'id') or integer_fault(row, 'image_id')
             or category_fault(row) or numbers_fault(row, 'bbox', (4,))
             or number_fault(row, 'area') or integer_fault(row, 'iscrowd'))
    if fault is None and row['iscrowd'] not in (0, 1):
        fault = f'iscrowd must be 0 or 1, got {row["iscrowd"]}'
    for name in ('style', 'pair_id', *VARIATIONS, 'num_keypoints'):
        if fault is None and name in row:
            fault = integer_fault(row, name)
    for name in VARIATIONS:
        if fault is None and row.get(name, 0) not in (0, 1, 2, 3):
            fault = f'{name} must be 1, 2 or 3, got {row[name]}'
    if fault is None and keypoints:
        own = 3 * category_of(row['category_id']).num_landmarks
        fault = numbers_fault(row, 'keypoints', (3 * NUM_KEYPOINTS, own))
        for v in () if fault else row['keypoints'][2::3]:
            if v not in (0, 1, 2):
                return f'v of a landmark must be 0, 1 or 2, got {v}'
    return fault or (_mask_fault(row, sizes) if sizes is not None else None)


def _mask_fault(row, sizes):
    if row['image_id'] not in sizes:
        return f'image_id {row["image_id"]} is not in "images"'
    mask = row.get('segmentation')
    width, height = sizes[row['image_id']]
    if not (type(mask) is list or (
            type(mask) is dict and mask.get('size') == [height, width])):
        return (f'segmentation must be polygons or run lengths of size '
                f'[{height}, {width}], got {shown(mask)}')
    try:
        _run_lengths(row, sizes)
    except WRONG as error:
        return f'segmentation cannot be read ({error}): {shown(mask)}'
    return None


def _assembled(path, images, blocks, keypoints, masks):
    columns = {name: np.concatenate([block[name] for block in blocks])
               for name in ('image_ids', 'ids', 'labels', 'bboxes', 'areas', 'crowd',
                            'variations', 'styles', 'pair_ids')}
    _refuse_repeated_ids(columns['ids'], path)
    count = len(columns['ids'])
    truth = GroundTruth(
        img_ids=images['ids'], sizes=images['sizes'], file_names=images['names'],
        sources=images['sources'], pair_ids=images['pair_ids'],
        images=np.zeros(count, np.int64), num_keypoints=np.zeros(count, np.int64),
        **{name: columns[name] for name in (
            'ids', 'labels', 'bboxes', 'areas', 'crowd', 'styles', 'variations')})
    positions = truth.positions_of(columns['image_ids'], f'"annotations" of {path}')
    # The authors' files say it with the items.
    pair_ids = images['pair_ids'].copy()
    said = (columns['pair_ids'] >= 0) & (pair_ids[positions] < 0)
    pair_ids[positions[said]] = columns['pair_ids'][said]
    truth = replace(truth, images=positions, pair_ids=pair_ids)
    if keypoints:
        truth = replace(
            truth, landmarks=landmarks_of_blocks(
                [(block['count'], block['landmarks'], block['full'])
                 for block in blocks], columns['labels']),
            num_keypoints=np.concatenate([block['num_keypoints'] for block in blocks]))
    if masks:
        truth = replace(truth, masks=_joined_masks(blocks))
    return truth.take_items(np.argsort(positions, kind='stable'))


def _refuse_repeated_ids(ids, path):
    ordered = np.sort(ids)
    repeated = ordered[1:][np.diff(ordered) == 0]
    if len(repeated):
        raise ValueError(f'annotation id {repeated[0]} occurs twice in {path}')


def _joined_masks(blocks):
    rows = [mask for block in blocks for mask in block['masks']]
    return RunLengthMasks(
        np.array([row[:2] for row in rows], np.int32), [row[2] for row in rows])
