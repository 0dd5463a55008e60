"""The official numbers: every point of the evaluator, and stock pycocotools."""

import contextlib
import copy
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from df2mm.evaluation.detection_scores import STATS, score_detections
from df2mm.evaluation.ground_truth_file import read_ground_truth
from df2mm.evaluation.results_reader import read_detections
from df2mm.evaluation.subsets import LEVELS
from df2mm.metainfo import OKS_SIGMAS

from .conftest import SIZE, official_evaluation, polygon_of, random_dataset

TASKS = ('bbox', 'segm', 'keypoints')


@pytest.fixture
def score(write):
    """Score by way of files."""
    def score_files(truth, results, task, visible_only=False, **options):
        gt = read_ground_truth(write('gt.json', truth), task == 'keypoints',
                               task == 'segm', workers=1)
        found = read_detections(
            write('results.json', results), task,
            gt.full_landmark_keys() if task == 'keypoints' else (), workers=1)
        return score_detections(task, gt.visible_only() if visible_only else gt, found,
                                workers=1, **options)
    return score_files


def one_image(items, num_images=1):
    """A COCO file of skirts (8 landmarks) with these (box, other fields)."""
    return dict(
        images=[dict(id=k + 1, width=SIZE[0], height=SIZE[1])
                for k in range(num_images)],
        categories=[dict(id=k, name=str(k)) for k in range(1, 14)],
        annotations=[{**dict(
            id=k + 1, image_id=1, category_id=9, bbox=box, area=box[2] * box[3],
            iscrowd=0, num_keypoints=8, keypoints=keypoints_of(box),
            segmentation=[polygon_of(box)]), **fields}
            for k, (box, fields) in enumerate(items)])


def keypoints_of(box, category_start=182, count=8, v=2):
    """294 times x, y, v: ``count`` points along the diagonal of the box."""
    keypoints = np.zeros((294, 3))
    steps = np.linspace(0, 1, count)
    keypoints[category_start:category_start + count] = np.column_stack([
        box[0] + steps * box[2], box[1] + steps * box[3], np.full(count, v)])
    return keypoints.ravel().tolist()


def found(box, score=0.9, category_id=9, **fields):
    return {**dict(image_id=1, category_id=category_id, bbox=box, score=score,
                   keypoints=keypoints_of(box)), **fields}


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('seed', range(4))
def test_equal_to_pycocotools(score, task, seed):
    # Small images have few areas in range; large ones have all three.
    truth, results = random_dataset(seed, size=(300, 260) if seed % 2 else SIZE)
    official = official_evaluation(truth, results[task], task)
    ours = score(truth, results[task], task)
    assert len(ours.stats) == len(STATS[task]) == len(official.stats)
    assert ours.stats == pytest.approx(official.stats.tolist(), abs=1e-12)
    precision = official.eval['precision'][:, :, :, 0, -1].transpose(2, 0, 1)
    assert np.abs(ours.precision.precision[0] - precision).max() < 1e-12
    assert ours['AP50'] == ours.stats[1]
    for values, curves in zip(ours.categories.values(), precision, strict=True):
        known = curves[curves > -1]
        assert values['AP'] == pytest.approx(known.mean() if known.size else -1)


@pytest.mark.parametrize('padded', [True, False])
def test_landmarks_without_boxes_take_the_rectangle_of_all_points(score, padded):
    truth, results = random_dataset(5, size=(300, 260), padded=padded)
    boxless = [{k: v for k, v in row.items() if k != 'bbox'}
               for row in results['keypoints']]
    official = official_evaluation(random_dataset(5, size=(300, 260))[0], boxless,
                                   'keypoints')
    ours = score(truth, boxless, 'keypoints')
    assert ours.stats == pytest.approx(official.stats.tolist(), abs=1e-12)
    boxed = score(truth, results['keypoints'], 'keypoints')
    assert boxed.stats[:3] == pytest.approx(ours.stats[:3])
    assert boxed['APm'] != ours['APm']


@pytest.mark.parametrize('seed', [1, 6])
def test_visible_only_is_the_evaluation_without_occluded_landmarks(score, seed):
    truth, results = random_dataset(seed, size=(300, 260))
    ours = score(truth, results['keypoints'], 'keypoints', visible_only=True)
    visible = copy.deepcopy(truth)
    for annotation in visible['annotations']:
        points = np.array(annotation['keypoints']).reshape(-1, 3)
        points[points[:, 2] == 1] = 0
        annotation.update(keypoints=points.ravel().tolist(),
                          num_keypoints=int((points[:, 2] > 0).sum()))
    official = official_evaluation(visible, results['keypoints'], 'keypoints')
    assert ours.stats == pytest.approx(official.stats.tolist(), abs=1e-12)
    assert ours.stats == score(visible, results['keypoints'], 'keypoints').stats


class LevelEvaluation(COCOeval):
    """pycocotools with the items of other levels ignored."""

    def _prepare(self):
        super()._prepare()
        for annotations in self._gts.values():
            for annotation in annotations:
                if not self.is_of_level(annotation):
                    annotation['ignore'] = 1


@pytest.mark.parametrize('task', TASKS)
def test_subsets_by_their_definition(score, task):
    truth, results = random_dataset(7, size=(300, 260))
    ours = score(truth, results[task], task, subsets=True)
    assert list(ours.levels) == [level.key for level in LEVELS]
    for level in LEVELS[::4]:
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO()
            coco.dataset = copy.deepcopy(truth)
            coco.createIndex()
            evaluation = LevelEvaluation(
                coco, coco.loadRes(copy.deepcopy(results[task])), task)
            evaluation.is_of_level = (
                lambda annotation, level=level:
                annotation[level.variation] == level.number)
            evaluation.params.kpt_oks_sigmas = OKS_SIGMAS
            # The images that hold an item of the level.
            evaluation.params.imgIds = sorted({
                row['image_id'] for row in truth['annotations']
                if row[level.variation] == level.number})
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        values = ours.levels[level.key]
        assert [values[name] for name in ('AP', 'AP50', 'AP75')] == pytest.approx(
            evaluation.stats[:3].tolist(), abs=1e-12)
        assert values['items'] <= sum(
            row[level.variation] == level.number for row in truth['annotations'])


def test_a_subset_by_hand(score):
    # A small item found; a large one beside it found too: neither right nor wrong
    # for the small ones. A third detection hits nothing: wrong for both.
    small, large = [0, 0, 20, 20], [30, 30, 20, 40]
    levels = [dict(scale=1, occlusion=1, zoom_in=1, viewpoint=1),
              dict(scale=3, occlusion=1, zoom_in=1, viewpoint=1)]
    truth = one_image(list(zip([small, large], levels, strict=True)))
    results = [found(large, 0.9), found([0, 50, 20, 20], 0.8), found(small, 0.7)]
    ours = score(truth, results, 'bbox', subsets=True)
    assert ours.levels['scale_small']['AP'] == pytest.approx(1 / 2)
    assert ours.levels['scale_large']['AP'] == pytest.approx(1)
    assert ours.levels['scale_moderate'] == dict(AP=-1, AP50=-1, AP75=-1, items=0)
    # Recall 1/2 at precision 1, then 2/3.
    assert ours['AP'] == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert ours.levels['occlusion_slight']['AP'] == ours['AP']


def test_subsets_need_levels(score):
    with pytest.raises(ValueError, match=r'subsets need .* tools/data.py convert'):
        score(one_image([([0, 0, 20, 20], {})]), [found([0, 0, 20, 20])], 'bbox',
              subsets=True)


def test_area_of_the_ground_truth_is_that_of_its_box(score):
    # A box of 33 x 33 is medium, whatever its triangle covers.
    box = [0, 0, 33, 33]
    truth = one_image([(box, dict(segmentation=[[0, 0, 33, 0, 0, 33]]))])
    rle = official_rle([[0, 0, 33, 0, 0, 33]])
    ours = score(truth, [found(box, segmentation=rle)], 'segm')
    assert [ours[name] for name in ('APs', 'APm', 'APl')] == [-1, pytest.approx(1), -1]


def official_rle(polygons):
    from pycocotools import mask as mask_api
    rle = mask_api.merge(mask_api.frPyObjects(polygons, SIZE[1], SIZE[0]))
    return dict(size=rle['size'], counts=rle['counts'].decode())


def test_twenty_landmark_detections_and_no_more(score):
    # The right one is 21st: it does not count. For boxes a hundred do.
    truth = one_image([([0, 0, 20, 20], {})])
    results = [found([30, 40, 20, 20], 0.9) for _ in range(20)] + [
        found([0, 0, 20, 20], 0.5)]
    assert score(truth, results, 'keypoints')['AP'] == 0
    assert score(truth, results, 'bbox')['AP'] == pytest.approx(1 / 21)
    assert score(truth, results[1:], 'keypoints')['AP'] == pytest.approx(1 / 20)


def test_an_item_without_landmarks_is_ignored_by_the_vector_of_the_file(score):
    # All 294 points near: ignored. With the zeros far away: a false positive.
    far = [30, 40, 20, 20]
    truth = one_image([([0, 0, 10, 10], {}), (far, dict(
        num_keypoints=0, keypoints=[0] * 882))])
    near = np.tile([40, 50, 1], 294).tolist()
    first = found([0, 0, 10, 10], 0.5)
    ignored = score(truth, [found(far, 0.9, keypoints=near), first], 'keypoints')
    assert ignored['AP'] == pytest.approx(1)
    # The doubled box begins at (10, 20): (0, 0) is 22 pixels from it.
    wrong = score(truth, [found(far, 0.9), first], 'keypoints')
    assert wrong['AP'] == pytest.approx(1 / 2)


def test_landmarks_outside_of_the_category_count_as_the_file_has_them(score):
    box = [0, 0, 20, 20]
    keypoints = np.array(keypoints_of(box)).reshape(-1, 3)
    keypoints[3] = [10, 10, 2]
    truth = one_image([(box, dict(keypoints=keypoints.ravel().tolist(),
                                  num_keypoints=9))])
    for points in (keypoints_of(box), keypoints.ravel().tolist()):
        results = [found(box, keypoints=points)]
        official = official_evaluation(truth, results, 'keypoints')
        assert score(truth, results, 'keypoints').stats == pytest.approx(
            official.stats.tolist(), abs=1e-12)


def test_a_wrong_category_never_matches(score):
    truth = one_image([([0, 0, 20, 20], {})])
    ours = score(truth, [found([0, 0, 20, 20], category_id=8)], 'bbox')
    assert ours['AP'] == 0
    assert ours.categories['trousers'] == dict(AP=-1, AP50=-1, AP75=-1, items=0)
    assert ours.categories['skirt'] == dict(AP=0, AP50=0, AP75=0, items=1)


def test_equal_scores_go_by_image_and_then_by_file(score):
    truth = one_image([([0, 0, 20, 20], {}), ([0, 0, 20, 20], dict(image_id=2))], 2)
    wrong = [30, 40, 20, 20]
    results = [found([0, 0, 20, 20], image_id=2), found(wrong), found([0, 0, 20, 20])]
    # Wrong, right (both of image 1), right (image 2): 0/1, 1/2, 2/3.
    ours = score(truth, results, 'bbox')
    assert ours['AP'] == pytest.approx(2 / 3)


def test_iou_of_the_threshold_counts(score):
    ours = score(one_image([([0, 0, 20, 20], {})]), [found([0, 0, 20, 10])], 'bbox')
    assert ours['AP50'] == pytest.approx(1)
    assert ours['AP'] == pytest.approx(1 / 10)


def test_an_annotation_of_id_zero_counts_as_missed(score):
    truth = one_image([([0, 0, 20, 20], dict(id=0))])
    results = [found([0, 0, 20, 20])]
    assert score(truth, results, 'bbox')['AP'] == 0
    assert official_evaluation(truth, results, 'bbox').stats[0] == 0


@pytest.mark.parametrize('task', TASKS)
def test_a_perfect_result_scores_one(score, task):
    truth, _ = random_dataset(3, crowds=False)
    results = [dict(image_id=row['image_id'], category_id=row['category_id'],
                    bbox=row['bbox'], keypoints=row['keypoints'], score=0.5,
                    segmentation=official_rle(row['segmentation']))
               for row in truth['annotations']]
    if task == 'keypoints':
        # What has no landmarks is ignored, but a guess at it is a false positive.
        results = [row for row in results if any(row['keypoints'])]
    ours = score(truth, results, task)
    assert ours['AP'] == pytest.approx(1)
    assert [v['AP'] for v in ours.categories.values() if v['items']] == pytest.approx(
        [1] * sum(v['items'] > 0 for v in ours.categories.values()))


def test_no_items(write):
    truth = read_ground_truth(
        write('gt.json', one_image([([0, 0, 20, 20], {})])), workers=1)
    results = read_detections(
        write('results.json', [found([0, 0, 20, 20])]), 'bbox', workers=1)
    with pytest.raises(ValueError, match='ground truth with items, got none'):
        score_detections('bbox', truth.take_items(np.zeros(0, int)), results)


def test_unknown_image(score):
    with pytest.raises(ValueError, match=r'image_id 7 of entry 1 of the bbox results '
                                         r'is not among the 1 .* 1 of 2 entries'):
        score(one_image([([0, 0, 20, 20], {})]),
              [found([0, 0, 9, 9]), found([0, 0, 9, 9], image_id=7)], 'bbox')


def test_mask_of_another_size(score):
    rle = official_rle([polygon_of([0, 0, 20, 20])])
    rle = dict(size=rle['size'][::-1], counts=rle['counts'])
    with pytest.raises(ValueError, match='must have the size of its image, 80 x 60, '
                                         'got 60 x 80'):
        score(one_image([([0, 0, 20, 20], {})]),
              [dict(image_id=1, category_id=9, score=1, segmentation=rle)], 'segm')


PROPERTY = settings(max_examples=15, deadline=None, suppress_health_check=[
    HealthCheck.function_scoped_fixture])


@PROPERTY
@given(seed=st.integers(0, 10**6), task=st.sampled_from(TASKS))
def test_the_order_of_images_does_not_matter(score, seed, task):
    truth, results = random_dataset(seed, num_images=8)
    rng = np.random.default_rng(seed)
    # No ties between images: these do go by their order.
    for row, value in zip(results[task], rng.permutation(len(results[task])),
                          strict=True):
        row['score'] = float(value)
    shuffled = dict(truth, images=truth['images'][::-1], annotations=sorted(
        truth['annotations'], key=lambda row: -row['image_id']))
    again = sorted(results[task], key=lambda row: -row['image_id'])
    if truth['annotations'] and results[task]:
        assert score(truth, results[task], task).stats == pytest.approx(
            score(shuffled, again, task).stats, abs=1e-12)


@PROPERTY
@given(seed=st.integers(0, 10**6), task=st.sampled_from(TASKS),
       value=st.floats(0, 1))
def test_a_false_positive_never_raises_ap(score, seed, task, value):
    truth, results = random_dataset(seed, num_images=6)
    annotated = {(row['image_id'], row['category_id']) for row in truth['annotations']}
    free = [row for row in results[task]
            if (row['image_id'], row['category_id']) not in annotated]
    if not truth['annotations'] or not free:
        return
    before = [row for row in results[task] if row is not free[0]]
    if before:
        more = [*before, dict(free[0], score=value)]
        worse, better = (score(truth, rows, task)['AP'] for rows in (more, before))
        assert worse <= better + 1e-12
