import numpy as np
import pytest
from pycocotools import mask as mask_api

from df2mm.evaluation.curves import (
    HALF_ERROR,
    detection_numbers,
    kinds_by_category,
    landmark_errors,
    precision_curves,
    queries_by_category,
    top_k_accuracy,
)
from df2mm.evaluation.detection_scores import score_detections
from df2mm.evaluation.detections import Detections
from df2mm.evaluation.ground_truth import GroundTruth, Landmarks, RunLengthMasks
from df2mm.evaluation.results_reader import RetrievalResults
from df2mm.evaluation.retrieval import RetrievalTruth, right_boxes, score_retrieval
from df2mm.evaluation.retrieval_errors import (
    find_retrieval_errors,
    partners_of,
)
from df2mm.evaluation.worst_errors import (
    CONFUSED,
    FOUND,
    MISFIT,
    MISSED,
    boxes_of,
    find_errors,
)
from df2mm.metainfo import CATEGORIES, CATEGORY_NAMES, KEYPOINT_NAMES

VEST, SLING, SHORTS, TROUSERS, SKIRT, DRESS = map(CATEGORY_NAMES.index, (
    'vest', 'sling', 'shorts', 'trousers', 'skirt', 'vest dress'))
SIDE = 100.0


def box(left, top=0, side=SIDE):
    return [left, top, side, side]


def truth_of(rows, landmarks=None, crowd=(), num_images=3):
    """Rows of image, label, box; landmarks (L, 3) of each."""
    images, labels, boxes = (np.array(column) for column in zip(*rows, strict=True))
    boxes = boxes.astype(float)
    count, counts = len(rows), np.zeros(len(rows), int)
    if landmarks is not None:
        counts = np.array([(points[:, 2] > 0).sum() for points in landmarks])
        landmarks = joined(landmarks)
    return GroundTruth(
        img_ids=np.arange(num_images) + 1,
        sizes=np.full((num_images, 2), 600, np.int32),
        file_names=[f'{k + 1:06}.jpg' for k in range(num_images)],
        sources=np.zeros(num_images, np.uint8), pair_ids=np.full(num_images, -1),
        images=images - 1, ids=np.arange(count) + 1, labels=labels, bboxes=boxes,
        areas=boxes[:, 2] * boxes[:, 3], crowd=np.isin(np.arange(count), crowd),
        styles=np.zeros(count, int), variations=np.zeros((count, 4), np.uint8),
        num_keypoints=counts, landmarks=landmarks)


def found_of(rows, landmarks=None):
    """Rows of image id, label, score, box."""
    images, labels, scores, boxes = zip(*rows, strict=True) if rows else ((),) * 4
    boxes = np.array(boxes, float).reshape(-1, 4)
    return Detections(
        image_ids=np.array(images, int), labels=np.array(labels, int),
        scores=np.array(scores, float), areas=boxes[:, 2] * boxes[:, 3], bboxes=boxes,
        landmarks=None if landmarks is None else joined(landmarks))


def joined(landmarks):
    offsets = np.cumsum([0, *map(len, landmarks)])
    return Landmarks(np.concatenate(landmarks).astype(float), offsets)


ITEMS = [
    (1, SKIRT, box(0)),            # 0: found
    (1, SHORTS, box(200)),         # 1: trousers 0.8 over shorts 0.3
    (2, VEST, box(0, side=50)),    # 2: nothing
    (2, VEST, box(100, 100, 80)),  # 3: nothing, larger
    (2, SLING, box(200, 200)),     # 4: beside it, IoU 60 / 140
    (2, DRESS, box(400)),          # 5: skirt 0.6 alone
    (2, DRESS, box(400, 400)),     # 6: a crowd
]
FOUND_ROWS = [
    (3, VEST, 0.7, box(0, side=50)),
    (1, SKIRT, 0.9, box(0)),
    (1, TROUSERS, 0.8, box(200)),
    (1, SHORTS, 0.3, box(200)),
    (2, SLING, 0.5, box(240, 200)),
    (2, SKIRT, 0.6, box(400)),
    (3, VEST, 0.95, box(500)),
]


def errors_of(task, truth, detections):
    return find_errors(
        score_detections(task, truth, detections, workers=1), truth, detections)


def test_each_item_is_of_one_kind():
    errors = errors_of('bbox', truth_of(ITEMS, crowd=[6]), found_of(FOUND_ROWS))
    assert errors.kinds.tolist() == [
        FOUND, CONFUSED, MISSED, MISSED, MISFIT, CONFUSED, -1]
    assert errors.missed.tolist() == [3, 2]
    # The wrong category leads by 0.6 - 0 and by 0.8 - 0.3.
    assert errors.confused.tolist() == [5, 1]
    assert errors.misfits.tolist() == [4]
    assert errors.false_alarms.tolist() == [6, 0]
    assert errors.top.tolist() == [1, 2, -1, -1, -1, 5, -1]
    assert errors.own.tolist() == [1, 3, -1, -1, 4, -1, -1]
    assert errors.fits == pytest.approx(
        [1, 1, *[np.nan] * 2, 60 / 140, *[np.nan] * 2], nan_ok=True)
    assert errors.overlaps == pytest.approx([0, 1, 1, 1, 60 / 140, 1, 0])


def test_confusion_counts_what_claims_an_item_and_what_claims_none():
    truth = truth_of(ITEMS, crowd=[6])
    errors = errors_of('bbox', truth, found_of(FOUND_ROWS))
    # F1 of 6 items: 2*1 / (2+6) from 0.9 on, 2*2 / (7+6) from 0.3 on.
    assert errors.score_thr == 0.3
    expected = np.zeros((14, 14), int)
    expected[SKIRT, SKIRT] = expected[SHORTS, TROUSERS] = expected[DRESS, SKIRT] = 1
    expected[VEST, -1] = expected[-1, VEST] = 2
    expected[SLING, -1] = expected[-1, SLING] = 1
    np.testing.assert_array_equal(errors.confusion, expected)
    kinds = kinds_by_category(errors, truth)
    assert kinds[VEST].tolist() == [0, 0, 0, 2]
    assert kinds.sum() == 6


def test_only_scores_from_the_threshold_on_are_in_the_confusion():
    # Right 0.9, wrong 0.2 on the same item: F1 is greatest without the latter.
    errors = errors_of('bbox', truth_of([(1, SKIRT, box(0))]), found_of([
        (1, SKIRT, 0.9, box(0)), (1, SKIRT, 0.2, box(0)), (2, VEST, 0.1, box(0))]))
    assert errors.score_thr == 0.9
    assert errors.confusion.sum() == 1
    assert errors.false_alarms.tolist() == [2]


def test_a_detection_claims_its_own_category_before_a_better_box():
    # The second skirt's box is the dress's, but it is the skirt once more: its IoU
    # with that is 80 / 120.
    truth = truth_of([(1, SKIRT, box(0)), (1, DRESS, box(20))])
    errors = errors_of('bbox', truth, found_of([
        (1, SKIRT, 0.9, box(0)), (1, SKIRT, 0.8, box(20)), (1, DRESS, 0.3, box(20))]))
    assert errors.kinds.tolist() == [FOUND, FOUND]
    assert errors.own.tolist() == [0, 2]


def test_no_detections_and_no_errors():
    truth = truth_of([(1, SKIRT, box(0)), (2, VEST, box(0))])
    nothing = errors_of('bbox', truth, found_of([]))
    assert nothing.missed.tolist() == [0, 1]
    assert nothing.score_thr == 0
    assert nothing.confusion[:, -1].sum() == nothing.confusion.sum() == 2
    for name in ('confused', 'misfits', 'false_alarms'):
        assert len(getattr(nothing, name)) == 0
    perfect = errors_of('bbox', truth, found_of([
        (1, SKIRT, 0.9, box(0)), (2, VEST, 0.9, box(0))]))
    assert perfect.kinds.tolist() == [FOUND, FOUND]
    for name in ('missed', 'confused', 'misfits', 'false_alarms'):
        assert len(getattr(perfect, name)) == 0


def landmarks_at(label, errors, visible=2):
    """The template in a box of SIDE and, off by ``errors`` in OKS's unit, found."""
    category = CATEGORIES[label]
    points = category.template * SIDE
    shift = 2 * np.array(category.sigmas) * SIDE * errors
    found = points + np.stack([shift, 0 * shift], 1)
    marks = np.broadcast_to(visible, len(points))[:, None]
    return np.hstack([points, marks]), found


def test_landmark_errors_are_in_the_unit_of_oks():
    first, found_first = landmarks_at(SKIRT, 1.0)
    second, found_second = landmarks_at(SKIRT, 3.0, [2, 1, *[0] * 6])
    truth = truth_of([(1, SKIRT, box(0)), (2, SKIRT, box(0))], [first, second])
    detections = found_of([(1, SKIRT, 0.9, box(0)), (2, SKIRT, 0.8, box(0))],
                          [found_first, found_second])
    errors = errors_of('keypoints', truth, detections)
    # OKS: exp(-1 / 2) and exp(-9 / 2), the latter far under 0.5.
    assert errors.fits == pytest.approx([np.exp(-0.5), np.exp(-4.5)])
    assert errors.misfits.tolist() == [1, 0]
    assert errors.kinds.tolist() == [FOUND, MISFIT]
    found = landmark_errors(truth, detections, errors)
    part = CATEGORIES[SKIRT].slice
    assert found.median[part] == pytest.approx([2, 2, *[1] * 6])
    assert found.high[part] == pytest.approx([2.8, 2.8, *[1] * 6])
    assert found.counts[part].tolist() == [2, 2, *[1] * 6]
    assert found.counts.sum() == 10
    assert np.isnan(found.median).sum() == 294 - 8
    assert np.exp(-HALF_ERROR**2 / 2) == pytest.approx(0.5)


def test_items_without_landmarks_are_not_counted():
    points, found = landmarks_at(SKIRT, 0.0, 0)
    truth = truth_of([(1, SKIRT, box(0)), (2, SKIRT, box(0))],
                     [points, landmarks_at(SKIRT, 0.0)[0]])
    errors = errors_of('keypoints', truth, found_of(
        [(2, SKIRT, 0.8, box(300))], [found + 300]))
    assert errors.kinds.tolist() == [-1, MISSED]
    assert errors.missed.tolist() == [1]


def test_boxes_where_the_file_has_none():
    points = np.array([[10.0, 20], [30, 5], [15, 60]])
    landmarks = Landmarks(np.concatenate([points, points + 5]), np.array([0, 3, 6]))
    detections = found_of([(1, SKIRT, 0.5, box(0))] * 2)
    around = Detections(**{**vars(detections), 'bboxes': None, 'landmarks': landmarks})
    assert boxes_of(around).tolist() == [[10, 5, 20, 55], [15, 10, 20, 55]]
    bitmap = np.zeros((50, 40), np.uint8, order='F')
    bitmap[10:30, 5:25] = 1
    rle = mask_api.encode(bitmap)
    masks = RunLengthMasks(np.array([rle['size']] * 2), [rle['counts']] * 2)
    masked = Detections(**{**vars(detections), 'bboxes': None, 'masks': masks})
    assert boxes_of(masked).tolist() == [[5, 10, 20, 20]] * 2
    assert boxes_of(detections).tolist() == [box(0)] * 2
    none = Detections(**{**vars(found_of([])), 'bboxes': None})
    assert boxes_of(none).shape == (0, 4)


def test_precision_curves_of_a_category_without_items():
    truth = truth_of([(1, SKIRT, box(0)), (2, VEST, box(0))])
    scores = score_detections('bbox', truth, found_of([(1, SKIRT, 0.9, box(0))]))
    assert precision_curves(scores, SHORTS)['mean'] is None
    assert precision_curves(scores, SKIRT)['0.75'] == pytest.approx([1] * 101)
    # The mean of a skirt that is found and a vest that is not.
    assert precision_curves(scores)['mean'] == pytest.approx([0.5] * 101)
    numbers = detection_numbers(
        dict(bbox=scores), find_errors(scores, truth, found_of(
            [(1, SKIRT, 0.9, box(0))])), truth)
    assert numbers['precision']['bbox']['shorts']['0.5'] is None
    assert numbers['kinds']['vest'] == dict(found=0, misfit=0, confused=0, missed=1)
    assert 'landmarks' not in numbers


def test_numbers_name_each_landmark():
    points, found = landmarks_at(SKIRT, 1.0)
    truth = truth_of([(1, SKIRT, box(0))], [points])
    detections = found_of([(1, SKIRT, 0.9, box(0))], [found])
    scores = score_detections('keypoints', truth, detections)
    errors = find_errors(scores, truth, detections)
    numbers = detection_numbers(dict(keypoints=scores), errors, truth, landmark_errors(
        truth, detections, errors))['landmarks']
    assert list(numbers) == list(KEYPOINT_NAMES)
    prefix = CATEGORIES[SKIRT].prefix
    assert numbers[f'{prefix}_kpt1'] == dict(median=1, high=1, count=1)
    assert numbers['sss_kpt1'] == dict(median=None, high=None, count=0)


def retrieval_case():
    """Three query items: right third, never right, not detected; one of style 0."""
    corners = np.array([[0, 0, 100, 100]], float)
    truth = RetrievalTruth(
        query_image_ids=np.array([1, 1, 2, 3]),
        query_bboxes=np.concatenate([corners, corners + 200, corners, corners]),
        query_labels=np.array([SKIRT, VEST, SKIRT, DRESS]),
        query_pair_ids=np.array([1, 1, 2, 3]), query_styles=np.array([1, 0, 1, 1]),
        query_variations=np.zeros((4, 4), np.uint8),
        gallery_image_ids=np.array([11, 12, 13, 14]),
        gallery_bboxes=np.repeat(corners, 4, 0),
        gallery_pair_ids=np.array([1, 2, 3, 1]), gallery_styles=np.array([1, 1, 1, 2]))
    found = RetrievalResults(
        image_ids=np.array([1, 2, 3]), bboxes=np.repeat(corners, 3, 0),
        labels=np.array([SKIRT, SKIRT, VEST]), scores=np.array([0.5, 0.6, 0.7]),
        gallery_image_ids=np.array([[14, 11, 11], [11, 13, 12], [11, 12, 13]]),
        gallery_bboxes=np.repeat(corners[None], 3, 0).repeat(3, 1))
    # In the right image, but beside the item; then on another one's.
    found.gallery_bboxes[0, 1] += 70
    found.gallery_bboxes[1, 2] += 70
    return truth, found


def test_wrong_retrievals():
    truth, found = retrieval_case()
    represented = np.array([0, -1, 1, -1])
    scores = score_retrieval(
        truth, represented, found.gallery_image_ids, found.gallery_bboxes)
    assert scores.correct_rank.tolist() == [2, -1, -1, -1]
    errors = find_retrieval_errors(scores, truth, found)
    assert errors.represented.tolist() == represented.tolist()
    assert errors.wrong.tolist() == [2, 0]
    assert errors.missed.tolist() == [3]
    right = right_boxes(truth, np.array([0]), found.gallery_image_ids[:1],
                        found.gallery_bboxes[:1])
    assert right.tolist() == [[False, False, True]]
    assert partners_of(truth, 0).tolist() == [0]
    assert top_k_accuracy(scores) == pytest.approx([0, 0, *[1 / 3] * 18])
    # Queries, missed, right at first, right at all.
    table = queries_by_category(scores, truth)
    assert table[[SKIRT, VEST, DRESS]].tolist() == [
        [2, 0, 0, 1], [0, 0, 0, 0], [1, 1, 0, 0]]


def test_retrieval_without_errors_and_without_detections():
    truth, found = retrieval_case()
    none = RetrievalResults(*(getattr(found, name)[:0] for name in (
        'image_ids', 'bboxes', 'labels', 'scores', 'gallery_image_ids',
        'gallery_bboxes')))
    scores = score_retrieval(truth, np.full(4, -1), none.gallery_image_ids,
                             none.gallery_bboxes)
    errors = find_retrieval_errors(scores, truth, none)
    assert errors.missed.tolist() == [0, 2, 3]
    assert errors.wrong.tolist() == []
    assert top_k_accuracy(scores).tolist() == [0] * 20
