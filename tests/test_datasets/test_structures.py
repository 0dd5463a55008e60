"""df2mm.datasets.structures"""

import copy
import pickle

import numpy as np
import pytest
import torch

from df2mm.datasets import GarmentBoxes, GarmentInstances
from df2mm.datasets.structures import expand_keypoints
from df2mm.metainfo import CATEGORIES, FLIP_INDICES

SKIRT, TROUSERS = 8, 7


def garment(label, keypoints, box=(0, 0, 10, 10), identity=7):
    """An instance whose other landmarks are not labelled."""
    rows = np.zeros((CATEGORIES[label].num_landmarks, 3), np.float32)
    for k, row in keypoints.items():
        rows[k] = row
    return dict(bbox=list(box), bbox_label=label, ignore_flag=0, keypoints=rows,
                identity=identity, variations=[1, 2, 3, 1])


def boxes_of(*instances):
    return GarmentBoxes.from_instances(list(instances))


def rows_of(boxes, item=0, count=8):
    return boxes.riders['keypoints'][item, :count].tolist()


def changed(label=SKIRT, keypoints=None, call=None):
    """The landmarks of one garment after a method of its boxes."""
    boxes = boxes_of(garment(label, keypoints or {0: (3, 4, 2), 5: (1, 9, 1)}))
    call(boxes)
    # What is not labelled stays at zero wherever the picture goes.
    rows = boxes.riders['keypoints'][0]
    assert not rows[rows[:, 2] == 0].any()
    return {k: row for k, row in enumerate(rows.tolist()) if row[2]}


def test_translate():
    moved = changed(call=lambda boxes: boxes.translate_([2, -3]))
    assert moved == {0: [3 + 2, 4 - 3, 2], 5: [1 + 2, 9 - 3, 1]}


def test_rescale():
    moved = changed(call=lambda boxes: boxes.rescale_((2, 0.5)))
    assert moved == {0: [3 * 2, 4 / 2, 2], 5: [1 * 2, 9 / 2, 1]}


def test_project():
    matrix = np.array([[0, 2, 1], [1, 0, 0], [0, 0, 2]], np.float32)
    # det < 0, a mirror: skirt landmarks 0 and 5 come to their partners' places.
    places = CATEGORIES[SKIRT].flip_indices.tolist()
    moved = changed(call=lambda boxes: boxes.project_(matrix))
    assert moved == {places[0]: [(2 * 4 + 1) / 2, 3 / 2, 2],
                     places[5]: [(2 * 9 + 1) / 2, 1 / 2, 1]}


@pytest.mark.parametrize(('direction', 'point'), [
    ('horizontal', [20 - 3, 4]),
    ('vertical', [3, 30 - 4]),
    # Two mirrors make a rotation: left stays left.
    ('diagonal', [20 - 3, 30 - 4]),
])
def test_flip(direction, point):
    moved = changed(
        TROUSERS, {1: (3, 4, 2)}, lambda boxes: boxes.flip_((30, 20), direction))
    place = CATEGORIES[TROUSERS].flip_indices[1] if direction != 'diagonal' else 1
    assert moved == {place: [*point, 2]}


@pytest.mark.parametrize('label', range(13))
def test_flip_swaps_within_the_category_as_metainfo_says(label):
    count = CATEGORIES[label].num_landmarks
    rows = {k: (k, 0, 2) for k in range(count)}
    boxes = boxes_of(garment(label, rows))
    before, _ = expand_keypoints(boxes.riders['keypoints'], torch.tensor([label]))
    boxes.flip_((30, 40))
    after, visible = expand_keypoints(boxes.riders['keypoints'], torch.tensor([label]))
    inside = CATEGORIES[label].slice
    assert (visible[0, inside] == 2).all()
    assert visible.sum() == 2 * count
    mirrored = 40 - before[0, FLIP_INDICES, 0]
    torch.testing.assert_close(after[0, inside, 0], mirrored[inside])
    boxes.flip_((30, 40))
    again, _ = expand_keypoints(boxes.riders['keypoints'], torch.tensor([label]))
    torch.testing.assert_close(again, before)


def test_clip_drops_what_is_outside():
    rows = {0: (0, 0, 2), 1: (10, 20, 1), 2: (10.5, 5, 2), 3: (-0.5, 5, 2),
            4: (5, 20.5, 1), 5: (5, -0.5, 2)}
    boxes = boxes_of(garment(SKIRT, rows, box=(-5, -5, 15, 25)))
    boxes.clip_((20, 10))
    assert boxes.tensor.tolist() == [[0, 0, 10, 20]]
    # Both edges count as inside.
    assert rows_of(boxes) == [[0, 0, 2], [10, 20, 1], *[[0, 0, 0]] * 6]


def test_perspective_keeps_float_precision():
    rows = {k: (1333 - k / 7, 800 / (k + 1), 2) for k in range(8)}
    boxes = boxes_of(garment(SKIRT, rows))
    before = boxes.riders['keypoints'].clone()
    matrix = np.array([[1.3, 0.2, 5], [-0.1, 0.7, -9], [1e-4, 2e-4, 1]])
    boxes.project_(matrix)
    boxes.project_(np.linalg.inv(matrix))
    torch.testing.assert_close(boxes.riders['keypoints'], before, atol=5e-3, rtol=0)


def three():
    return boxes_of(*(garment(SKIRT, {0: (k, k, 2)}, (0, 0, 1 + k, 1), identity=k)
                      for k in range(3)))


@pytest.mark.parametrize(('index', 'expected'), [
    (np.array([True, False, True]), [0, 2]),
    (torch.tensor([True, False, True]), [0, 2]),
    (np.array([2, 0]), [2, 0]),
    ([1, 1], [1, 1]),
    (slice(1, None), [1, 2]),
    (2, [2]),
    (np.array([], np.int64), []),
])
def test_index(index, expected):
    boxes = three()[index]
    assert boxes.tensor[:, 2].tolist() == [1 + k for k in expected]
    assert boxes.riders['identities'].tolist() == expected
    assert boxes.riders['keypoints'].shape == (len(expected), 39, 3)
    assert boxes.riders['keypoints'][:, 0, 0].tolist() == expected


def test_cat_and_copies():
    boxes = three()
    both = GarmentBoxes.cat([boxes, boxes[1]])
    assert both.riders['identities'].tolist() == [0, 1, 2, 1]
    for other in (boxes.clone(), copy.deepcopy(boxes)):
        other.translate_([100, 0])
        other.riders['identities'][0] = 9
    assert boxes.riders['keypoints'][:, 0, 0].tolist() == [0, 1, 2]
    assert boxes.riders['identities'].tolist() == [0, 1, 2]


def test_no_boxes():
    boxes = boxes_of()
    boxes.translate_([1, 2])
    boxes.rescale_((2, 2))
    boxes.flip_((10, 10))
    boxes.clip_((10, 10))
    boxes.project_(np.eye(3, dtype=np.float32))
    assert boxes.tensor.shape == (0, 4)
    keypoints, visible = expand_keypoints(
        boxes.riders['keypoints'], boxes.riders['labels'])
    assert keypoints.shape == (0, 294, 2)
    assert visible.shape == (0, 294)


def test_without_riders_they_are_plain_boxes():
    boxes = GarmentBoxes(torch.tensor([[1., 2, 3, 4]]))
    boxes.translate_([1, 1])
    boxes.clip_((4, 4))
    assert boxes[0].riders is None
    assert GarmentBoxes.cat([boxes, boxes]).riders is None


def test_rotate_is_refused():
    with pytest.raises(NotImplementedError, match='leave the landmarks behind'):
        boxes_of().rotate_((0, 0), 30)


def instances(labels, **changes):
    labels = torch.tensor(labels, dtype=torch.int64)
    rows = torch.zeros(len(labels), 39, 3)
    for row, label in zip(rows, labels.tolist(), strict=True):
        count = CATEGORIES[label].num_landmarks
        row[:count] = torch.rand(count, 3)
        row[:count, 2] = torch.arange(count) % 3
    keypoints, visible = expand_keypoints(rows, labels)
    fields = dict(labels=labels, keypoints=keypoints, keypoints_visible=visible)
    return GarmentInstances(metainfo=dict(a=1), **(fields | changes))


@pytest.mark.parametrize('labels', [[], [0], [8, 3, 12]])
def test_pickled_instances_are_the_same(labels):
    before = instances(labels)
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is GarmentInstances
    assert after.metainfo == dict(a=1)
    assert len(after) == len(labels)
    assert set(after.keys()) == set(before.keys())
    for name, value in before.items():
        assert after[name].dtype == value.dtype
        torch.testing.assert_close(after[name], value, rtol=0, atol=0)
    assert after[torch.arange(len(labels)) >= 1].keypoints.shape[0] == max(
        len(labels) - 1, 0)


def test_pickled_instances_are_small():
    """8 landmarks of a skirt, x, y and v in float32, instead of 294."""
    many = instances([SKIRT] * 100)
    saved = 100 * (294 * (2 * 4 + 8) - 8 * 3 * 4)
    size = len(pickle.dumps(dict(many.items())))
    assert len(pickle.dumps(many)) == pytest.approx(size - saved, abs=1000)


@pytest.mark.parametrize('change', [
    dict(keypoints=torch.rand(1, 294, 2)),
    dict(keypoints_visible=torch.ones(1, 294, dtype=torch.int64)),
    dict(keypoints=torch.zeros(1, 17, 2), keypoints_visible=torch.zeros(1, 17)),
    dict(keypoints=torch.zeros(1, 294, 2, dtype=torch.float64)),
])
def test_what_is_not_in_slices_is_pickled_whole(change):
    before = instances([SKIRT], **change)
    after = pickle.loads(pickle.dumps(before))
    for name, value in before.items():
        assert after[name].dtype == value.dtype
        torch.testing.assert_close(after[name], value, rtol=0, atol=0)
