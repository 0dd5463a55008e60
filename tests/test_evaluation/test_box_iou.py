"""df2mm/evaluation/box_iou.py"""

import numpy as np
import pytest
from pycocotools import mask as mask_api

from df2mm.evaluation.box_iou import paired_box_iou, xywh_to_xyxy, xyxy_to_xywh


def test_visible_arithmetic():
    a = np.array([[0, 0, 10, 10]] * 4, float)
    b = np.array([
        [0, 0, 10, 10],     # the same
        [5, 0, 10, 10],     # overlap 5 x 10 = 50, union 100 + 100 - 50
        [10, 0, 10, 10],    # touches
        [2, 2, 4, 5]], float)     # inside: 20 of 100
    np.testing.assert_array_equal(paired_box_iou(a, b), [1, 50 / 150, 0, 20 / 100])
    # A crowd's union is the area of a alone.
    np.testing.assert_array_equal(
        paired_box_iou(a, b, np.array([False, True, True, True])),
        [1, 50 / 100, 0, 20 / 100])


@pytest.mark.parametrize('scale', (1e-3, 1, 700))
def test_equal_to_pycocotools_to_the_last_bit(scale):
    rng = np.random.default_rng(0)
    # Some of no width or height, or less.
    a, b = (rng.uniform(-0.2, 1, (count, 4)) * scale for count in (150, 160))
    crowd = rng.integers(0, 2, len(b))
    theirs = mask_api.iou(a, b, crowd.tolist())
    assert 0.1 < (theirs > 0).mean() < 0.9
    ours = paired_box_iou(a.repeat(len(b), 0), np.tile(b, (len(a), 1)),
                          np.tile(crowd, len(a)).astype(bool))
    np.testing.assert_array_equal(ours.reshape(theirs.shape), theirs)


def test_no_pairs():
    assert paired_box_iou(np.zeros((0, 4)), np.zeros((0, 4))).shape == (0,)


@pytest.mark.parametrize('a, b, crowd, match', [
    ((2, 4), (3, 4), None, r'two arrays of shape \(P, 4\), got \(2, 4\) and \(3, 4\)'),
    ((2, 5), (2, 5), None, r'got \(2, 5\)'),
    ((4,), (4,), None, r'got \(4,\)'),
    ((2, 4), (2, 4), (3,), r'crowd must have shape \(2,\), got \(3,\)'),
])
def test_bad_shapes(a, b, crowd, match):
    with pytest.raises(ValueError, match=match):
        paired_box_iou(np.zeros(a), np.zeros(b), crowd and np.zeros(crowd, bool))


def test_corners():
    boxes = np.array([[10, 20, 40, 60]])
    np.testing.assert_array_equal(xyxy_to_xywh(boxes), [[10, 20, 30, 40]])
    np.testing.assert_array_equal(xywh_to_xyxy(xyxy_to_xywh(boxes)), boxes)
    np.testing.assert_array_equal(boxes, [[10, 20, 40, 60]])


def test_corners_survive_being_written_as_widths():
    corners = np.random.default_rng(0).uniform(0, 600, (500, 2, 2)).round(2)
    corners = np.hstack([corners.min(1), corners.max(1)])
    widths = xyxy_to_xywh(corners)
    assert (widths[:, 2:] + widths[:, :2] != corners[:, 2:]).any()
    np.testing.assert_array_equal(xywh_to_xyxy(widths), corners)
