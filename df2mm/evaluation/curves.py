"""The numbers behind the figures, as arrays and as what curves.json holds.

Shapes: K = 294 landmarks, R = 101 recalls.
"""

from dataclasses import dataclass

import numpy as np

from df2mm.evaluation.average_precision import AT_50, AT_75, RECALLS
from df2mm.evaluation.oks import keypoint_variances
from df2mm.evaluation.worst_errors import KINDS
from df2mm.metainfo import CATEGORIES, CATEGORY_NAMES, KEYPOINT_NAMES, NUM_KEYPOINTS

#: The error at which a landmark's similarity, exp(-e^2 / 2), is 0.5.
HALF_ERROR = float(np.sqrt(2 * np.log(2)))
#: The accuracy is drawn for k = 1 to so many: a results file has no more.
MOST_K = 20


@dataclass(frozen=True, eq=False)
class LandmarkErrors:
    """How far each landmark is off, in the unit of OKS.

    The error of a landmark is d / (2 sigma sqrt(area)): 1 is what the evaluation
    takes for one standard deviation of that landmark.

    Attributes:
        median (np.ndarray): (K,) float64; NaN where nothing was compared.
        high (np.ndarray): (K,) float64, the 90th percentile; NaN.
        counts (np.ndarray): (K,) int64, landmarks compared.
    """

    median: np.ndarray
    high: np.ndarray
    counts: np.ndarray


def landmark_errors(truth, detections, errors) -> LandmarkErrors:
    """Compare every scored item's landmarks with those that were found for it.

    They are those of the most confident detection of its category that claims it,
    which needs no small OKS: a box IoU of 0.5 is enough. Labelled landmarks count,
    occluded ones too.

    Args:
        truth (GroundTruth): With landmarks.
        detections (Detections): The same.
        errors (DetectionErrors): Of these.
    """
    median, high = np.full((2, NUM_KEYPOINTS), np.nan)
    counts = np.zeros(NUM_KEYPOINTS, np.int64)
    compared = errors.counted & (errors.own >= 0)
    for category in CATEGORIES:
        items = np.flatnonzero(compared & (truth.labels == category.label))
        if not len(items):
            continue
        points = truth.landmarks.rows_of(items, category.num_landmarks)
        found = detections.landmarks.rows_of(errors.own[items], category.num_landmarks)
        scale = np.sqrt(
            keypoint_variances(category.slice)
            * (truth.areas[items] + np.spacing(1))[:, None])
        distances = np.hypot(*np.moveaxis(found[..., :2] - points[..., :2], -1, 0))
        labelled = points[..., 2] > 0
        counts[category.slice] = labelled.sum(0)
        for k in np.flatnonzero(labelled.any(0)):
            values = (distances / scale)[labelled[:, k], k]
            place = category.start + k
            median[place], high[place] = np.percentile(values, (50, 90))
    return LandmarkErrors(median, high, counts)


def precision_curves(scores, categories=slice(None)) -> dict:
    """Precision over recall: at 0.5, at 0.75, and the mean over all thresholds.

    Args:
        scores (DetectionScores): Its first question is drawn.
        categories (slice | int): Of which the mean is taken.

    Returns:
        dict[str, np.ndarray | None]: (R,) float64; None if no category has items.
    """
    values = scores.precision.precision[0, categories]
    values = values.reshape(-1, *values.shape[-2:])
    values = values[(values > -1).all((1, 2))]
    if not len(values):
        return dict.fromkeys(('0.5', '0.75', 'mean'))
    mean = values.mean(0)
    return {'0.5': mean[AT_50], '0.75': mean[AT_75], 'mean': mean.mean(0)}


def top_k_accuracy(scores) -> np.ndarray:
    """(MOST_K,) float64 accuracy for k = 1, 2 ...; NaN if no item is scored.

    Args:
        scores (RetrievalScores): The scores.
    """
    ranks = scores.correct_rank[scores.counted & (scores.correct_rank >= 0)]
    hits = np.cumsum(np.bincount(ranks, minlength=MOST_K)[:MOST_K])
    return hits / scores.queries if scores.queries else np.full(MOST_K, np.nan)


def detection_numbers(scores: dict, errors, truth, landmarks=None) -> dict:
    """What curves.json holds of boxes, masks or landmarks.

    Args:
        scores (dict[str, DetectionScores]): By name.
        errors (DetectionErrors): Of the first of them.
        truth (GroundTruth): The ground truth.
        landmarks (LandmarkErrors, optional): Of the landmarks.
    """
    numbers = dict(recall=_plain(RECALLS), precision={
        name: dict(all=_plain_curves(score), **{
            category.name: _plain_curves(score, category.label)
            for category in CATEGORIES}) for name, score in scores.items()})
    numbers.update(
        score_thr=errors.score_thr,
        kinds={name: dict(zip(KINDS, row, strict=True)) for name, row in zip(
            CATEGORY_NAMES, kinds_by_category(errors, truth).tolist(), strict=True)},
        confusion=dict(annotated=[*CATEGORY_NAMES, 'nothing'],
                       predicted=[*CATEGORY_NAMES, 'nothing'],
                       counts=errors.confusion.tolist()))
    if landmarks is not None:
        numbers['landmarks'] = {
            name: dict(median=median, high=high, count=count)
            for name, median, high, count in zip(
                KEYPOINT_NAMES, _plain(landmarks.median), _plain(landmarks.high),
                landmarks.counts.tolist(), strict=True)}
    return numbers


def retrieval_numbers(scores, truth) -> dict:
    """What curves.json holds of retrieval."""
    names = ('queries', 'missed', 'top1', f'top{MOST_K}')
    return dict(
        top_k=_plain(top_k_accuracy(scores)), queries=scores.queries,
        missed=scores.missed, categories={
            name: dict(zip(names, row, strict=True)) for name, row in zip(
                CATEGORY_NAMES, queries_by_category(scores, truth).tolist(),
                strict=True)})


def kinds_by_category(errors, truth) -> np.ndarray:
    """(13, 4) int64: how many items of each category are of each of ``KINDS``."""
    table = np.zeros((len(CATEGORIES), len(KINDS)), np.int64)
    counted = errors.counted
    np.add.at(table, (truth.labels[counted], errors.kinds[counted]), 1)
    return table


def queries_by_category(scores, truth) -> np.ndarray:
    """(13, 4) int64: query items, those missed, right at first, right at all."""
    counted = scores.counted
    columns = (counted, counted & ~scores.represented,
               counted & (scores.correct_rank == 0),
               counted & (scores.correct_rank >= 0))
    return np.stack([np.bincount(truth.query_labels[column], minlength=len(CATEGORIES))
                     for column in columns], axis=1)


def _plain_curves(score, categories=slice(None)):
    return {name: None if curve is None else _plain(curve)
            for name, curve in precision_curves(score, categories).items()}


def _plain(values):
    """A list of floats of five digits, None for NaN."""
    return [None if np.isnan(value) else round(value, 5) for value in values.tolist()]
