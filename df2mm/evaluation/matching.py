"""COCO's greedy matching, for many questions at once.

A question (V of them) says which items are to be ignored and whose area is out of
range: all areas, small ones, large ones, the items of one level. The similarities
are the same for all, and so is the order of the detections, so that all questions
and all thresholds are answered in one pass over the detections' ranks.

Rules, of COCOeval.evaluateImg in pycocotools:

- Of each image and category the detections choose in the order of their scores.
- A detection takes the item that is most similar to it, at least by the threshold,
  among those not taken; of equal ones the later. One that counts goes before one
  that is ignored, however similar. A crowd may be taken again and again.
- A detection that took an ignored item is ignored, as is one that took none and
  whose own area is out of range.
- A match with an item whose id is 0 is none to the detection: it counts as wrong.
"""

from dataclasses import dataclass

import numpy as np

#: Cells of (groups, items, V, T) that are worked on at once: they fit a cache.
_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Matches:
    """What became of each detection.

    Shapes: D detections in the order of ``Groups.kept``, V questions, T thresholds.

    Attributes:
        right (np.ndarray): (D, V, T) bool, matched to an item that counts.
        wrong (np.ndarray): (D, V, T) bool; neither means ignored.
        items (np.ndarray): (D, T) int64, by number the item matched under the
            first question; -1 for none.
    """

    right: np.ndarray
    wrong: np.ndarray
    items: np.ndarray


def match(groups, similarities, ignored, out_of_range, thresholds, crowd, ids):
    """Match detections and items.

    Args:
        groups (Groups): D detections, N items, P pairs.
        similarities (np.ndarray): (P,) float64.
        ignored (np.ndarray): (N, V) bool.
        out_of_range (np.ndarray): (D, V) bool, of the kept detections.
        thresholds (np.ndarray): (T,) float64.
        crowd (np.ndarray): (N,) bool.
        ids (np.ndarray): (N,) int, of the annotations.

    Returns:
        Matches: As above.
    """
    shape = (*out_of_range.shape, len(thresholds))
    right = np.zeros(shape, bool)
    wrong = np.broadcast_to(~out_of_range[..., None], shape).copy()
    matched_items = np.full((shape[0], shape[2]), -1, np.int64)
    limits = np.minimum(thresholds, 1 - 1e-10)
    for count in np.unique(groups.num_items):
        chosen = np.flatnonzero(groups.num_items == count)
        # Those with the most detections first: a rank's groups are a prefix.
        chosen = chosen[np.argsort(-groups.num_detections[chosen], kind='stable')]
        step = max(1, _BLOCK // (int(count) * shape[1] * shape[2]))
        for start in range(0, len(chosen), step):
            _match_bucket(groups, similarities, ignored, out_of_range, limits, crowd,
                          ids, chosen[start:start + step], int(count), right, wrong,
                          matched_items)
    return Matches(right, wrong, matched_items)


def _match_bucket(groups, similarities, ignored, out_of_range, limits, crowd, ids,
                  chosen, count, right, wrong, matched_items):
    """Match groups ``chosen`` that have ``count`` items each; fills the last three."""
    items = groups.items[groups.first_items[chosen][:, None] + np.arange(count)]
    ignore = ignored[items][..., None]                            # (U, G, V, 1)
    again = crowd[items][:, :, None, None]
    no_id = (ids[items] == 0)[:, :, None, None]
    taken = np.zeros((*ignore.shape[:3], len(limits)), bool)      # (U, G, V, T)
    num_detections = groups.num_detections[chosen]
    for rank in range(int(num_detections[0])):
        active = int(np.searchsorted(-num_detections, -rank))
        pairs = groups.first_pairs[chosen[:active]] + rank * count
        similar = similarities[pairs[:, None] + np.arange(count)][:, :, None, None]
        free = (similar >= limits) & (~taken[:active] | again[:active])
        best = _best(similar, free, ignore[:active])
        taken[:active] |= best
        hit = best.any(1)
        hit_ignored = (best & ignore[:active]).any(1)
        rows = groups.first_detections[chosen[:active]] + rank
        outside = out_of_range[rows][..., None]
        counts = hit & ~(best & no_id[:active]).any(1)
        right[rows] = counts & ~hit_ignored
        wrong[rows] = ~counts & ~hit_ignored & ~outside
        first = best[:, :, 0]                                     # (U, G, T)
        matched_items[rows] = np.where(
            first.any(1), np.take_along_axis(items[:active], first.argmax(1), 1), -1)


def _best(similar, free, ignore):
    """(U, G, V, T) bool, at most one of the G: what each detection takes."""
    if free.shape[1] == 1:
        return free
    counting = free & ~ignore
    free = np.where(counting.any(1, keepdims=True), counting, free)
    score = np.where(free, similar, -1)[:, ::-1]
    # The first of the reversed is the last of equals.
    place = score.shape[1] - 1 - score.argmax(1)
    return free & (np.arange(score.shape[1])[:, None, None] == place[:, None])
