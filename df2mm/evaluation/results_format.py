"""The official formats of results: what an entry holds, and what is wrong with one.

| task | an entry |
|---|---|
| bbox | image_id, category_id, bbox [x, y, w, h], score |
| segm | image_id, category_id, segmentation (compressed run lengths), score |
| keypoints | image_id, category_id, keypoints (294 times x, y, v), score; bbox |
| retrieval | query_image_id, query_bbox [x1, y1, x2, y2], query_cls, query_score, |
| | gallery_image_id (20 ids), gallery_bbox (20 boxes x1, y1, x2, y2) |

``keypoints`` may also hold the category's own landmarks alone. ``bbox`` may stand in
entries of masks and landmarks: in all of a file or in none, as the first one has it.

Source: the evaluation page of DeepFashion2's repository.
"""

from functools import partial

import numpy as np

from df2mm.evaluation.number_columns import (
    WRONG,
    category_fault,
    integer_fault,
    integers,
    labels_of,
    landmark_columns,
    number_fault,
    numbers,
    numbers_fault,
    shown,
)
from df2mm.evaluation.run_lengths import measure_run_lengths
from df2mm.metainfo import NUM_CATEGORIES, NUM_KEYPOINTS, category_of

TASKS = ('bbox', 'segm', 'keypoints', 'retrieval')
#: Gallery items of an entry of a retrieval file.
TOP = 20


def functions_of(task: str, **options) -> tuple:
    """How entries of a task become columns, and what is wrong with one.

    Args:
        task (str): ``bbox``, ``segm``, ``keypoints`` or ``retrieval``.
        **options: But for ``retrieval``, ``boxed`` (bool): each entry needs a
            ``bbox`` where the format leaves that open. For ``keypoints``,
            ``full_landmarks``, as for ``read_detections``.

    Returns:
        tuple[Callable, Callable]: Of a list of entries a dict of columns, which
        raises one of ``WRONG`` for wrong ones; of an entry what is wrong, or None.

    Raises:
        ValueError: If the task is another.
    """
    try:
        functions = {
            'bbox': (_box_columns, _box_fault),
            'segm': (_mask_columns, _mask_fault),
            'keypoints': (_landmark_columns, _landmark_fault),
            'retrieval': (_retrieval_columns, _retrieval_fault)}[task]
    except KeyError:
        raise ValueError(
            f'task must be one of {", ".join(TASKS)}, got {task!r}') from None
    return tuple(partial(function, **options) for function in functions)


def check_entries(rows: list, task: str, first: int = 0, boxed: bool = False) -> None:
    """Check entries that are to be written.

    Args:
        rows (list[dict]): Entries.
        task (str): ``bbox``, ``segm``, ``keypoints`` or ``retrieval``.
        first (int): The number of the first of them, for the message.
        boxed (bool): Whether each needs a ``bbox`` where the format leaves that open.

    Raises:
        ValueError: If the task is another, or an entry is wrong; names it.
    """
    options = {} if task == 'retrieval' else dict(boxed=boxed)
    columns_of, fault_of = functions_of(task, **options)
    try:
        columns_of(rows)
    except WRONG:
        for number, row in enumerate(rows, first):
            if fault := fault_of(row):
                raise ValueError(
                    f'entry {number} of the {task} results: {fault}') from None
        raise


def _common_columns(rows):
    return dict(image_ids=integers(rows, 'image_id'), labels=labels_of(rows),
                scores=numbers([row['score'] for row in rows], (len(rows),)))


def _common_fault(row):
    if type(row) is not dict:
        return f'expected an object, got {shown(row)}'
    return (integer_fault(row, 'image_id') or category_fault(row)
            or number_fault(row, 'score'))


def _boxes_of(rows):
    boxes = numbers([row['bbox'] for row in rows], (len(rows), 4))
    if (boxes[:, 2:] < 0).any():
        raise ValueError('w and h must not be negative')
    return boxes


def _bbox_fault(row, name='bbox'):
    fault = numbers_fault(row, name, (4,))
    if fault is None and min(row[name][2:]) < 0:
        return (f'{name} must be [x, y, w, h] with w and h not negative, '
                f'got {shown(row[name])}')
    return fault


def _box_columns(rows, boxed=True):
    boxes = _boxes_of(rows)
    return dict(_common_columns(rows), bboxes=boxes, areas=boxes[:, 2] * boxes[:, 3])


def _box_fault(row, boxed=True):
    return _common_fault(row) or _bbox_fault(row)


def _mask_columns(rows, boxed=False):
    masks = [row['segmentation'] for row in rows]
    sizes = integers([dict(side=side) for mask in masks for side in mask['size']],
                     'side').reshape(len(rows), 2)
    counts = [mask['counts'].encode('ascii') for mask in masks]
    areas, wrong = measure_run_lengths(counts, sizes)
    if wrong.any():
        raise ValueError('damaged run lengths')
    columns = dict(_common_columns(rows), sizes=sizes.astype(np.int32), counts=counts,
                   areas=areas.astype(np.float64))
    if boxed:
        boxes = _boxes_of(rows)
        columns.update(bboxes=boxes, areas=boxes[:, 2] * boxes[:, 3])
    return columns


def _mask_fault(row, boxed=False):
    fault = _common_fault(row)
    if fault is None and boxed:
        fault = _missing_box(row) or _bbox_fault(row)
    if fault is not None:
        return fault
    mask = row.get('segmentation')
    size = mask.get('size') if type(mask) is dict else None
    if (type(size) is not list or len(size) != 2 or type(mask.get('counts')) is not str
            or not all(type(side) is int and 0 < side < 2**31 for side in size)):
        return ('segmentation must be compressed run lengths, {"size": [height, width],'
                f' "counts": "..."}}, got {shown(mask)}')
    text = mask['counts'].encode(errors='replace')
    if measure_run_lengths([text], np.array([size]))[1][0]:
        return f'segmentation holds damaged run lengths: {shown(mask)}'
    return None


def _missing_box(row):
    if 'bbox' not in row:
        return ('"bbox" is missing, which the first entry has: the official evaluator '
                'wants it in all entries or in none')
    return None


def _landmark_columns(rows, boxed=False, full_landmarks=()):
    common = _common_columns(rows)
    keys = common['image_ids'] * NUM_CATEGORIES + common['labels']

    def whole(padded, _):
        return np.isin(keys[padded], full_landmarks)

    values, full, extents = landmark_columns(rows, common['labels'], whole)
    sides = extents[:, 2:] - extents[:, :2]
    columns = dict(common, landmarks=np.ascontiguousarray(values[:, :2]),
                   full={row: points[:, :2] for row, points in full.items()},
                   areas=sides[:, 0] * sides[:, 1])
    if boxed:
        boxes = _boxes_of(rows)
        columns.update(bboxes=boxes, areas=boxes[:, 2] * boxes[:, 3])
    return columns


def _landmark_fault(row, boxed=False, full_landmarks=()):
    fault = _common_fault(row)
    if fault is None and boxed:
        fault = _missing_box(row) or _bbox_fault(row)
    if fault is None:
        own = 3 * category_of(row['category_id']).num_landmarks
        fault = numbers_fault(row, 'keypoints', (3 * NUM_KEYPOINTS, own))
    return fault


def _retrieval_columns(rows):
    count = len(rows)
    gallery = [row['gallery_image_id'] for row in rows]
    if any(len(ids) != TOP for ids in gallery):
        raise ValueError(f'gallery_image_id must be {TOP} ids')
    ids = integers([dict(id=i) for row in gallery for i in row], 'id')
    return dict(
        image_ids=integers(rows, 'query_image_id'),
        bboxes=numbers([row['query_bbox'] for row in rows], (count, 4)).reshape(-1, 4),
        labels=labels_of(rows, 'query_cls'),
        scores=numbers([row['query_score'] for row in rows], (count,)),
        gallery_image_ids=ids.reshape(count, TOP),
        gallery_bboxes=numbers([row['gallery_bbox'] for row in rows],
                               (count, TOP, 4)).reshape(count, TOP, 4))


def _retrieval_fault(row):
    if type(row) is not dict:
        return f'expected an object, got {shown(row)}'
    fault = (integer_fault(row, 'query_image_id') or category_fault(row, 'query_cls')
             or number_fault(row, 'query_score')
             or numbers_fault(row, 'query_bbox', (4,)))
    if fault is not None:
        return fault
    for name in ('gallery_image_id', 'gallery_bbox'):
        values = row.get(name)
        if type(values) is not list or len(values) != TOP:
            said = len(values) if type(values) is list else shown(values)
            return f'{name} must be a list of {TOP} gallery items, got {said}'
    for rank, (image, box) in enumerate(zip(
            row['gallery_image_id'], row['gallery_bbox'], strict=True)):
        fault = (integer_fault(dict(gallery_image_id=image), 'gallery_image_id')
                 or numbers_fault(dict(gallery_bbox=box), 'gallery_bbox', (4,)))
        if fault is not None:
            return f'{fault} at rank {rank + 1}'
    return None
