"""What went wrong with boxes, masks or landmarks, the worst first.

A detection *claims* the item that it was matched to at 0.5 or, matched to none, the
one that its box lies on with an IoU of at least 0.5: one of its own category
before others, then that of the highest IoU. By its claims an item is of one kind:

| kind | |
|---|---|
| confused | its most confident claim is of another category |
| found | a detection of its category was matched to it at 0.5 |
| misfit | its category claims it, but fits worse: of masks and landmarks; of boxes |
| | where the IoU of one without a claim is at least 0.1 |
| missed | none of these |

Every detection takes part, whatever its score, except where ``score_thr`` is named.

Shapes: N items, D detections in the order of their file.
"""

from dataclasses import dataclass

import numpy as np
from pycocotools import mask as mask_api

from df2mm.evaluation.average_precision import AT_50, THRESHOLDS
from df2mm.evaluation.box_iou import paired_box_iou
from df2mm.metainfo import NUM_CATEGORIES

#: Where in ``DetectionErrors.kinds`` each kind stands.
KINDS = ('found', 'misfit', 'confused', 'missed')
FOUND, MISFIT, CONFUSED, MISSED = range(len(KINDS))
#: A box on an item; a box so far off that it is about nothing there.
_ON, _APART = 0.5, 0.1


@dataclass(frozen=True, eq=False)
class DetectionErrors:
    """The errors of one task.

    Attributes:
        boxes (np.ndarray): (D, 4) float64 x, y, w, h; see ``boxes_of``.
        score_thr (float): Where F1 at 0.5 is greatest over all categories.
        counted (np.ndarray): (N,) bool, items that are scored.
        kinds (np.ndarray): (N,) int64, into ``KINDS``; -1 for what is not scored.
        top (np.ndarray): (N,) int64, the most confident claim; -1 for none.
        own (np.ndarray): (N,) int64, the most confident of the item's category, as
            ``misfit`` has it; -1 for none.
        fits (np.ndarray): (N,) float64, IoU or OKS of the item and ``own``; NaN.
        overlaps (np.ndarray): (D,) float64, the greatest IoU of a detection's box
            with an item of its image, whatever its category.
        confusion (np.ndarray): (14, 14) int64. A row for the items of each category
            by what claims them with most confidence, from ``score_thr`` on, the last
            column for none; the last row for detections that claim nothing.
        missed (np.ndarray): (n,) int64 items, the largest first.
        confused (np.ndarray): (n,) int64 items, first where ``top`` is most ahead
            of ``own``.
        misfits (np.ndarray): (n,) int64 items that ``own`` fits worst first: boxes
            under 0.5; masks and landmarks under 0.95, which some threshold counts
            as wrong.
        false_alarms (np.ndarray): (n,) int64 detections that were wrong and whose
            box has an IoU under 0.1 with all items; the most confident first.
    """

    boxes: np.ndarray
    score_thr: float
    counted: np.ndarray
    kinds: np.ndarray
    top: np.ndarray
    own: np.ndarray
    fits: np.ndarray
    overlaps: np.ndarray
    confusion: np.ndarray
    missed: np.ndarray
    confused: np.ndarray
    misfits: np.ndarray
    false_alarms: np.ndarray


def find_errors(scores, truth, detections) -> DetectionErrors:
    """Sort out the errors of boxes, masks or landmarks.

    Args:
        scores (DetectionScores): Of the two that follow; its first question counts.
        truth (GroundTruth): N items.
        detections (Detections): D detections, none too.

    Returns:
        DetectionErrors: As above.
    """
    groups, matches = scores.groups, scores.matches
    boxes = boxes_of(detections)
    kept = groups.kept
    labels, certainty = detections.labels[kept], detections.scores[kept]
    found, items = _pairs_of_images(groups.images, truth)
    ious = paired_box_iou(boxes[kept][found], truth.bboxes[items], truth.crowd[items])
    same = labels[found] == truth.labels[items]
    overlaps = np.zeros(len(kept))
    np.maximum.at(overlaps, found, ious)

    matched = matches.items[:, AT_50]
    claims = np.where(matched >= 0, matched, _claimed(
        found, items, ious, same, ious >= _ON, len(kept)))
    is_own = labels == truth.labels[claims]
    top = _best(claims, certainty, claims >= 0, truth.num_items)
    own = _best(claims, certainty, (claims >= 0) & is_own, truth.num_items)
    if scores.task == 'bbox':
        near = _claimed(found, items, ious, same, same & (ious >= _APART), len(kept))
        beside = _best(near, certainty, (near >= 0) & (claims < 0), truth.num_items)
        own = np.where(own >= 0, own, beside)
    fits = _similarities(scores, own)

    counted = ~truth.crowd
    if scores.task == 'keypoints':
        counted = counted & (truth.num_keypoints > 0)
    kinds = np.where(own >= 0, MISFIT, MISSED)
    kinds[matched[matched >= 0]] = FOUND
    kinds[(top >= 0) & (_at(labels, top, -1) != truth.labels)] = CONFUSED
    kinds[~counted] = -1
    score_thr = best_threshold(matches, certainty, np.count_nonzero(counted))
    chosen = certainty >= score_thr
    stray = matches.wrong[:, 0, AT_50] & (overlaps < _APART)

    all_overlaps = np.zeros(len(detections))
    all_overlaps[kept] = overlaps
    ahead = _at(certainty, top, 0) - _at(certainty, own, 0)
    poor = fits < (_ON if scores.task == 'bbox' else THRESHOLDS[-1])
    return DetectionErrors(
        boxes=boxes, score_thr=score_thr, counted=counted, kinds=kinds,
        top=_at(kept, top, -1), own=_at(kept, own, -1), fits=fits,
        overlaps=all_overlaps,
        confusion=_confusion(truth.labels, counted, labels, claims, certainty, chosen),
        missed=_ranked(kinds == MISSED, -truth.bboxes[:, 2] * truth.bboxes[:, 3]),
        confused=_ranked(kinds == CONFUSED, -ahead),
        misfits=_ranked(((kinds == FOUND) | (kinds == MISFIT)) & poor, fits),
        false_alarms=kept[_ranked(stray, -certainty)])


def boxes_of(detections) -> np.ndarray:
    """(D, 4) float64 x, y, w, h.

    Those of the file, or around the mask, or around the landmarks of the category.
    """
    if detections.bboxes is not None:
        return detections.bboxes
    if not len(detections):
        return np.zeros((0, 4))
    if detections.masks is not None:
        return mask_api.toBbox(detections.masks.as_coco(range(len(detections))))
    starts, points = detections.landmarks.offsets[:-1], detections.landmarks.values
    low, high = (f.reduceat(points[:, :2], starts) for f in (np.minimum, np.maximum))
    return np.hstack([low, high - low])


def best_threshold(matches, certainty, num_items: int) -> float:
    """The score from which on detections give the greatest F1 at 0.5.

    Args:
        matches (Matches): Of D detections; the first question counts.
        certainty (np.ndarray): (D,) float64, their scores.
        num_items (int): Items that count.

    Returns:
        float: One of the scores; 0 without detections.
    """
    order = np.argsort(-certainty, kind='stable')
    right = np.cumsum(matches.right[order, 0, AT_50])
    wrong = np.cumsum(matches.wrong[order, 0, AT_50])
    ordered = certainty[order]
    # A threshold takes all equal scores or none.
    last = np.flatnonzero(np.append(np.diff(ordered) != 0, True)[:len(order)])
    if not len(last):
        return 0.0
    f1 = 2 * right[last] / np.maximum(right[last] + wrong[last] + num_items, 1)
    return float(ordered[last[f1.argmax()]])


def _pairs_of_images(images, truth):
    """(P,) detections and items of one image, whatever their categories."""
    order = np.argsort(truth.images, kind='stable')
    begins, ends = (np.searchsorted(truth.images[order], images, side)
                    for side in ('left', 'right'))
    counts = ends - begins
    found = np.repeat(np.arange(len(images)), counts)
    place = np.arange(len(found)) - np.repeat(np.cumsum(counts) - counts, counts)
    return found, order[begins[found] + place]


def _claimed(found, items, ious, same, allowed, count):
    """(count,) the item that each detection is about, -1 for none."""
    pairs = np.flatnonzero(allowed)
    pairs = pairs[np.lexsort((ious[pairs], same[pairs], found[pairs]))]
    claims = np.full(count, -1)
    # Of values for one place numpy keeps the last.
    claims[found[pairs]] = items[pairs]
    return claims


def _best(claims, certainty, chosen, num_items):
    """(num_items,) the most confident of the chosen detections that claim an item."""
    rows = np.flatnonzero(chosen)[::-1]
    rows = rows[np.argsort(certainty[rows], kind='stable')]
    best = np.full(num_items, -1)
    best[claims[rows]] = rows
    return best


def _at(values, places, missing):
    """``values[places]``, and ``missing`` where a place is -1."""
    result = np.full(len(places), missing, np.asarray(values).dtype)
    result[places >= 0] = values[places[places >= 0]]
    return result


def _similarities(scores, own):
    """(N,) float64 of each item and the detection ``own``, into ``Groups.kept``."""
    found, items = scores.groups.pairs()
    keys = found * len(own) + items
    order = np.argsort(keys)
    there = np.flatnonzero(own >= 0)
    fits = np.full(len(own), np.nan)
    fits[there] = scores.similarities[order[np.searchsorted(
        keys[order], own[there] * len(own) + there)]]
    return fits


def _confusion(item_labels, counted, labels, claims, certainty, chosen):
    top = _best(claims, certainty, chosen & (claims >= 0), len(item_labels))
    table = np.zeros((NUM_CATEGORIES + 1, NUM_CATEGORIES + 1), np.int64)
    said = _at(labels, top, NUM_CATEGORIES)
    np.add.at(table, (item_labels[counted], said[counted]), 1)
    np.add.at(table[-1], labels[chosen & (claims < 0)], 1)
    return table


def _ranked(chosen, key):
    """Where ``chosen`` is, by rising ``key``."""
    places = np.flatnonzero(chosen)
    return places[np.argsort(key[places], kind='stable')]
