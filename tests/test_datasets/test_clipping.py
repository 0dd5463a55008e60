"""df2mm.datasets.clipping"""

import numpy as np
import pytest

from df2mm.datasets.annotation import ImageAnnotation, Item
from df2mm.datasets.clipping import clip_to_image
from df2mm.datasets.defects import Report


def clip(bbox=(10, 20, 40, 60), landmarks=((10, 20, 2),), polygons=()):
    """Clip one item to an image 60 wide and 80 high."""
    item = Item('item1', 9, 'skirt', 1, np.array(bbox, float),
                np.array(landmarks, float), [np.array(p, float) for p in polygons],
                np.ones(4, int))
    annotation = ImageAnnotation(1, 'user', 1, [item])
    report = Report('train/annos/000001.json')
    clip_to_image(annotation, (60, 80), report)
    return annotation.items, [defect.rule for defect in report.defects]


@pytest.mark.parametrize('bbox, expected', [
    ((-5, 20, 40, 60), [0, 20, 40, 60]),
    ((10, -0.5, 40, 60), [10, 0, 40, 60]),
    ((10, 20, 61, 60), [10, 20, 60, 60]),
    ((10, 20, 40, 1e300), [10, 20, 40, 80]),
    ((-9, -9, 99, 99), [0, 0, 60, 80]),
])
def test_boxes_that_stick_out(bbox, expected):
    (item,), rules = clip(bbox)
    assert item.bbox.tolist() == expected
    assert rules == ['box-clipped']


@pytest.mark.parametrize('bbox', [
    (-5, 20, 0, 60), (60, 20, 70, 60), (10, -9, 40, 0), (10, 80, 40, 99),
    (1e9, 1e9, 2e9, 2e9)])
def test_boxes_outside(bbox):
    assert clip(bbox) == ([], ['box-outside'])


def test_the_edges_belong_to_the_image():
    polygon = [(0, 0), (60, 0), (60, 80)]
    (item,), rules = clip((0, 0, 60, 80), [(0, 80, 2), (60, 0, 1)], [polygon])
    assert rules == []
    assert item.landmarks.tolist() == [[0, 80, 2], [60, 0, 1]]
    assert item.polygons[0].tolist() == [list(point) for point in polygon]


def test_landmarks_outside_are_no_longer_labelled():
    (item,), rules = clip(landmarks=[
        (10, 20, 2), (60.5, 20, 2), (10, -1, 1), (0, 0, 0), (1e300, 1, 2)])
    assert item.landmarks.tolist() == [[10, 20, 2], *[[0, 0, 0]] * 4]
    assert rules == ['landmark-outside-image']


def test_polygons_are_moved_to_the_edge():
    (item,), rules = clip(polygons=[
        [(10, 20), (40, 20), (40, 60)], [(-3, 20), (70, 20), (40, 90)]])
    assert [p.tolist() for p in item.polygons] == [
        [[10, 20], [40, 20], [40, 60]], [[0, 20], [60, 20], [40, 80]]]
    assert rules == ['polygon-outside']


def test_no_items():
    annotation = ImageAnnotation(1, 'user', 1, [])
    report = Report('')
    clip_to_image(annotation, (60, 80), report)
    assert (annotation.items, report.defects) == ([], [])
