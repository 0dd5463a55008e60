"""What a metric keeps of a model's output, and the detections made of it.

A record holds an image's predictions in a few small arrays: only the category's
own landmarks, masks as run lengths. Records travel between processes.
"""

from dataclasses import dataclass

import numpy as np
from pycocotools import mask as mask_api

from df2mm.evaluation.box_iou import xyxy_to_xywh
from df2mm.evaluation.detections import Detections
from df2mm.evaluation.ground_truth import Landmarks, RunLengthMasks
from df2mm.metainfo import (
    IN_CATEGORY,
    NUM_CATEGORIES,
    NUM_KEYPOINTS,
    NUM_LANDMARKS,
)


@dataclass(eq=False)
class Record:
    """The predictions of one image.

    Shapes: n detections, D + 2 numbers a vector. Coordinates are pixels of the
    image as it is on disk.

    Attributes:
        img_id (int): Of the image.
        bboxes (np.ndarray): (n, 4) float32, xyxy.
        labels (np.ndarray): (n,) uint8, 0..12.
        scores (np.ndarray): (n,) float32.
        source (str): 'user', 'shop' or 'unknown'.
        landmarks (np.ndarray | None): (sum of L, 2) float32.
        counts (list[bytes] | None): n masks as compressed run lengths.
        mask_size (tuple[int, int]): Height and width of the masks.
        query_vectors (np.ndarray | None): (n, D + 2) float32.
        gallery_vectors (np.ndarray | None): (n, D + 2) float32.
    """

    img_id: int
    bboxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    source: str = 'unknown'
    landmarks: np.ndarray | None = None
    counts: list | None = None
    mask_size: tuple = (0, 0)
    query_vectors: np.ndarray | None = None
    gallery_vectors: np.ndarray | None = None


def record_of(sample, instances: str, tasks) -> Record:
    """Make a record of a data sample.

    Args:
        sample (dict): ``img_id``, ``ori_shape`` and the field ``instances``.
        instances (str): Name of the field with ``bboxes`` (n, 4) xyxy, ``labels``,
            ``scores`` and, as the tasks want, ``keypoints`` (n, 294, 2), ``masks``
            (n, H, W) or run lengths, ``query_vectors``, ``gallery_vectors``.
        tasks (Sequence[str]): Of ``bbox``, ``segm``, ``keypoints``, ``retrieval``.

    Raises:
        KeyError: If the sample lacks a field; says what the task needs.
        ValueError: If numbers are not finite or shapes do not fit.
    """
    if instances not in sample:
        raise KeyError(f'data samples must have {instances}, got '
                       f'{", ".join(sorted(map(str, sample)))}')
    found = sample[instances]
    bboxes, labels, scores = (_array(found, name, instances, 'every task')
                              for name in ('bboxes', 'labels', 'scores'))
    record = Record(
        img_id=int(sample['img_id']), bboxes=bboxes.astype(np.float32).reshape(-1, 4),
        labels=labels.astype(np.uint8), scores=scores.astype(np.float32),
        source=sample.get('source') or 'unknown')
    where = f'the predictions of image {record.img_id}'
    if not (np.isfinite(record.bboxes).all() and np.isfinite(record.scores).all()):
        raise ValueError(f'boxes and scores must be finite, got NaN or infinity in '
                         f'{where}')
    if len(labels) and not 0 <= labels.min() <= labels.max() < NUM_CATEGORIES:
        raise ValueError(f'labels must be in 0..{NUM_CATEGORIES - 1}, got '
                         f'{labels.min()}..{labels.max()} in {where}')
    if 'keypoints' in tasks:
        keypoints = _array(found, 'keypoints', instances, 'keypoints')
        shape = (len(labels), NUM_KEYPOINTS, 2)
        if keypoints.shape != shape:
            raise ValueError(
                f'keypoints must have shape {shape}, got {keypoints.shape} in {where}')
        record.landmarks = keypoints[IN_CATEGORY[labels]].astype(np.float32)
        if not np.isfinite(record.landmarks).all():
            raise ValueError(
                f'keypoints must be finite, got NaN or infinity in {where}')
    if 'segm' in tasks:
        record.counts, record.mask_size = _run_lengths(found, instances, sample)
    if 'retrieval' in tasks:
        _take_vectors(record, found, instances, where)
    return record


def _take_vectors(record, found, instances, where):
    wanted = dict(user=('query_vectors',), shop=('gallery_vectors',)).get(
        record.source, ('query_vectors', 'gallery_vectors'))
    if not len(record.labels):
        return
    for name in wanted:
        vectors = _array(found, name, instances, 'retrieval').astype(np.float32)
        if vectors.ndim != 2 or len(vectors) != len(record.labels):
            raise ValueError(f'{name} must have shape ({len(record.labels)}, D + 2), '
                             f'got {vectors.shape} in {where}')
        if not np.isfinite(vectors).all():
            raise ValueError(f'{name} must be finite, got NaN or infinity in {where}')
        setattr(record, name, vectors)


def _array(found, name, instances, task) -> np.ndarray:
    if name not in found:
        raise KeyError(f'{task} needs {instances}.{name}, which the model does not '
                       'predict. Leave that metric out, or add the head to the config')
    value = found[name]
    value = getattr(value, 'tensor', value)  # boxes wrap theirs
    if hasattr(value, 'detach'):
        value = value.detach().cpu()
        value = (value.float() if value.is_floating_point() else value).numpy()
    return np.asarray(value)


def _run_lengths(found, instances, sample):
    """n compressed run lengths, and the masks' height and width."""
    if 'masks' in found and type(found['masks']) is list:
        masks = found['masks']
        size = tuple(masks[0]['size']) if masks else tuple(sample['ori_shape'][:2])
        return [mask['counts'].encode() if type(mask['counts']) is str
                else mask['counts'] for mask in masks], size
    masks = _array(found, 'masks', instances, 'segm')
    size = masks.shape[1:]
    # pycocotools reads column by column, all masks in one array.
    columns = np.asfortranarray(masks.transpose(1, 2, 0), dtype=np.uint8)
    return [mask['counts'] for mask in mask_api.encode(columns)], size


def detections_of(records, task: str) -> Detections:
    """The detections of one task in all records, in their order.

    Args:
        records (list[Record]): Sorted as the images shall count.
        task (str): ``bbox``, ``segm`` or ``keypoints``.
    """
    counts = np.array([len(record.labels) for record in records], np.int64)
    labels = joined([r.labels for r in records], (0,)).astype(np.int64)
    boxes = xyxy_to_xywh(joined([r.bboxes for r in records], (0, 4)))
    columns = dict(
        image_ids=np.repeat([r.img_id for r in records], counts).astype(np.int64),
        labels=labels, bboxes=boxes, areas=boxes[:, 2] * boxes[:, 3],
        scores=joined([r.scores for r in records], (0,)).astype(np.float64))
    if task == 'keypoints':
        columns['landmarks'] = Landmarks(
            joined([r.landmarks for r in records], (0, 2)),
            np.concatenate([[0], np.cumsum(NUM_LANDMARKS[labels])]).astype(np.int64))
    if task == 'segm':
        masks = RunLengthMasks(
            np.repeat(np.array([r.mask_size for r in records], np.int32).reshape(-1, 2),
                      counts, axis=0),
            [text for record in records for text in record.counts])
        # A results file of masks has no boxes: the masks' own areas decide.
        columns.update(masks=masks, areas=mask_api.area(
            masks.as_coco(range(len(masks)))).astype(np.float64))
    return Detections(**columns)


def joined(arrays, empty: tuple) -> np.ndarray:
    """Concatenate; an array of shape ``empty`` where there is none."""
    return np.concatenate(arrays) if arrays else np.zeros(empty, np.float32)
