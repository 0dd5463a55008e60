"""Detections and items that can match: those of one image and one category."""

from dataclasses import dataclass

import numpy as np

from df2mm.metainfo import NUM_CATEGORIES


@dataclass(frozen=True, eq=False)
class Groups:
    """Which detections meet which items.

    Shapes: D detections that are kept, N items, U groups that have both, P pairs
    of a detection and an item of one group. The pairs of a detection stand
    together, its group's items in the order of the file.

    Attributes:
        kept (np.ndarray): (D,) int64, detections by image, category and falling
            score (equal scores in the file's order); everything below is in this
            order, except where it says otherwise.
        ranks (np.ndarray): (D,) int64, 0 for the best of its image and category.
        images (np.ndarray): (D,) int64, which image of the ground truth.
        first_detections (np.ndarray): (U,) int64, into the D.
        num_detections (np.ndarray): (U,) int64.
        first_items (np.ndarray): (U,) int64, into ``items``.
        num_items (np.ndarray): (U,) int64.
        items (np.ndarray): (N,) int64, items by image and category.
        first_pairs (np.ndarray): (U,) int64, into the P.
    """

    kept: np.ndarray
    ranks: np.ndarray
    images: np.ndarray
    first_detections: np.ndarray
    num_detections: np.ndarray
    first_items: np.ndarray
    num_items: np.ndarray
    items: np.ndarray
    first_pairs: np.ndarray

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """(P,) int64 each: the detection, into ``kept``, and the item, by number."""
        per_group = self.num_detections * self.num_items
        group = np.repeat(np.arange(len(per_group)), per_group)
        place = np.arange(per_group.sum()) - self.first_pairs[group]
        row, column = np.divmod(place, self.num_items[group])
        return (self.first_detections[group] + row,
                self.items[self.first_items[group] + column])


def group(truth, detections, positions, max_dets: int) -> Groups:
    """Sort detections and items into groups of one image and one category.

    Args:
        truth (GroundTruth): M images, N items.
        detections (Detections): Any number.
        positions (np.ndarray): Of each detection, which of the M images.
        max_dets (int): Of each image and category the best so many are kept.

    Returns:
        Groups: As above.
    """
    keys = positions * NUM_CATEGORIES + detections.labels
    order = np.lexsort((-detections.scores, keys))
    starts, counts = _runs(keys[order])
    ranks = np.arange(len(order)) - np.repeat(starts, counts)
    order, ranks = order[ranks < max_dets], ranks[ranks < max_dets]
    kept_keys = keys[order]

    item_keys = truth.images * NUM_CATEGORIES + truth.labels
    items = np.argsort(item_keys, kind='stable')
    starts, counts = _runs(kept_keys)
    item_starts, item_counts = _runs(item_keys[items])
    _, found, there = np.intersect1d(
        kept_keys[starts], item_keys[items][item_starts], assume_unique=True,
        return_indices=True)
    num_pairs = counts[found] * item_counts[there]
    return Groups(
        kept=order, ranks=ranks, images=positions[order],
        first_detections=starts[found], num_detections=counts[found],
        first_items=item_starts[there], num_items=item_counts[there], items=items,
        first_pairs=np.cumsum(num_pairs) - num_pairs)


def _runs(values):
    """Where each run of equal values begins, and how long it is."""
    if not len(values):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    return starts, np.diff(np.append(starts, len(values)))
