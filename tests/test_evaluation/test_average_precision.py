import json

import numpy as np
import pytest

from df2mm.evaluation import average_precision
from df2mm.metainfo import CATEGORIES


@pytest.fixture
def ann_file(tmp_path):
    """Two skirts and a vest, each 10 x 10, in an image of 100 x 100."""
    boxes = [(9, [0, 0, 10, 10]), (9, [50, 50, 10, 10]), (5, [20, 0, 10, 10])]
    path = tmp_path / 'truth.json'
    path.write_text(json.dumps(dict(
        info={}, images=[dict(id=1, width=100, height=100)],
        categories=[dict(id=c.id, name=c.name) for c in CATEGORIES],
        annotations=[dict(
            id=i + 1, image_id=1, category_id=category, bbox=box, area=100, iscrowd=0,
            segmentation=[[box[0], box[1], box[0] + 10, box[1], box[0] + 10,
                           box[1] + 10, box[0], box[1] + 10]])
            for i, (category, box) in enumerate(boxes)])))
    return path


def found(category, box, score=0.9):
    return dict(image_id=1, category_id=category, bbox=box, score=score)


def test_scores_by_category(ann_file):
    scores = average_precision(ann_file, [
        found(9, [0, 0, 10, 10]),       # IoU 1
        found(5, [20, 0, 10, 8]),       # IoU 0.8: right at 0.5, 0.55 ... 0.8
    ], 'bbox')
    # One of two skirts: precision 1 up to recall 0.5, at 51 of the 101 recalls.
    assert scores['skirt'] == pytest.approx(
        dict(AP=51 / 101, AP50=51 / 101, AP75=51 / 101, items=2))
    assert scores['vest'] == pytest.approx(dict(AP=7 / 10, AP50=1, AP75=1, items=1))
    assert scores['all'] == pytest.approx(dict(
        AP=(51 / 101 + 7 / 10) / 2, AP50=(51 / 101 + 1) / 2, AP75=(51 / 101 + 1) / 2,
        items=3))
    assert np.isnan(scores['trousers']['AP'])
    assert scores['trousers']['items'] == 0


def test_masks(ann_file):
    from pycocotools import mask
    bitmap = np.zeros((100, 100), np.uint8, order='F')
    bitmap[0:10, 20:30] = 1
    result = dict(
        image_id=1, category_id=5, score=0.9, segmentation=mask.encode(bitmap))
    scores = average_precision(ann_file, [result], 'segm')
    assert scores['vest']['AP'] == pytest.approx(1)
    assert scores['skirt']['AP'] == 0


def test_nothing_found_scores_zero(ann_file):
    scores = average_precision(ann_file, [], 'bbox')
    assert scores['all'] == dict(AP=0, AP50=0, AP75=0, items=3)
    assert np.isnan(scores['sling']['AP'])


def test_bad_iou_type(ann_file):
    with pytest.raises(ValueError, match="must be 'bbox' or 'segm', got 'keypoints'"):
        average_precision(ann_file, [], 'keypoints')
