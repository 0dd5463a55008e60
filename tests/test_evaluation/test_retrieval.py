"""df2mm/evaluation/retrieval.py, by hand and against a plain rewriting.

The tests by hand are numbered by the steps of the official evaluation: 1 the
denominator, 2 assignment, 3 which detection stands for an item, 4 what is right, 5
accuracy, 6 what is refused or ignored. Step 7, ranking by logits, is rank's.
"""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from df2mm.evaluation.retrieval import RetrievalTruth, represent, score_retrieval
from df2mm.evaluation.retrieval_truth import read_retrieval_truth

ROOT = Path(__file__).resolve().parents[2]
OFFICIAL_GT = ROOT.parent / 'shared/reference/official_gt'


@pytest.fixture(scope='module')
def official():
    path = ROOT / 'tools/benchmark/official_retrieval.py'
    spec = importlib.util.spec_from_file_location('df2mm_official_retrieval', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.official_retrieval


def integers(rows, name):
    return np.array([row[name] for row in rows], np.int64)


def boxes(rows, name, *shape):
    return np.array([row[name] for row in rows], np.float64).reshape(-1, *shape, 4)


def truth_of(query_gt, gallery_gt):
    return RetrievalTruth(
        query_image_ids=integers(query_gt, 'query_image_id'),
        query_bboxes=boxes(query_gt, 'bbox'),
        query_labels=integers(query_gt, 'cls') - 1,
        query_pair_ids=integers(query_gt, 'pair_id'),
        query_styles=integers(query_gt, 'style'),
        query_variations=np.zeros((len(query_gt), 4), np.uint8),
        gallery_image_ids=integers(gallery_gt, 'gallery_image_id'),
        gallery_bboxes=boxes(gallery_gt, 'bbox'),
        gallery_pair_ids=integers(gallery_gt, 'pair_id'),
        gallery_styles=integers(gallery_gt, 'style'))


def represent_by(truth, results):
    return represent(
        truth, integers(results, 'query_image_id'), boxes(results, 'query_bbox'),
        integers(results, 'query_cls') - 1,
        np.array([row['query_score'] for row in results], np.float64))


def score(truth, results, **options):
    return score_retrieval(
        truth, represent_by(truth, results),
        integers(results, 'gallery_image_id').reshape(-1, 20),
        boxes(results, 'gallery_bbox', 20), **options)


def query(image, style, bbox, cls=1, pair=1):
    return dict(query_image_id=image, style=style, bbox=bbox, cls=cls, pair_id=pair)


def shop(image, style, bbox, pair=1):
    return dict(gallery_image_id=image, style=style, bbox=bbox, pair_id=pair)


def result(image, bbox, retrieved=(), cls=1, score=0.5):
    """What is retrieved: ``(rank, image, bbox)``; the other ranks are image 99."""
    images, boxes = [99] * 20, [[0, 0, 10, 10]] * 20
    for rank, found, box in retrieved:
        images[rank], boxes[rank] = found, box
    return dict(query_image_id=image, query_bbox=bbox, query_cls=cls,
                query_score=score, gallery_image_id=images, gallery_bbox=boxes)


LEFT, RIGHT = [0, 0, 10, 10], [20, 0, 30, 10]
GALLERY = [shop(50, 1, LEFT), shop(50, 2, RIGHT), shop(51, 1, RIGHT),
           shop(52, 1, LEFT, pair=2)]


def test_1_items_of_style_0_are_not_counted():
    truth = truth_of([query(1, 1, LEFT), query(1, 0, RIGHT), query(2, 2, LEFT)],
                     GALLERY)
    scores = score(truth, [result(1, LEFT, [(0, 50, LEFT)])])
    # Items of style 1 and 2; the second has no detection and stays.
    assert (scores.queries, scores.missed) == (2, 1)
    np.testing.assert_array_equal(scores.accuracies, [1 / 2] * 5)


@pytest.mark.parametrize('bbox, item', [
    ([0, 0, 10, 14], 0),       # IoU 100/140 with LEFT, 140/300 with style 0
    ([0, 0, 10, 25], None),    # 100/250 with LEFT, 250/300 with style 0
    ([25, 5, 60, 60], 1),      # 25 / (1925 + 100 - 25) with RIGHT: low, but the most
    ([70, 70, 80, 80], 0),     # touches nothing: the first item
    ([10, 0, 20, 10], 0)])     # touches both, IoU 0 with each
def test_2_a_detection_goes_to_the_item_of_highest_iou(bbox, item):
    truth = truth_of([query(1, 1, LEFT), query(1, 2, RIGHT),
                      query(1, 0, [0, 0, 10, 30])], GALLERY)
    expected = [0 if item == number else -1 for number in range(3)]
    assert represent_by(truth, [result(1, bbox)]).tolist() == expected


def test_2_equal_ious_go_to_the_first_item():
    truth = truth_of([query(1, 2, RIGHT), query(1, 1, LEFT)], GALLERY)
    # 5 x 10 of each: IoU 50 / (200 + 100 - 50) with both.
    assert represent_by(truth, [result(1, [5, 0, 25, 10])]).tolist() == [0, -1]


def test_3_the_highest_score_of_the_right_category_stands():
    truth = truth_of([query(1, 1, LEFT, cls=9), query(1, 2, RIGHT, cls=5)], GALLERY)
    results = [
        result(1, LEFT, cls=9, score=0.3),
        result(1, RIGHT, cls=9, score=0.9),            # not a vest
        result(1, [0, 0, 10, 2], cls=9, score=0.6),    # this one, whatever its IoU
        result(1, LEFT, cls=5, score=0.8),             # not a skirt
        result(1, LEFT, cls=9, score=0.6)]             # the second of equal scores
    assert represent_by(truth, results).tolist() == [2, -1]
    assert score(truth, results).missed == 1


@pytest.mark.parametrize('image, bbox, right', [
    (50, LEFT, True),
    (50, RIGHT, False),                # the box of style 2
    (51, RIGHT, True),
    (52, LEFT, False),                 # another pair_id
    (49, LEFT, False),                 # nothing is annotated there
    (53, LEFT, False),
    (-1, LEFT, False),                 # no entry
    (50, [0, 0, 10, 5], True),         # 50 / 100
    (50, [0, 0, 10, 4.99], False),     # 49.9 / 100
    (50, [0, 0, 10, 20], True),        # 100 / 200: the size has no + 1
    (50, [0, 0, 10, 20.1], False)])    # 100 / 201
def test_4_a_box_is_right_by_image_identity_and_iou(image, bbox, right):
    truth = truth_of([query(1, 1, LEFT)], GALLERY)
    scores = score(truth, [result(1, LEFT, [(0, image, bbox)])])
    assert scores.correct_rank.tolist() == [0 if right else -1]


def test_4_an_identity_twice_in_an_image_and_an_image_twice_in_a_list():
    truth = truth_of([query(1, 1, LEFT)], [*GALLERY, shop(50, 1, [0, 50, 10, 60])])
    for box in (LEFT, [0, 50, 10, 60]):
        scores = score(truth, [result(1, LEFT, [
            (0, 50, RIGHT), (1, 50, RIGHT), (2, 50, box), (3, 50, LEFT)])])
        assert scores.correct_rank.tolist() == [2]


def test_5_accuracies():
    ranks = [0, 3, 4, 5, 14, 19, None, 9]
    truth = truth_of([query(image, 1, LEFT) for image in range(10)], GALLERY)
    results = [result(image, LEFT, [] if rank is None else [(rank, 50, LEFT)])
               for image, rank in enumerate(ranks)]
    scores = score(truth, results)
    # Within the first 1: 0. First 5: 0 3 4. First 10: 5 9 as well. 15: 14. 20: 19.
    assert scores.hits.tolist() == [1, 3, 5, 6, 7]
    np.testing.assert_array_equal(scores.accuracies, np.array([1, 3, 5, 6, 7]) / 10)
    assert scores.correct_rank.tolist() == [0, 3, 4, 5, 14, 19, -1, 9, -1, -1]
    assert (scores.queries, scores.missed, scores.ks) == (10, 2, (1, 5, 10, 15, 20))
    scores = score(truth, results, ks=(4, 6))
    np.testing.assert_array_equal(scores.accuracies, [2 / 10, 4 / 10])


def test_scores_of_some_items():
    truth = truth_of([query(1, 1, LEFT), query(1, 0, RIGHT), query(2, 1, LEFT),
                      query(3, 1, LEFT)], GALLERY)
    scores = score(truth, [result(1, LEFT, [(0, 50, LEFT)]), result(2, LEFT)])
    some = scores.subset([True, True, False, True])
    assert (some.queries, some.missed, some.hits.tolist()) == (2, 1, [1] * 5)
    none = some.subset([False] * 4)
    assert (none.queries, none.missed, none.hits.tolist()) == (0, 0, [0] * 5)
    assert np.isnan(none.accuracies).all()
    assert scores.queries == 3
    with pytest.raises(ValueError, match=r'mask must have shape \(4,\), got \(3,\)'):
        scores.subset([True] * 3)


def test_6_no_results_and_results_for_unknown_images():
    truth = truth_of([query(1, 1, LEFT), query(2, 1, LEFT)], GALLERY)
    for results in ([], [result(7, LEFT, [(0, 50, LEFT)])]):
        scores = score(truth, results)
        assert (scores.queries, scores.missed, scores.hits.tolist()) == (2, 2, [0] * 5)
        np.testing.assert_array_equal(scores.accuracies, [0] * 5)


def test_6_two_pair_ids_in_an_image():
    truth = truth_of([query(1, 1, LEFT), query(3, 1, LEFT), query(3, 0, RIGHT, pair=4)],
                     GALLERY)
    assert score(truth, [result(1, LEFT, [(0, 50, LEFT)])]).hits[0] == 1
    with pytest.raises(ValueError, match=r'one pair_id, got \[1, 4\] in image 3'):
        represent_by(truth, [result(1, LEFT), result(3, LEFT)])


def test_6_a_represented_item_without_a_gallery_item():
    truth = truth_of([query(1, 1, LEFT), query(2, 3, LEFT, pair=8)], GALLERY)
    assert score(truth, [result(1, LEFT)]).missed == 1
    with pytest.raises(ValueError, match=r'query item 1 \(image 2, pair_id 8, style 3\)'
                                         ' has no gallery item'):
        score(truth, [result(1, LEFT), result(2, LEFT)])
    empty = replace(truth, gallery_image_ids=np.zeros(0, np.int64),
                    gallery_bboxes=np.zeros((0, 4)), gallery_styles=np.zeros(0, int),
                    gallery_pair_ids=np.zeros(0, int))
    with pytest.raises(ValueError, match=r'query item 0 .* has no gallery item'):
        score(empty, [result(1, LEFT)])


@pytest.mark.parametrize('ranks', (0, 1, 3))
def test_a_gallery_of_few_boxes(ranks):
    truth = truth_of([query(1, 1, LEFT)], GALLERY)
    scores = score_retrieval(
        truth, np.array([0]), np.array([[51, 99, 50]])[:, :ranks],
        np.array([[LEFT, LEFT, LEFT]], float)[:, :ranks])
    assert scores.hits.tolist() == ([0, 1, 1, 1, 1] if ranks == 3 else [0] * 5)


def random_case(seed, num_images=100, num_pairs=12):
    """Items on a coarse grid, so that IoUs tie and are exactly 0.5."""
    rng = np.random.default_rng(seed)

    def box():
        x, y = rng.integers(0, 5, 2) * 10
        return [int(x), int(y), int(x + rng.integers(1, 5) * 10),
                int(y + rng.integers(1, 5) * 10)]

    gallery_gt = [shop(int(rng.integers(100, 130)), style, box(), pair)
                  for pair in range(1, num_pairs + 1) for style in (1, 2, 3)
                  for _ in range(rng.integers(1, 4))]
    rng.shuffle(gallery_gt)
    query_gt, results = [], []
    for image in rng.permutation(num_images).tolist():
        pair = int(rng.integers(1, num_pairs + 1))
        items = [query(image, int(rng.integers(0, 4)), box(), int(rng.integers(1, 4)),
                       pair) for _ in range(rng.integers(1, 4))]
        query_gt += items
        shops = [row for row in gallery_gt if row['pair_id'] == pair]
        for _ in range(rng.choice([0, 1, 3, 8])):
            item = items[rng.integers(len(items))]
            found = [shops[i] for i in rng.integers(len(shops), size=8)]
            results.append(result(
                image, item['bbox'] if rng.random() < 0.5 else box(),
                [(int(rank), row['gallery_image_id'],
                  row['bbox'] if rng.random() < 0.3 else box())
                 for rank, row in zip(rng.integers(0, 7, 8), found, strict=True)],
                int(rng.integers(1, 4)), float(rng.integers(1, 4) / 4)))
    results += [result(num_images + 5, box()) for _ in range(4)]
    rng.shuffle(results)
    return query_gt, gallery_gt, results


@pytest.mark.parametrize('seed', range(12))
def test_random_cases_are_scored_as_officially(official, seed):
    query_gt, gallery_gt, results = random_case(seed)
    hits, queries, missed = official(query_gt, gallery_gt, results)
    scores = score(truth_of(query_gt, gallery_gt), results)
    assert 0 < missed < queries
    assert 0 < hits[0] < hits[-1] < queries - missed
    assert (scores.hits.tolist(), scores.queries, scores.missed) == (
        hits, queries, missed)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 50), order=st.randoms(use_true_random=False))
def test_the_order_of_images_does_not_matter(seed, order):
    query_gt, gallery_gt, results = random_case(seed, num_images=12, num_pairs=3)

    def shuffled(rows, name):
        images = sorted({row[name] for row in rows})
        order.shuffle(images)
        return [row for image in images for row in rows if row[name] == image]

    scores = score(truth_of(query_gt, gallery_gt), results)
    other = score(truth_of(shuffled(query_gt, 'query_image_id'),
                           shuffled(gallery_gt, 'gallery_image_id')),
                  shuffled(results, 'query_image_id'))
    assert other.hits.tolist() == scores.hits.tolist()
    assert (other.queries, other.missed) == (scores.queries, scores.missed)


def test_a_perfect_result_scores_1():
    query_gt, gallery_gt, _ = random_case(0)
    # Of equal boxes in an image, the first would take both detections.
    query_gt = list({(row['query_image_id'], *row['bbox']): row
                     for row in query_gt}.values())
    partner_of = {(row['pair_id'], row['style']): row for row in gallery_gt}
    results = []
    for row in query_gt:
        partner = partner_of.get((row['pair_id'], row['style']))
        results.append(result(
            row['query_image_id'], row['bbox'],
            [(0, partner['gallery_image_id'], partner['bbox'])] if partner else [],
            row['cls']))
    scores = score(truth_of(query_gt, gallery_gt), results)
    np.testing.assert_array_equal(scores.accuracies, [1] * 5)
    assert scores.missed == 0


def read_official():
    if not OFFICIAL_GT.is_dir():
        pytest.skip(f"the authors' query_gt.json and gallery_gt.json are not in "
                    f'{OFFICIAL_GT.relative_to(ROOT.parent)} beside this project')
    files = OFFICIAL_GT / 'query_gt.json', OFFICIAL_GT / 'gallery_gt.json'
    return *(json.loads(file.read_text()) for file in files), files


def test_the_authors_files_are_scored_as_officially(official):
    query_gt, gallery_gt, files = read_official()
    rng = np.random.default_rng(0)
    identities = {}
    for row in gallery_gt:
        identities.setdefault((row['pair_id'], row['style']), []).append(row)
    results = []
    for row in query_gt[::8]:
        partners = identities.get((row['pair_id'], row['style']), gallery_gt)
        for _ in range(rng.integers(1, 4)):
            entries = [gallery_gt[i] for i in rng.integers(len(gallery_gt), size=20)]
            entries[rng.integers(20)] = partners[rng.integers(len(partners))]
            near = np.array([row['bbox'], *(entry['bbox'] for entry in entries)])
            near = (near + rng.normal(0, 20, (21, 4))).round(3).tolist()
            results.append(result(
                row['query_image_id'], near[0],
                [(rank, entry['gallery_image_id'], box) for rank, (entry, box)
                 in enumerate(zip(entries, near[1:], strict=True))],
                row['cls'] if rng.random() < 0.8 else int(rng.integers(1, 14)),
                float(rng.integers(1, 10) / 10)))
    hits, queries, missed = official(query_gt, gallery_gt, results)
    scores = score(read_retrieval_truth(*files), results)
    assert queries == 12_550
    assert 0 < hits[0] < hits[-1] < queries - missed
    assert (scores.hits.tolist(), scores.queries, scores.missed) == (
        hits, queries, missed)


TRUTH = truth_of([query(1, 1, LEFT), query(2, 1, LEFT)], GALLERY)


@pytest.mark.parametrize('changes, match', [
    (dict(image_ids=np.zeros(3, int)), r'labels must have shape \(3,\), got \(2,\)'),
    (dict(bboxes=np.zeros((2, 5))), r'bboxes must have shape \(2, 4\), got \(2, 5\)'),
    (dict(scores=np.zeros((2, 1))), r'scores must have shape \(2,\), got \(2, 1\)'),
    (dict(scores=np.array([0, np.nan])), 'scores must be finite, got .* detection 1'),
    (dict(bboxes=np.array([[0, 0, np.inf, 1], LEFT])),
     'bboxes must be finite, got NaN or infinity in detection 0')])
def test_bad_detections(changes, match):
    columns = dict(image_ids=np.array([1, 2]), bboxes=np.array([LEFT, LEFT]),
                   labels=np.zeros(2, int), scores=np.zeros(2))
    assert represent(TRUTH, **columns).tolist() == [0, 1]
    with pytest.raises(ValueError, match=match):
        represent(TRUTH, **columns | changes)


@pytest.mark.parametrize('changes, match', [
    (dict(represented=np.array([0])),
     r'represented must have shape \(2,\), got \(1,\)'),
    (dict(represented=np.array([0, 3])), 'represented must be less than 3, .* got 3'),
    (dict(gallery_image_ids=np.zeros(3)),
     r'gallery_image_ids must have shape \(D, R\), got \(3,\)'),
    (dict(gallery_bboxes=np.zeros((3, 20))),
     r'gallery_bboxes must have shape \(3, 20, 4\), got \(3, 20\)'),
    (dict(gallery_bboxes=np.full((3, 20, 4), np.nan)),
     'gallery_bboxes must be finite, got NaN or infinity in detection 2'),
    (dict(ks=(1, 0)), r'ks must be positive, got \(1, 0\)')])
def test_bad_rankings(changes, match):
    columns = dict(represented=np.array([2, -1]), gallery_bboxes=np.zeros((3, 20, 4)),
                   gallery_image_ids=np.full((3, 20), 50))
    assert score_retrieval(TRUTH, **columns).queries == 2
    with pytest.raises(ValueError, match=match):
        score_retrieval(TRUTH, **columns | changes)


def test_the_box_of_no_entry_may_be_anything():
    scores = score_retrieval(TRUTH, np.array([0, -1]), np.full((1, 20), -1),
                             np.full((1, 20, 4), np.nan))
    assert scores.hits.tolist() == [0] * 5


@pytest.mark.parametrize('changes, match', [
    (dict(query_styles=np.zeros(2, int)), 'query item of style > 0, got none among 2'),
    (dict(query_labels=np.zeros(3, int)),
     r'query_labels must have shape \(2,\), got \(3,\)'),
    (dict(gallery_bboxes=np.zeros((4, 5))),
     r'gallery_bboxes must have shape \(4, 4\), got \(4, 5\)')])
def test_bad_truth(changes, match):
    with pytest.raises(ValueError, match=match):
        replace(TRUTH, **changes)
