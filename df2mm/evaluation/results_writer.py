"""Write results files in the official formats, as a stream.

The formats are those of :mod:`df2mm.evaluation.results_format`. A file holds an
entry a line and appears under its name once it is whole.
"""

from itertools import chain, islice

import numpy as np
import orjson

from df2mm.atomic import replacing
from df2mm.evaluation.results_format import check_entries
from df2mm.metainfo import CATEGORIES, NUM_KEYPOINTS

#: Entries that are checked and written at once.
_BLOCK = 256


def write_results(path, task: str, entries) -> int:
    """Write a results file; atomic, and in memory that does not grow with it.

    Args:
        path (str | Path): The file; its folder is made where missing.
        task (str): ``bbox``, ``segm``, ``keypoints`` or ``retrieval``.
        entries (Iterable[dict]): Of the official form, such as
            ``detection_entries`` and ``retrieval_entries`` make them.

    Returns:
        int: How many were written.

    Raises:
        ValueError: If the task is unknown or an entry breaks a rule of the format;
            names the entry. Nothing is written then.
    """
    entries, count, boxed = iter(entries), 0, False
    check_entries([], task)
    with replacing(path) as file:
        file.write(b'[')
        while rows := list(islice(entries, _BLOCK)):
            # All or none, as the first entry has it: so the official evaluator reads.
            boxed = boxed if count else 'bbox' in rows[0]
            check_entries(rows, task, count, boxed)
            for row in rows:
                file.write(b',\n' if count else b'\n')
                file.write(orjson.dumps(row))
                count += 1
        file.write(b'\n]\n')
    return count


def detection_entries(detections, task: str):
    """Entries of a ``bbox``, ``segm`` or ``keypoints`` file.

    A landmark entry has its ``bbox``: without one the official evaluator takes the
    rectangle around all 294 points, the zeros of other categories included.

    Args:
        detections (Detections): With what the task writes.
        task (str): ``bbox``, ``segm`` or ``keypoints``.

    Yields:
        dict: An entry.
    """
    if task not in ('bbox', 'segm', 'keypoints'):
        raise ValueError(f'task must be bbox, segm or keypoints, got {task!r}')
    for i, (image_id, label, score) in enumerate(zip(
            detections.image_ids.tolist(), detections.labels.tolist(),
            detections.scores.tolist(), strict=True)):
        entry = dict(image_id=image_id, category_id=label + 1, score=score)
        if task == 'segm':
            height, width = detections.masks.sizes[i].tolist()
            entry['segmentation'] = dict(
                size=[height, width], counts=detections.masks.counts[i].decode())
        else:
            entry['bbox'] = detections.bboxes[i].tolist()
        if task == 'keypoints':
            entry['keypoints'] = _padded(detections.landmarks, i, label)
        yield entry


def retrieval_entries(results):
    """Entries of a ``retrieval`` file.

    Args:
        results (RetrievalResults): D detections with 20 gallery items each.

    Yields:
        dict: An entry.
    """
    columns = (results.image_ids, results.bboxes, results.labels, results.scores,
               results.gallery_image_ids, results.gallery_bboxes)
    for image_id, box, label, score, ids, boxes in zip(*columns, strict=True):
        yield dict(
            query_image_id=int(image_id), query_bbox=box.tolist(),
            query_cls=int(label) + 1, query_score=float(score),
            gallery_image_id=ids.tolist(), gallery_bbox=boxes.tolist())


def _padded(landmarks, item, label):
    """294 times x, y, 1; zeros, which are short as integers, for other categories."""
    own = CATEGORIES[label].slice
    points = landmarks.values[slice(*landmarks.offsets[item:item + 2])]
    marks = np.column_stack([points, np.ones(len(points))]).ravel().tolist()
    return list(chain([0] * (3 * own.start), marks,
                      [0] * (3 * (NUM_KEYPOINTS - own.stop))))
