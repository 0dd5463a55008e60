"""How well a detection fits an item, for all pairs that may match.

Shapes: P pairs. ``found`` (P,) are detections, ``items`` (P,) items of the ground
truth, by number.
"""

import numpy as np
from pycocotools import mask as mask_api

from df2mm.datasets.parallel import map_in_order
from df2mm.evaluation.box_iou import paired_box_iou
from df2mm.evaluation.oks import keypoint_variances, oks, oks_without_landmarks
from df2mm.metainfo import CATEGORIES, NUM_KEYPOINTS

#: Pairs whose masks one task compares, and landmarks one step compares.
_CHUNK = 4096


def similarity(task, truth, detections, found, items, workers=None) -> np.ndarray:
    """(P,) float64 of a task's pairs, IoU or OKS.

    Args:
        task (str): ``bbox``, ``segm`` or ``keypoints``.
        truth (GroundTruth): N items.
        detections (Detections): D detections.
        found (np.ndarray): (P,) int64, into the D.
        items (np.ndarray): (P,) int64, into the N; of the detection's category.
        workers (int, optional): Processes that compare masks.
    """
    if task == 'segm':
        return mask_similarity(truth, detections, found, items, workers)
    function = dict(bbox=box_similarity, keypoints=keypoint_similarity)[task]
    return function(truth, detections, found, items)


def box_similarity(truth, detections, found, items) -> np.ndarray:
    """(P,) IoU of boxes; with a crowd, the share of the detection inside it."""
    return paired_box_iou(
        detections.bboxes[found], truth.bboxes[items], truth.crowd[items])


def mask_similarity(truth, detections, found, items, workers=None) -> np.ndarray:
    """(P,) IoU of masks; with a crowd, the share of the detection inside it.

    Raises:
        ValueError: If a mask has not the size of its image.
    """
    wrong = (detections.masks.sizes[found] != truth.masks.sizes[items]).any(1)
    if wrong.any():
        pair = np.flatnonzero(wrong)[0]
        raise ValueError(
            f'a mask must have the size of its image, {_size(truth, items[pair])}, '
            f'got {_size(detections, found[pair])} (height x width) in image '
            f'{detections.image_ids[found[pair]]}')

    def compare(start):
        chosen = slice(start, start + _CHUNK)
        result = np.zeros(len(found[chosen]))
        # Detection by detection: its pairs stand together.
        starts = np.flatnonzero(np.diff(found[chosen], prepend=-1))
        for a, b in zip(starts, [*starts[1:], len(result)], strict=True):
            partners = items[chosen][a:b]
            result[a:b] = mask_api.iou(
                detections.masks.as_coco(found[chosen][a:a + 1]),
                truth.masks.as_coco(partners), truth.crowd[partners].tolist())[0]
        return result

    return np.concatenate([np.zeros(0), *_forked(
        compare, range(0, len(found), _CHUNK), workers)])


def keypoint_similarity(truth, detections, found, items) -> np.ndarray:
    """(P,) OKS."""
    result = np.zeros(len(found))
    labels = truth.labels[items]
    whole = _needs_all(truth)[items]
    for category in CATEGORIES:
        pairs = np.flatnonzero((labels == category.label) & ~whole)
        variances = keypoint_variances(category.slice)
        for start in range(0, len(pairs), _CHUNK):
            chosen = pairs[start:start + _CHUNK]
            points = truth.landmarks.rows_of(items[chosen], category.num_landmarks)
            result[chosen] = oks(
                detections.landmarks.rows_of(found[chosen], category.num_landmarks),
                points[..., :2], points[..., 2], truth.areas[items[chosen]], variances)
    for pair in np.flatnonzero(whole):
        result[pair] = _oks_of_all(truth, detections, found[pair], items[pair])
    return result


def _needs_all(truth):
    """(N,) bool: items with nothing labelled, or something outside of the slice."""
    needed = truth.landmarks.count(truth.landmarks.values[:, 2] > 0) == 0
    needed[list(truth.landmarks.full)] = True
    return needed


def _oks_of_all(truth, detections, found, item):
    """OKS of one pair over all 294 points."""
    own = CATEGORIES[truth.labels[item]].slice
    points = _all_points(detections.landmarks, found, own)[None]
    marks = _all_points(truth.landmarks, item, own)
    if not (marks[:, 2] > 0).any():
        return oks_without_landmarks(points, truth.bboxes[item], truth.areas[item])[0]
    return oks(points, marks[None, :, :2], marks[None, :, 2], truth.areas[[item]],
               keypoint_variances())[0]


def _all_points(landmarks, item, own):
    """(294, 2 or 3): an item's vector as a file has it, zeros where none is kept."""
    if item in landmarks.full:
        return landmarks.full[item]
    points = np.zeros((NUM_KEYPOINTS, landmarks.values.shape[1]))
    points[own] = landmarks.values[slice(*landmarks.offsets[item:item + 2])]
    return points


def _size(source, index):
    return ' x '.join(map(str, source.masks.sizes[index]))


_FORKED = None


def _forked(function, tasks, workers):
    """``map`` in forked processes, which see what the function closes over."""
    global _FORKED
    _FORKED = function
    try:
        return list(map_in_order(_call_forked, list(tasks), workers))
    finally:
        _FORKED = None


def _call_forked(task):
    return _FORKED(task)
