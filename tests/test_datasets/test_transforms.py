"""df2mm.datasets.transforms, and mmdet's transforms between them"""

import random

import numpy as np
import pytest
import torch
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from df2mm.datasets import GarmentBoxes, GarmentInstances
from df2mm.metainfo import CATEGORIES

#: Of the short sleeve top, whose landmarks are the first of the 294: the two ends
#: of its shoulders swap, the middle of its collar does not.
LEFT, RIGHT, MIDDLE = 6, 24, 3
WIDTH, HEIGHT = 90, 60


@pytest.fixture(autouse=True)
def mmdet_scope():
    init_default_scope('mmdet')


def instance(keypoints=None, label=0, box=(5, 5, 80, 55), identity=3, polygons=None):
    rows = np.zeros((CATEGORIES[label].num_landmarks, 3), np.float32)
    for k, row in (keypoints or {}).items():
        rows[k] = row
    x1, y1, x2, y2 = box
    if polygons is None:
        polygons = [np.array([x1, y1, x2, y1, x2, y2, x1, y2], np.float32)]
    return dict(bbox=list(box), bbox_label=label, ignore_flag=0, mask=polygons,
                keypoints=rows, identity=identity, variations=[1, 2, 3, 1])


def results_of(*instances, image=None):
    """As they are when an image has been loaded."""
    if image is None:
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return dict(
        img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2],
        height=image.shape[0], width=image.shape[1], img_id=1, img_path='x.jpg',
        source='user', pair_id=4, instances=list(instances))


def offsets_are(monkeypatch, y, x):
    """Where RandomCrop begins: it draws two numbers."""
    numbers = iter([y, x])
    monkeypatch.setattr(np.random, 'randint', lambda *_: next(numbers))


def run(results, *transforms, with_mask=True, poly2mask=False, seed=0):
    """A packed sample; the seed makes what is random the same each time."""
    np.random.seed(seed)  # noqa: NPY002  (what mmdet draws from)
    random.seed(seed)
    return Compose([
        dict(type='LoadDeepFashion2Annotations', with_mask=with_mask,
             poly2mask=poly2mask),
        *transforms, dict(type='PackDeepFashion2Inputs')])(results)


def labelled(sample, item=0):
    """The labelled landmarks of a packed sample's item, x, y, v by number."""
    instances = sample['data_samples'].gt_instances
    visible = instances.keypoints_visible[item]
    unlabelled = instances.keypoints[item][visible == 0]
    assert not unlabelled.any()
    return {k: [*instances.keypoints[item, k].tolist(), int(visible[k])]
            for k in visible.nonzero().flatten().tolist()}


POINTS = {LEFT: (10, 20, 2), MIDDLE: (45, 10, 1), RIGHT: (70, 30, 2)}


def test_partners():
    places = CATEGORIES[0].flip_indices
    assert (places[LEFT], places[MIDDLE]) == (RIGHT, MIDDLE)


def test_packed_sample_is_the_designs_table():
    skirt = instance({0: (7, 8, 1)}, label=8, box=(6, 7, 20, 30), identity=-1)
    sample = run(results_of(instance(POINTS), skirt))
    assert sample['inputs'].shape == (3, HEIGHT, WIDTH)
    sample = sample['data_samples']
    assert [sample.get(name) for name in ('img_id', 'source', 'pair_id')] == [
        1, 'user', 4]
    gt = sample.gt_instances
    assert type(gt) is GarmentInstances
    assert type(gt.bboxes) is HorizontalBoxes
    assert gt.bboxes.tensor.tolist() == [[5, 5, 80, 55], [6, 7, 20, 30]]
    assert gt.labels.tolist() == [0, 8]
    assert isinstance(gt.masks, PolygonMasks)
    assert gt.identities.tolist() == [3, -1]
    assert gt.variations.tolist() == [[1, 2, 3, 1]] * 2
    assert (gt.keypoints.shape, gt.keypoints.dtype) == ((2, 294, 2), torch.float32)
    assert (gt.keypoints_visible.shape, gt.keypoints_visible.dtype) == (
        (2, 294), torch.int64)
    assert (gt.labels.dtype, gt.identities.dtype) == (torch.int64, torch.int64)
    assert labelled(dict(data_samples=sample)) == {
        k: list(row) for k, row in POINTS.items()}
    assert labelled(dict(data_samples=sample), 1) == {182: [7, 8, 1]}
    assert len(sample.ignored_instances) == 0


@pytest.mark.parametrize(('transform', 'expected'), [
    # The scale is the target size: 90 x 60 becomes 180 x 30.
    (dict(type='Resize', scale=(180, 30)),
     {LEFT: [20, 10, 2], MIDDLE: [90, 5, 1], RIGHT: [140, 15, 2]}),
    (dict(type='Resize', scale=(180, 180), keep_ratio=True),
     {LEFT: [20, 40, 2], MIDDLE: [90, 20, 1], RIGHT: [140, 60, 2]}),
    (dict(type='RandomChoiceResize', scales=[(180, 180)], keep_ratio=True),
     {LEFT: [20, 40, 2], MIDDLE: [90, 20, 1], RIGHT: [140, 60, 2]}),
    # x' = W - x, and what was on the right is on the left.
    (dict(type='RandomFlip', prob=1.0),
     {LEFT: [90 - 70, 30, 2], MIDDLE: [90 - 45, 10, 1], RIGHT: [90 - 10, 20, 2]}),
    # It begins at x = 44, y = 7: LEFT is out, MIDDLE is in.
    (dict(type='RandomCrop', crop_size=(40, 50)),
     {MIDDLE: [45 - 44, 10 - 7, 1], RIGHT: [70 - 44, 30 - 7, 2]}),
    (dict(type='Pad', size=(200, 100)), {k: list(row) for k, row in POINTS.items()}),
])
def test_transform_by_hand(transform, expected, monkeypatch):
    if transform['type'] == 'RandomCrop':
        offsets_are(monkeypatch, 7, 44)
    assert labelled(run(results_of(instance(POINTS)), transform)) == expected


def test_padding_does_not_bring_back_what_was_cropped(monkeypatch):
    offsets_are(monkeypatch, 0, 0)
    sample = run(results_of(instance(POINTS)),
                 dict(type='RandomCrop', crop_size=(50, 60)),
                 dict(type='Pad', size=(200, 200)))
    assert set(labelled(sample)) == {LEFT, MIDDLE}


def test_crop_drops_items_with_all_that_is_theirs(monkeypatch):
    offsets_are(monkeypatch, 0, 50)
    left = instance({LEFT: (10, 20, 2)}, box=(5, 5, 40, 55), identity=1)
    right = instance({RIGHT: (70, 30, 2)}, box=(60, 5, 80, 55), identity=2)
    gone = instance(label=8, box=(0, 0, 49, 9), identity=3)
    sample = run(results_of(left, right, gone),
                 dict(type='RandomCrop', crop_size=(40, 60)))
    gt = sample['data_samples'].gt_instances
    assert gt.identities.tolist() == [2]
    assert gt.bboxes.tensor.tolist() == [[10, 5, 30, 55]]
    assert len(gt.masks) == len(gt.labels) == len(gt.variations) == 1
    assert labelled(sample) == {RIGHT: [70 - 50, 30, 2]}


def test_landmarks_outside_the_image_are_dropped_on_loading():
    points = {0: (0, 0, 2), 1: (WIDTH, HEIGHT, 1), 2: (WIDTH + 1, 5, 2), 3: (5, -1, 2)}
    assert set(labelled(run(results_of(instance(points))))) == {0, 1}


def test_loading_after_resize_keeps_the_images_own_size():
    """The order of a test pipeline: results are compared at that size."""
    results = Compose([dict(type='Resize', scale=(180, 120))])(
        results_of(instance(POINTS)))
    assert labelled(run(results)) == {k: list(row) for k, row in POINTS.items()}


def test_an_item_without_a_polygon_is_ignored_where_masks_count():
    def bare():
        return instance(POINTS, polygons=[], identity=9)

    sample = run(results_of(instance(identity=1), bare()))['data_samples']
    assert sample.gt_instances.identities.tolist() == [1]
    assert sample.ignored_instances.identities.tolist() == [9]
    sample = run(results_of(bare()), with_mask=False)['data_samples']
    assert sample.gt_instances.identities.tolist() == [9]


def test_no_items():
    sample = run(results_of(), dict(type='Resize', scale=(45, 30)),
                 dict(type='RandomFlip', prob=1.0))['data_samples']
    gt = sample.gt_instances
    assert gt.bboxes.tensor.shape == (0, 4)
    assert gt.keypoints.shape == (0, 294, 2)
    assert gt.variations.shape == (0, 4)


def test_no_annotation_at_all():
    results = results_of()
    del results['instances']
    sample = Compose([dict(type='PackDeepFashion2Inputs')])(results)
    assert len(sample['data_samples'].gt_instances) == 0


@pytest.mark.parametrize('poly2mask', [False, True])
def test_masks(poly2mask):
    sample = run(results_of(instance()), dict(type='Resize', scale=(180, 120)),
                 poly2mask=poly2mask)
    masks = sample['data_samples'].gt_instances.masks
    assert isinstance(masks, BitmapMasks if poly2mask else PolygonMasks)
    assert masks.areas[0] == pytest.approx(150 * 100, rel=0.02)


def test_boxes_without_landmarks_are_refused():
    plain = dict(type='LoadAnnotations')
    with pytest.raises(TypeError, match='LoadDeepFashion2Annotations'):
        Compose([plain, dict(type='PackDeepFashion2Inputs')])(results_of(instance()))
    with pytest.raises(TypeError, match='use no transform that makes new boxes'):
        run(results_of(instance(POINTS)),
            dict(type='RandomCrop', crop_size=(80, 50), recompute_bbox=True))


# A picture whose three landmarks are dots, each in a channel of its own: after a
# transform every landmark must lie on its dot.

DOTS = {LEFT: (20.5, 22.5, 2), MIDDLE: (45.5, 15.5, 1), RIGHT: (68.5, 38.5, 2)}
RESIZE = dict(type='Resize', scale=(200, 140), keep_ratio=True)
STRETCH = dict(type='Resize', scale=(130, 133))
FLIP = dict(type='RandomFlip', prob=1.0)
CROP = dict(type='RandomCrop', crop_size=(0.8, 0.8), crop_type='relative')
PAD = dict(type='Pad', size_divisor=64)


def dotted_image():
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for channel, (x, y, _) in enumerate(DOTS.values()):
        # 5 x 5 pixels, whose middle one covers x - 0.5 to x + 0.5.
        image[int(y) - 2:int(y) + 3, int(x) - 2:int(x) + 3, channel] = 255
    return image


def dot(image, channel):
    """Centre of a channel's dot in continuous coordinates; None if there is none."""
    weights = image[channel].double()
    if weights.sum() < 255 * 9:
        return None
    ys, xs = torch.meshgrid(*map(torch.arange, weights.shape), indexing='ij')
    return [float((grid + 0.5).mul(weights).sum() / weights.sum()) for grid in (xs, ys)]


@pytest.mark.parametrize(('transforms', 'with_mask'), [
    ([RESIZE], True), ([STRETCH], True), ([FLIP], True), ([CROP], True), ([PAD], True),
    ([dict(type='RandomFlip', prob=1.0, direction='vertical')], True),
    ([dict(type='RandomFlip', prob=1.0, direction='diagonal')], True),
    ([RESIZE, FLIP, CROP, PAD], True),
    ([FLIP, CROP, STRETCH, FLIP, PAD], True),
    ([dict(type='RandomChoiceResize', scales=[(50, 70), (120, 90), (333, 200)],
           keep_ratio=True), FLIP], True),
    ([dict(type='RandomShift', prob=1.0, max_shift_px=12)], False),
    ([dict(type='Expand', prob=1.0, ratio_range=(1, 2))], False),
    ([dict(type='MinIoURandomCrop', min_ious=(0.5,), min_crop_size=0.6)], True),
    ([dict(type='RandomAffine', max_rotate_degree=25, max_shear_degree=5,
           scaling_ratio_range=(0.7, 1), border_val=(0, 0, 0))], False),
    ([RESIZE, dict(type='FilterAnnotations', min_gt_bbox_wh=(20, 20)), FLIP], True),
])
@pytest.mark.parametrize('seed', range(3))
def test_landmarks_lie_on_their_dots(transforms, with_mask, seed):
    results = results_of(
        instance(DOTS), instance(label=8, box=(1, 1, 9, 9)), image=dotted_image())
    sample = run(results, *transforms, with_mask=with_mask, seed=seed)
    found = labelled(sample)
    mirrors = sum(
        step['type'] == 'RandomFlip' and step.get('direction') != 'diagonal'
        for step in transforms)
    seen = 0
    for channel, k in enumerate(DOTS):
        place = int(CATEGORIES[0].flip_indices[k]) if mirrors % 2 else k
        where = dot(sample['inputs'], channel)
        # A dot at the edge may be cut: then its centre says nothing.
        whole = sample['inputs'][channel].double()
        if where is None or max(whole[0].max(), whole[-1].max(), whole[:, 0].max(),
                                whole[:, -1].max()) > 0:
            continue
        seen += 1
        np.testing.assert_allclose(found[place][:2], where, atol=0.6)
        assert found[place][2] == DOTS[k][2]
    assert seen
    assert len(found) <= 3


def test_registered():
    for name in ('LoadDeepFashion2Annotations', 'PackDeepFashion2Inputs'):
        assert TRANSFORMS.get(name) is not None
    assert isinstance(GarmentBoxes.from_instances([]), HorizontalBoxes)
