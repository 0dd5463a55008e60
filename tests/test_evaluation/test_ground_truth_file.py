import copy

import numpy as np
import pytest
from pycocotools import mask as mask_api

from df2mm.datasets import json_parts
from df2mm.datasets.columns import SOURCES
from df2mm.evaluation.ground_truth_file import read_ground_truth
from df2mm.metainfo import CATEGORIES

from .conftest import random_dataset


@pytest.mark.parametrize('padded', [True, False])
def test_the_numbers_of_the_file(write, padded, monkeypatch):
    monkeypatch.setattr(json_parts, '_PART_BYTES', 20_000)
    truth, _ = random_dataset(0, padded=padded)
    read = read_ground_truth(write('gt.json', truth), True, True, workers=2)
    images = sorted(truth['images'], key=lambda row: row['id'])
    rows = sorted(truth['annotations'], key=lambda row: row['image_id'])
    assert read.img_ids.tolist() == [row['id'] for row in images]
    assert read.file_names == [row['file_name'] for row in images]
    assert [SOURCES[code] for code in read.sources] == [r['source'] for r in images]
    assert read.pair_ids.tolist() == [row['pair_id'] for row in images]
    assert read.image_ids.tolist() == [row['image_id'] for row in rows]
    for name, key in (('ids', 'id'), ('bboxes', 'bbox'), ('areas', 'area'),
                      ('styles', 'style'), ('num_keypoints', 'num_keypoints')):
        assert getattr(read, name).tolist() == [row[key] for row in rows]
    assert read.variations[3].tolist() == [
        rows[3][name] for name in ('scale', 'occlusion', 'zoom_in', 'viewpoint')]
    for item in (0, len(rows) - 1):
        category = CATEGORIES[read.labels[item]]
        points = np.array(rows[item]['keypoints']).reshape(-1, 3)
        own = points[category.slice] if padded else points
        assert (read.landmarks.rows_of(np.array([item]), len(own))[0] == own).all()
        polygon = rows[item]['segmentation']
        expected = mask_api.merge(mask_api.frPyObjects(polygon, 80, 60))
        assert read.masks.as_coco([item]) == [expected]


def test_run_lengths_and_empty_masks(write):
    truth, _ = random_dataset(0)
    box = np.zeros((80, 60), np.uint8, order='F')
    box[2:7, 3:9] = 1
    compressed = mask_api.encode(box)
    truth['annotations'][0]['segmentation'] = dict(
        size=[80, 60], counts=compressed['counts'].decode())
    truth['annotations'][1]['segmentation'] = dict(size=[80, 60], counts=[4800])
    read = read_ground_truth(write('gt.json', truth), masks=True, workers=1)
    by_id = {number: i for i, number in enumerate(read.ids.tolist())}
    masks = read.masks.as_coco([by_id[1], by_id[2]])
    assert [mask_api.area(mask) for mask in masks] == [30, 0]


def test_taking_images_and_items(write):
    truth, _ = random_dataset(4)
    read = read_ground_truth(write('gt.json', truth), True, True, workers=1)
    assert read.only_images(read.img_ids) is read
    chosen = np.unique(read.image_ids)[::2]
    part = read.only_images(chosen)
    assert part.img_ids.tolist() == chosen.tolist()
    items = np.flatnonzero(np.isin(read.image_ids, chosen))
    assert part.ids.tolist() == read.ids[items].tolist()
    assert part.image_ids.tolist() == read.image_ids[items].tolist()
    assert part.masks.counts == [read.masks.counts[i] for i in items]
    last = len(items) - 1
    count = CATEGORIES[part.labels[last]].num_landmarks
    assert (part.landmarks.rows_of(np.array([last]), count)
            == read.landmarks.rows_of(items[[last]], count)).all()


def change(**fields):
    def apply(truth):
        truth['annotations'][2].update(fields)
    return apply


def drop(name):
    def apply(truth):
        del truth['annotations'][2][name]
    return apply


def change_image(**fields):
    def apply(truth):
        truth['images'][0].update(fields)
    return apply


@pytest.mark.parametrize('spoil, message', [
    (drop('iscrowd'), 'annotation 2 of .*gt.json: "iscrowd" is missing'),
    (drop('area'), '"area" is missing'),
    (drop('bbox'), '"bbox" is missing'),
    (change(category_id=14), r'category_id must be in 1..13, got 14'),
    (change(category_id='9'), "category_id must be an integer, got '9'"),
    (change(image_id=1.5), 'image_id must be an integer, got 1.5'),
    (change(image_id=999), 'annotation 2 of .*: image_id 999 is not in "images"'),
    (change(bbox=[1, 2, 3]), 'bbox must be 4 numbers, got 3'),
    (change(bbox=[1, 2, 3, None]), 'finite numbers, got None at place 3'),
    (change(area=float('nan')), 'area must be a finite number, got nan'),
    (change(keypoints=[1, 2, 3]), 'keypoints must be 882 or .* numbers, got 3'),
    (change(keypoints=[0.5] * 882), 'v of a landmark must be 0, 1 or 2, got 0.5'),
    (change(iscrowd=2), 'iscrowd must be 0 or 1, got 2'),
    (change(scale=4), 'scale must be 1, 2 or 3, got 4'),
    (change(style='x'), "style must be an integer, got 'x'"),
    (change(id=1), 'annotation id 1 occurs twice'),
    (change(segmentation=None), 'segmentation must be polygons or run lengths'),
    (change(segmentation=[]), 'segmentation cannot be read'),
    (change(segmentation=[[1, 2, 3]]), 'segmentation cannot be read'),
    (change(segmentation=[[1, 2, 3, 4]]), 'segmentation cannot be read'),
    (change(segmentation=[[1, 2, 3, 'a', 5, 6]]), 'segmentation cannot be read'),
    (change(segmentation=[[1, 2, 3, float('nan'), 5, 6]]), 'numbers near the image'),
    (change(segmentation=[[1, 2, 3, 1e300, 5, 6]]), 'numbers near the image'),
    (change(segmentation=dict(size=[60, 80], counts='x')), r'of size \[80, 60\]'),
    (change(segmentation=dict(size=[80, 60], counts='55')), 'damaged run lengths'),
    (change(segmentation=dict(size=[80, 60], counts=[7])), 'must fill the image'),
    (change_image(id='1'), "id must be an integer, got '1' in"),
    (change_image(id=2), 'image id 2 occurs twice|1 of .* entries are so'),
    (change_image(source='street'), "source must be 'user' or 'shop', got 'street'"),
    (lambda truth: truth.update(annotations=[]), 'ground truth with items, found none'),
    (lambda truth: truth.update(images=[]), 'ground truth with images, found none'),
    (lambda truth: truth.pop('annotations'), 'with "annotations": .* found none'),
])
def test_bad_ground_truth(write, spoil, message):
    truth, _ = random_dataset(0)
    truth = copy.deepcopy(truth)
    if truth['images'][0]['id'] == 2:
        truth['images'].reverse()
    spoil(truth)
    with pytest.raises(ValueError, match=message) as raised:
        read_ground_truth(write('gt.json', truth), True, True, workers=1)
    assert 'gt.json' in str(raised.value)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no such file: .*nowhere.json'):
        read_ground_truth(tmp_path / 'nowhere.json')
