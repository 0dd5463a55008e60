"""Consumer-to-shop retrieval: top-k accuracy as the official evaluation counts it.

Shapes: Q query items, G gallery items, D detections, R ranks. A query item is a
ground-truth item of a user image, a gallery item one of a shop image.

Source: the evaluation script of the DeepFashion2 repository. Differs: what it
asserts is a ValueError, and a list of results may have fewer than 20 entries.
"""

from dataclasses import dataclass, replace

import numpy as np

from df2mm.datasets.columns import identities_of
from df2mm.evaluation.box_iou import paired_box_iou, xyxy_to_xywh
from df2mm.ranges import ranges

#: The k of the official top-k accuracies.
TOP_KS = (1, 5, 10, 15, 20)

_IOU_THR = 0.5
_SHAPES = dict(image_ids=(), bboxes=(4,), labels=(), pair_ids=(), styles=(),
               variations=(4,))


@dataclass(frozen=True, eq=False)
class RetrievalTruth:
    """The ground truth of retrieval.

    Attributes:
        query_image_ids (np.ndarray): (Q,) int64.
        query_bboxes (np.ndarray): (Q, 4) float64 xyxy, pixels.
        query_labels (np.ndarray): (Q,) int64, 0..12.
        query_pair_ids (np.ndarray): (Q,) int64.
        query_styles (np.ndarray): (Q,) int64. An item of style 0 is no query: it
            takes detections away from the others of its image, no more.
        query_variations (np.ndarray): (Q, 4) uint8, 0 where not known.
        gallery_image_ids (np.ndarray): (G,) int64.
        gallery_bboxes (np.ndarray): (G, 4) float64 xyxy, pixels.
        gallery_pair_ids (np.ndarray): (G,) int64.
        gallery_styles (np.ndarray): (G,) int64.

    Raises:
        ValueError: If a shape is another, or no query item has a style > 0.
    """

    query_image_ids: np.ndarray
    query_bboxes: np.ndarray
    query_labels: np.ndarray
    query_pair_ids: np.ndarray
    query_styles: np.ndarray
    query_variations: np.ndarray
    gallery_image_ids: np.ndarray
    gallery_bboxes: np.ndarray
    gallery_pair_ids: np.ndarray
    gallery_styles: np.ndarray

    def __post_init__(self):
        for name, array in vars(self).items():
            kind, field = name.split('_', 1)
            count = len(getattr(self, f'{kind}_image_ids'))
            _check_shape(name, array, (count, *_SHAPES[field]))
        if not (self.query_styles > 0).any():
            raise ValueError('expected a query item of style > 0, got none among '
                             f'{len(self.query_styles)} query items')


@dataclass(frozen=True, eq=False)
class RetrievalScores:
    """What ``score_retrieval`` found, for all query items or for some of them.

    Attributes:
        ks (tuple[int]): The k of the top-k accuracies.
        correct_rank (np.ndarray): (Q,) int64, 0-based rank of the first right box;
            -1 where there is none, or nothing stands for the item.
        represented (np.ndarray): (Q,) bool, where a detection stands for the item.
        counted (np.ndarray): (Q,) bool, the items that are scored, all of
            style > 0.
    """

    ks: tuple
    correct_rank: np.ndarray
    represented: np.ndarray
    counted: np.ndarray

    @property
    def queries(self) -> int:
        """How many items are scored."""
        return int(self.counted.sum())

    @property
    def missed(self) -> int:
        """How many of them no detection stands for; they count as wrong."""
        return int((self.counted & ~self.represented).sum())

    @property
    def hits(self) -> np.ndarray:
        """(len(ks),) int64: items with a right box within the first k."""
        ranks = self.correct_rank[self.counted & (self.correct_rank >= 0)]
        return np.array([np.count_nonzero(ranks < k) for k in self.ks], np.int64)

    @property
    def accuracies(self) -> np.ndarray:
        """(len(ks),) float64: hits / queries; NaN if no item is scored."""
        if not self.queries:
            return np.full(len(self.ks), np.nan)
        return self.hits / self.queries

    def subset(self, mask) -> 'RetrievalScores':
        """The scores of the query items at ``mask``, (Q,) bool, alone.

        Raises:
            ValueError: If the mask has another shape.
        """
        mask = np.asarray(mask, bool)
        _check_shape('mask', mask, self.counted.shape)
        return replace(self, counted=self.counted & mask)


def represent(truth, image_ids, bboxes, labels, scores):
    """Which detection stands for each query item.

    Each detection is assigned to the item of its image with the highest IoU,
    however low, the first of equal ones; a box that touches nothing so goes to the
    first item. Of the detections assigned to an item, that of the highest score
    among those of its category stands for it; the first of equal scores.

    Args:
        truth (RetrievalTruth): The ground truth.
        image_ids (np.ndarray): (D,) int; those the truth does not know are ignored.
        bboxes (np.ndarray): (D, 4) xyxy, pixels.
        labels (np.ndarray): (D,) int, 0..12.
        scores (np.ndarray): (D,) float.

    Returns:
        np.ndarray: (Q,) int64; -1 for an item without such a detection and for
        each item of style 0.

    Raises:
        ValueError: If a shape is wrong, a box or score not finite, or an image with
            a detection holds two pair_ids.
    """
    image_ids, bboxes, labels, scores = map(
        np.asarray, (image_ids, bboxes, labels, scores))
    count = len(image_ids)
    for name, array in (('image_ids', image_ids), ('labels', labels),
                        ('scores', scores)):
        _check_shape(name, array, (count,))
    _check_shape('bboxes', bboxes, (count, 4))
    detections = np.arange(count)
    _check_finite('bboxes', np.isfinite(bboxes).all(1), detections)
    _check_finite('scores', np.isfinite(scores), detections)
    order = np.argsort(truth.query_image_ids, kind='stable')
    sorted_ids = truth.query_image_ids[order]
    _check_pair_ids(sorted_ids, truth.query_pair_ids[order], image_ids)
    detections, items = _assigned(truth, order, sorted_ids, image_ids, bboxes)
    right = ((truth.query_styles[items] > 0)
             & (truth.query_labels[items] == labels[detections]))
    detections, items = detections[right], items[right]
    # lexsort is stable: the first of equal scores comes first.
    ranking = np.lexsort((-scores[detections].astype(np.float64), items))
    items, first = np.unique(items[ranking], return_index=True)
    represented = np.full(len(order), -1, np.int64)
    represented[items] = detections[ranking[first]]
    return represented


def score_retrieval(truth, represented, gallery_image_ids, gallery_bboxes,
                    ks=TOP_KS):
    """Top-k accuracy of retrieved boxes.

    A retrieved box is right if its image holds a gallery item of the query item's
    pair_id and style with an IoU of at least 0.5; its category does not count. An
    image may be retrieved several times. An item that nothing stands for counts as
    wrong.

    Args:
        truth (RetrievalTruth): The ground truth.
        represented (np.ndarray): (Q,) int, as ``represent`` returns it.
        gallery_image_ids (np.ndarray): (D, R) int, best first; -1 is no entry.
        gallery_bboxes (np.ndarray): (D, R, 4) xyxy, pixels.
        ks (Sequence[int]): Of the top-k accuracies. Where k > R, the R ranks are all
            that counts, as with a gallery of R boxes.

    Returns:
        RetrievalScores: Of all query items of style > 0.

    Raises:
        ValueError: If a shape is wrong, a k not positive, a box not finite, or a
            represented query item has no gallery item.
    """
    represented = np.asarray(represented)
    gallery_image_ids = np.asarray(gallery_image_ids)
    gallery_bboxes = np.asarray(gallery_bboxes)
    num_detections = len(gallery_image_ids)
    if gallery_image_ids.ndim != 2:
        raise ValueError('gallery_image_ids must have shape (D, R), got '
                         f'{gallery_image_ids.shape}')
    _check_shape('gallery_bboxes', gallery_bboxes, (*gallery_image_ids.shape, 4))
    _check_shape('represented', represented, truth.query_styles.shape)
    if (represented >= num_detections).any():
        raise ValueError(f'represented must be less than {num_detections}, the number '
                         f'of detections, got {represented.max()}')
    ks = tuple(ks)
    if not all(k >= 1 for k in ks):
        raise ValueError(f'ks must be positive, got {ks}')
    counted = truth.query_styles > 0
    queries = np.flatnonzero(counted & (represented >= 0))
    correct_rank = np.full(len(counted), -1, np.int64)
    if len(queries):
        used = represented[queries]
        image_ids, bboxes = gallery_image_ids[used], gallery_bboxes[used]
        finite = np.isfinite(bboxes).all(2) | (image_ids < 0)
        _check_finite('gallery_bboxes', finite.all(1), used)
        right = right_boxes(truth, queries, image_ids, bboxes)
        ranks = right.shape[1]
        first = np.where(right, np.arange(ranks), ranks).min(1, initial=ranks)
        correct_rank[queries] = np.where(first < ranks, first, -1)
    return RetrievalScores(ks, correct_rank, represented >= 0, counted)


def _assigned(truth, order, sorted_ids, image_ids, bboxes):
    """Detections of known images, and the query item that each is assigned to."""
    begins = np.searchsorted(sorted_ids, image_ids, 'left')
    counts = np.searchsorted(sorted_ids, image_ids, 'right') - begins
    detections = np.flatnonzero(counts)
    begins, counts = begins[detections], counts[detections]
    if not len(detections):
        return detections, detections
    pairs = np.repeat(np.arange(len(detections)), counts)
    items = order[ranges(begins, counts)]
    ious = paired_box_iou(xyxy_to_xywh(bboxes)[detections[pairs]],
                          xyxy_to_xywh(truth.query_bboxes)[items])
    best = np.maximum.reduceat(ious, np.cumsum(counts) - counts)
    best_pairs = np.flatnonzero(ious == best[pairs])
    _, first = np.unique(pairs[best_pairs], return_index=True)
    return detections, items[best_pairs[first]]


def right_boxes(truth, queries, image_ids, bboxes) -> np.ndarray:
    """Which of what was retrieved is right; see ``score_retrieval``.

    Args:
        truth (RetrievalTruth): The ground truth.
        queries (np.ndarray): (N,) int64, query items.
        image_ids (np.ndarray): (N, R) int, retrieved for each; -1 is no entry.
        bboxes (np.ndarray): (N, R, 4) xyxy, pixels.

    Returns:
        np.ndarray: (N, R) bool.

    Raises:
        ValueError: If a query item has no gallery item, or a box is not finite.
    """
    identities = identities_of(truth.gallery_pair_ids, truth.gallery_styles)
    known_identities, identity_codes = np.unique(identities, return_inverse=True)
    known_images, image_codes = np.unique(truth.gallery_image_ids, return_inverse=True)
    wanted = identities_of(truth.query_pair_ids[queries], truth.query_styles[queries])
    lost = (wanted < 0) | ~np.isin(wanted, known_identities)
    if lost.any():
        item = queries[lost][0]
        raise ValueError(
            f'query item {item} (image {truth.query_image_ids[item]}, pair_id '
            f'{truth.query_pair_ids[item]}, style {truth.query_styles[item]}) has no '
            'gallery item of its pair_id and style. Was another gallery meant?')
    # One number an (image, identity), to look up the gallery items of both.
    keys = image_codes * len(known_identities) + identity_codes
    order = np.argsort(keys, kind='stable')
    keys = keys[order]
    positions = np.minimum(np.searchsorted(known_images, image_ids),
                           len(known_images) - 1)
    entries = (image_ids >= 0) & (known_images[positions] == image_ids)
    entry_rows, entry_ranks = np.nonzero(entries)
    looked_up = (positions[entries] * len(known_identities)
                 + np.searchsorted(known_identities, wanted)[entry_rows])
    begins = np.searchsorted(keys, looked_up, 'left')
    counts = np.searchsorted(keys, looked_up, 'right') - begins
    pairs = np.repeat(np.arange(len(looked_up)), counts)
    items = order[ranges(begins, counts)]
    rows, ranks = entry_rows[pairs], entry_ranks[pairs]
    ious = paired_box_iou(xyxy_to_xywh(bboxes[rows, ranks]),
                          xyxy_to_xywh(truth.gallery_bboxes[items]))
    right = np.zeros(image_ids.shape, bool)
    right[rows[ious >= _IOU_THR], ranks[ious >= _IOU_THR]] = True
    return right


def _check_pair_ids(sorted_ids, pair_ids, detected_ids):
    mixed = (np.diff(sorted_ids) == 0) & (np.diff(pair_ids) != 0)
    images = sorted_ids[1:][mixed]
    images = images[np.isin(images, detected_ids)]
    if len(images):
        found = np.unique(pair_ids[sorted_ids == images[0]]).tolist()
        raise ValueError('the query items of an image must have one pair_id, got '
                         f'{found} in image {images[0]}')


def _check_shape(name, array, expected):
    if np.shape(array) != expected:
        raise ValueError(f'{name} must have shape {expected}, got {np.shape(array)}')


def _check_finite(name, finite, detections):
    if not finite.all():
        raise ValueError(f'{name} must be finite, got NaN or infinity in detection '
                         f'{detections[~finite][0]}')
