"""Random annotation and results, and what stock pycocotools makes of them."""

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools import mask as mask_api
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from df2mm.metainfo import CATEGORIES, NUM_KEYPOINTS, OKS_SIGMAS, VARIATIONS

SIZE = (60, 80)  # width, height


def random_dataset(seed, num_images=30, max_items=5, max_found=8, padded=True,
                   crowds=True, size=SIZE):
    """A COCO file of the authors' form with levels, and results of three tasks.

    It has ties, empty images, crowds, items without landmarks, categories that
    nothing is annotated or found for, and more than 20 of one kind in an image.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    truth = dict(
        info={}, images=[dict(id=int(k), width=width, height=height,
                              file_name=f'{k:06}.jpg', source=('user', 'shop')[k % 2],
                              pair_id=int(k) // 4 + 1)
                         for k in rng.permutation(num_images) + 1],
        categories=[dict(id=c.id, name=c.coco_name) for c in CATEGORIES],
        annotations=[])
    results = dict(bbox=[], segm=[], keypoints=[])
    usual = rng.permutation(13)[:4]
    for image in truth['images']:
        items = [random_item(rng, rng.choice(usual), width, height)
                 for _ in range(rng.integers(0, max_items + 1))]
        for item in items:
            truth['annotations'].append(dict(
                annotation_of(rng, item, padded, crowds), image_id=image['id'],
                id=len(truth['annotations']) + 1, pair_id=image['pair_id']))
        many = 25 if rng.random() < 0.1 else 0
        for _ in range(many + rng.integers(0, max_found + 1)):
            near = items and rng.random() < 0.8
            item = items[rng.integers(len(items))] if near else random_item(
                rng, rng.integers(13), width, height)
            add_results(rng, results, image['id'], item, width, height)
    return truth, results


def random_item(rng, label, width, height):
    category = CATEGORIES[label]
    corner = rng.integers(0, (width - 20, height - 20))
    # Integers up to the whole image: all three area ranges occur at larger sizes.
    sides = np.array([rng.integers(8, width - corner[0]),
                      rng.integers(8, height - corner[1])])
    points = corner + category.template * sides
    return dict(label=int(label), box=np.array([*corner, *sides], float), points=points)


def polygon_of(box):
    x, y, w, h = box
    return [x, y, x + w, y, x + w, y + h / 2, x + w / 2, y + h, x, y + h]


def annotation_of(rng, item, padded, crowds):
    category = CATEGORIES[item['label']]
    visible = rng.integers(0, 3, category.num_landmarks)
    if rng.random() < 0.15:
        visible[:] = 0
    own = np.column_stack([item['points'].round(1), visible]) * (visible[:, None] > 0)
    keypoints = np.zeros((NUM_KEYPOINTS, 3))
    keypoints[category.slice] = own
    box = item['box'].tolist()
    return dict(
        category_id=category.id, bbox=box, area=box[2] * box[3],
        iscrowd=int(crowds and rng.random() < 0.05), style=int(rng.integers(0, 3)),
        num_keypoints=int((visible > 0).sum()),
        keypoints=(keypoints if padded else own).ravel().tolist(),
        segmentation=[polygon_of(box)],
        **{name: int(rng.integers(1, 4)) for name in VARIATIONS})


def add_results(rng, results, image_id, item, width, height):
    noise = rng.choice([0, 0, 1, 4])
    box = item['box'] + rng.normal(0, noise, 4).round(2)
    box[2:] = np.maximum(box[2:], 1)
    label = item['label'] if rng.random() < 0.9 else int(rng.integers(13))
    category = CATEGORIES[label]
    common = dict(image_id=image_id, category_id=category.id,
                  score=float(rng.integers(1, 11) / 10))
    keypoints = np.zeros((NUM_KEYPOINTS, 3))
    scale = box[2:]
    keypoints[category.slice] = np.column_stack([
        box[:2] + category.template * scale + rng.normal(
            0, noise / 2, (category.num_landmarks, 2)),
        np.ones(category.num_landmarks)])
    results['bbox'].append(dict(common, bbox=box.tolist()))
    results['keypoints'].append(dict(
        common, bbox=box.tolist(), keypoints=keypoints.ravel().tolist()))
    rle = mask_api.merge(mask_api.frPyObjects([polygon_of(box)], height, width))
    results['segm'].append(dict(
        common, segmentation=dict(size=rle['size'], counts=rle['counts'].decode())))


def official_evaluation(truth, results, task) -> COCOeval:
    """Stock pycocotools with the 294 sigmas, evaluated and summarised."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = json.loads(json.dumps(truth))
        coco.createIndex()
        evaluation = COCOeval(
            coco, coco.loadRes(json.loads(json.dumps(results))), task)
        evaluation.params.kpt_oks_sigmas = OKS_SIGMAS
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.fixture
def write(tmp_path):
    """Write JSON beside the other files of a test; returns its path."""
    def write_json(name, content):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path
    return write_json
