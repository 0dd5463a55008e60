"""Precision and recall of matched detections.

Shapes: D detections, N items, V questions, K = 13 categories, T thresholds,
R = 101 recalls.
"""

from dataclasses import dataclass

import numpy as np

from df2mm.metainfo import NUM_CATEGORIES

#: 0, 0.01 ... 1, as in COCO.
RECALLS = np.linspace(0, 1, 101)
#: 0.5, 0.55 ... 0.95, as in COCO; IoU or OKS.
THRESHOLDS = np.linspace(0.5, 0.95, 10)
#: Where 0.5 and 0.75 stand among them.
AT_50, AT_75 = 0, 5
#: Averaged over the thresholds, and at two of them.
PRECISION_NAMES = ('AP', 'AP50', 'AP75')


@dataclass(frozen=True, eq=False)
class Precision:
    """Precision at each recall; -1 where a category has no item that counts.

    Attributes:
        precision (np.ndarray): (V, K, T, R) float64.
        recall (np.ndarray): (V, K, T) float64, the greatest.
        num_items (np.ndarray): (V, K) int64, items that count.
    """

    precision: np.ndarray
    recall: np.ndarray
    num_items: np.ndarray

    def average(self, question: int, categories=slice(None)) -> dict:
        """``AP``, ``AP50`` and ``AP75`` of one question; -1 without any item."""
        values = self.precision[question, categories]
        means = map(mean_of_known, (
            values, values[..., AT_50, :], values[..., AT_75, :]))
        return dict(zip(PRECISION_NAMES, means, strict=True))


def mean_of_known(values) -> float:
    """The mean of what is not -1; -1 if nothing is."""
    known = values[values > -1]
    return float(known.mean()) if known.size else -1.0


def precision_of(matches, scores, labels, num_items) -> Precision:
    """Precision and recall by question, category and threshold.

    Args:
        matches (Matches): Of D detections, sorted by image.
        scores (np.ndarray): (D,) float64.
        labels (np.ndarray): (D,) int64.
        num_items (np.ndarray): (V, K) int64, items that count.

    Returns:
        Precision: As above.

    Source: COCOeval.accumulate of pycocotools. Ignored detections change neither
    curve, and between two right detections precision only falls, so both are
    computed at the right ones alone.
    """
    shape = (*num_items.shape, matches.right.shape[2])
    precision = -np.ones((*shape, len(RECALLS)))
    recall = -np.ones(shape)
    for k in range(NUM_CATEGORIES):
        questions = np.flatnonzero(num_items[:, k])
        own = np.flatnonzero(labels == k)
        own = own[np.argsort(-scores[own], kind='stable')]
        # Threshold by threshold in one row of memory.
        right = np.ascontiguousarray(np.moveaxis(matches.right[own], 0, -1))
        missed = np.cumsum(np.moveaxis(matches.wrong[own], 0, -1), -1, dtype=np.int32)
        for v in questions:
            for t in range(shape[2]):
                places = np.flatnonzero(right[v, t])
                precision[v, k, t], recall[v, k, t] = _curve(
                    missed[v, t, places], num_items[v, k])
    return Precision(precision, recall, num_items)


def _curve(wrong, num_items):
    """Precision at each of the R recalls, and the greatest recall.

    Args:
        wrong (np.ndarray): (n,) int, how many wrong ones stand before each of the
            right ones.
        num_items (int): Items that count.
    """
    values = np.zeros(len(RECALLS))
    if not len(wrong):
        return values, 0.0
    right = np.arange(1.0, len(wrong) + 1)
    precision = right / (wrong + right + np.spacing(1))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    recall = right / num_items
    places = np.searchsorted(recall, RECALLS, side='left')
    known = places < len(envelope)
    values[known] = envelope[places[known]]
    return values, recall[-1]


def recall_within(matches, ranks, labels, num_items, question: int, limit: int):
    """(K, T) float64: recall with the best ``limit`` of each image and category."""
    right = matches.right[ranks < limit, question]
    counts = np.zeros((NUM_CATEGORIES, right.shape[1]))
    np.add.at(counts, labels[ranks < limit], right)
    known = num_items[question] > 0
    counts[known] /= num_items[question, known, None]
    counts[~known] = -1
    return counts
