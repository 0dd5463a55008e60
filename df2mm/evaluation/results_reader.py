"""Read results files in the official formats, as arrays.

A file is read in parts by several processes; memory holds the arrays and a few
parts. See :mod:`df2mm.evaluation.results_format` for the formats.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from df2mm.datasets.json_parts import map_blocks
from df2mm.evaluation.detections import Detections
from df2mm.evaluation.ground_truth import RunLengthMasks
from df2mm.evaluation.number_columns import WRONG, landmarks_of_blocks
from df2mm.evaluation.results_format import TASKS, functions_of


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
    options = {} if task == 'retrieval' else dict(boxed=_begins_with_box(path, task))
    read = partial(_check_block, *functions_of(task, **options))
    count, wrong, first, message = 0, 0, None, ''
    for size, faults in _map_results(read, path, task, workers):
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
    options = dict(boxed=_begins_with_box(path, task))
    if task == 'keypoints':
        options['full_landmarks'] = np.asarray(full_landmarks, np.int64)
    blocks = _read_blocks(path, task, workers, **options)
    if len(blocks) == 1 and not empty_ok:
        raise ValueError(f'expected {task} results, found none in {path}: the list is '
                         'empty')
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
    blocks = _read_blocks(path, 'retrieval', workers)
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
    _, fault_of = functions_of(task)
    number = 0
    for rows in _map_results(list, path, task, workers=1):
        for row in rows:
            if fault := fault_of(row):
                raise ValueError(f'entry {number} of {path}: {fault}')
            yield row
            number += 1


def _begins_with_box(path, task) -> bool:
    """Whether the first entry has a box, which decides for all, as in pycocotools."""
    for rows in _map_results(list, path, task, workers=1):
        return type(rows[0]) is dict and rows[0].get('bbox', []) != []
    return False


def _map_results(function, path, task, workers):
    return map_blocks(function, path, what=f'{task} results', workers=workers)


def _read_blocks(path, task, workers, **options):
    """Columns of the file, after one block without rows."""
    columns_of, fault_of = functions_of(task, **options)
    blocks, count, first, wrong = [columns_of([])], 0, None, 0
    read = partial(_read_block, columns_of, fault_of)
    for size, columns, faults in _map_results(read, path, task, workers):
        if faults and first is None:
            first = (count + faults[0][0], faults[0][1])
        count += size
        wrong += len(faults)
        # What is read after a fault is only counted.
        if not wrong:
            blocks.append(columns)
    if wrong:
        raise ValueError(f'entry {first[0]} of {path}: {first[1]} '
                         f'({wrong} of {count} entries are wrong)')
    return blocks


def _read_block(columns_of, fault_of, rows):
    """Number of entries, their columns, and faults (row, message)."""
    try:
        return len(rows), columns_of(rows), []
    except WRONG:
        faults = [(number, fault) for number, row in enumerate(rows)
                  if (fault := fault_of(row))]
        if not faults:
            raise
        return len(rows), None, faults


def _check_block(columns_of, fault_of, rows):
    size, _, faults = _read_block(columns_of, fault_of, rows)
    return size, faults
