"""Read results files in the official formats, as arrays.

| task | an entry |
|---|---|
| bbox | image_id, category_id, bbox [x, y, w, h], score |
| segm | image_id, category_id, segmentation (compressed run lengths), score |
| keypoints | image_id, category_id, keypoints (294 times x, y, v), score; bbox |
| retrieval | query_image_id, query_bbox [x1, y1, x2, y2], query_cls, query_score, |
| | gallery_image_id (20 ids), gallery_bbox (20 boxes x1, y1, x2, y2) |

``keypoints`` may also hold the category's own landmarks alone. A file is read in
parts by several processes; memory holds the arrays and a few parts.

Source: the evaluation page of DeepFashion2's repository.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from df2mm.datasets.json_parts import array_parts, iter_blocks
from df2mm.datasets.parallel import map_in_order
from df2mm.evaluation.detections import Detections
from df2mm.evaluation.ground_truth import RunLengthMasks
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
from df2mm.metainfo import NUM_CATEGORIES, NUM_KEYPOINTS, category_of

TASKS = ('bbox', 'segm', 'keypoints', 'retrieval')
#: Gallery items of an entry of a retrieval file.
TOP = 20


@dataclass(frozen=True, eq=False)
class RetrievalResults:
    """Entries of a retrieval file.

    Shapes: D detections in user images, 20 gallery items each. Boxes are xyxy
    pixels.

    Attributes:
        image_ids (np.ndarray): (D,) int64, of the user images.
        bboxes (np.ndarray): (D, 4) float64.
        labels (np.ndarray): (D,) int64, 0..12.
        scores (np.ndarray): (D,) float64.
        gallery_image_ids (np.ndarray): (D, 20) int64, best first.
        gallery_bboxes (np.ndarray): (D, 20, 4) float64.
    """

    image_ids: np.ndarray
    bboxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    gallery_image_ids: np.ndarray
    gallery_bboxes: np.ndarray

    def __len__(self) -> int:
        """D."""
        return len(self.labels)


@dataclass(frozen=True)
class Validation:
    """What :func:`validate_results` found.

    Attributes:
        num_entries (int): Of the file.
        num_wrong (int): How many of them break a rule.
        first (int | None): The first of those, counted from 0.
        message (str): What is wrong with it.
    """

    num_entries: int
    num_wrong: int
    first: int | None
    message: str


def validate_results(path, task: str, workers: int | None = None) -> Validation:
    """Check every entry of a results file.

    Args:
        path (str | Path): The file.
        task (str): ``bbox``, ``segm``, ``keypoints`` or ``retrieval``.
        workers (int, optional): Processes. Defaults to the usable cores.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the task is another, or the file is no JSON list.
    """
    path = Path(path)
    functions = _of_task(task)
    parts = array_parts(path, what=f'{task} results')
    options = {} if task == 'retrieval' else dict(boxed=_begins_with_box(path, parts))
    read = partial(_check_part, path, *(partial(f, **options) for f in functions))
    count, wrong, first, message = 0, 0, None, ''
    for size, faults in map_in_order(read, parts, workers):
        if faults and first is None:
            first, message = count + faults[0][0], faults[0][1]
        count += size
        wrong += len(faults)
    return Validation(count, wrong, first, message)


def read_detections(path, task: str, full_landmarks=(), workers=None,
                    empty_ok=False) -> Detections:
    """Read the results of boxes, masks or landmarks.

    A detection's area is what the official evaluator takes: of the box if the
    first entry has one, else of the mask, or of the rectangle around all 294
    points, the padding at (0, 0) included.

    Args:
        path (str | Path): The file.
        task (str): ``bbox``, ``segm`` or ``keypoints``.
        full_landmarks (np.ndarray): Of which image and category the whole 294
            landmarks are kept: ascending image_id * 13 + label.
        workers (int, optional): Processes. Defaults to the usable cores.
        empty_ok (bool): Take a list without entries, on which the official
            evaluator fails. Defaults to False.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no JSON list, is empty, or an entry is wrong; names
            the first one and says how many there are.
    """
    if task not in TASKS[:3]:
        raise ValueError(f'task must be one of {", ".join(TASKS[:3])}, got {task!r}')
    path = Path(path)
    parts = array_parts(path, what=f'{task} results')
    boxed = task != 'bbox' and _begins_with_box(path, parts)
    options = dict(full_landmarks=np.asarray(full_landmarks, np.int64)) if (
        task == 'keypoints') else {}
    if not parts and not empty_ok:
        raise ValueError(f'expected {task} results, found none in {path}: the list is '
                         'empty')
    blocks = _read_blocks(path, task, parts, workers, boxed=boxed, **options)
    columns = {name: np.concatenate([block[name] for block in blocks])
               for name in ('image_ids', 'labels', 'scores', 'areas')}
    if 'bboxes' in blocks[0]:
        columns['bboxes'] = np.concatenate([block['bboxes'] for block in blocks])
    if task == 'keypoints':
        landmarks = landmarks_of_blocks(
            [(len(block['labels']), block['landmarks'], block['full'])
             for block in blocks], columns['labels'])
        columns['landmarks'] = landmarks
    if task == 'segm':
        columns['masks'] = RunLengthMasks(
            np.concatenate([block['sizes'] for block in blocks]),
            [text for block in blocks for text in block['counts']])
    return Detections(**columns)


def read_retrieval(path, workers: int | None = None) -> RetrievalResults:
    """Read a retrieval file; one without entries has D = 0 and is no error.

    Args:
        path (str | Path): The file.
        workers (int, optional): Processes. Defaults to the usable cores.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no JSON list, or an entry is wrong; names the first
            one and says how many there are.
    """
    path = Path(path)
    parts = array_parts(path, what='retrieval results')
    blocks = _read_blocks(path, 'retrieval', parts, workers)
    return RetrievalResults(**{
        name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]})


def iter_results(path, task: str):
    """The entries of a results file one after the other, as they are written.

    Args:
        path (str | Path): The file.
        task (str): ``bbox``, ``segm``, ``keypoints`` or ``retrieval``.

    Yields:
        dict: An entry.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no JSON list, or an entry is wrong.
    """
    _, fault_of = _of_task(task)
    number = 0
    for part in array_parts(path, what=f'{task} results'):
        for rows in iter_blocks(path, part):
            for row in rows:
                if fault := fault_of(row):
                    raise ValueError(f'entry {number} of {path}: {fault}')
                yield row
                number += 1


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
    columns_of, fault_of = (partial(f, **options) for f in _of_task(task))
    try:
        columns_of(rows)
    except WRONG:
        for number, row in enumerate(rows, first):
            if fault := fault_of(row):
                raise ValueError(
                    f'entry {number} of the {task} results: {fault}') from None
        raise


def _of_task(task):
    try:
        return {
            'bbox': (_box_columns, _box_fault),
            'segm': (_mask_columns, _mask_fault),
            'keypoints': (_landmark_columns, _landmark_fault),
            'retrieval': (_retrieval_columns, _retrieval_fault)}[task]
    except KeyError:
        raise ValueError(
            f'task must be one of {", ".join(TASKS)}, got {task!r}') from None


def _begins_with_box(path, parts) -> bool:
    """Whether the first entry has a box, which decides for all, as in pycocotools."""
    for rows in iter_blocks(path, parts[0]) if parts else ():
        return bool(rows) and type(rows[0]) is dict and rows[0].get('bbox', []) != []
    return False


def _read_blocks(path, task, parts, workers, **options):
    columns_of, fault_of = _of_task(task)
    blocks, count, first, wrong = [columns_of([], **options)], 0, None, 0
    read = partial(_read_part, path, partial(columns_of, **options),
                   partial(fault_of, **options))
    for size, part_blocks, faults in map_in_order(read, parts, workers):
        if faults and first is None:
            first = (count + faults[0][0], faults[0][1])
        count += size
        wrong += len(faults)
        # What is read after a fault is only counted.
        blocks = [] if wrong else blocks + part_blocks
    if wrong:
        raise ValueError(f'entry {first[0]} of {path}: {first[1]} '
                         f'({wrong} of {count} entries are wrong)')
    return blocks


def _read_part(path, columns_of, fault_of, part):
    """Number of entries, their columns by blocks, and faults (row, message)."""
    blocks, faults, start = [], [], 0
    for rows in iter_blocks(path, part):
        try:
            blocks.append(columns_of(rows))
        except WRONG:
            found = [(start + k, fault) for k, row in enumerate(rows)
                     if (fault := fault_of(row))]
            if not found:
                raise
            faults += found
        start += len(rows)
    return start, blocks, faults


def _check_part(path, columns_of, fault_of, part):
    size, _, faults = _read_part(path, columns_of, fault_of, part)
    return size, faults


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
