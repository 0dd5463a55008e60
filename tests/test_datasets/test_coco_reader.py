"""df2mm.datasets.coco_reader"""

import json
from pathlib import Path

import numpy as np
import pytest

from df2mm.datasets.coco import write_authors_coco, write_compact, write_retrieval_gt
from df2mm.datasets.coco_reader import iter_coco
from df2mm.datasets.raw import iter_raw

REFERENCE = Path(__file__).parents[3] / 'shared/reference'


def assert_same(records, originals, *, with_source=True):
    for (one, *facts), (other, *other_facts) in zip(records, originals, strict=True):
        assert facts == other_facts
        assert (one.img_id, one.pair_id) == (other.img_id, other.pair_id)
        if with_source:
            assert one.source == other.source
        for item, twin in zip(one.items, other.items, strict=True):
            assert (item.key, item.category_id, item.category_name, item.style) == (
                twin.key, twin.category_id, twin.category_name, twin.style)
            np.testing.assert_array_equal(item.bbox, twin.bbox)
            np.testing.assert_array_equal(item.landmarks, twin.landmarks)
            assert len(item.polygons) == len(twin.polygons)
            for points, others in zip(item.polygons, twin.polygons, strict=True):
                np.testing.assert_array_equal(points, others)
            np.testing.assert_array_equal(
                item.variations, twin.variations if with_source else np.zeros(4))


def test_what_was_raw_is_the_same_after_compact(tiny_root, tmp_path):
    raw = list(iter_raw(tiny_root / 'train'))
    # Fractions, levels and masks that are not there, keys out of order.
    raw[0][0].items[0].bbox += [0.1, 0.2, 0.3, 0.4]
    raw[0][0].items[0].landmarks[3] = [12.345678901234567, 20 + 1 / 3, 1]
    raw[0][0].items[1].variations[:] = 0
    raw[0][0].items[1].key = 'item8'
    raw[1][0].items[0].polygons = []
    raw[2][0].source, raw[2][0].pair_id = 'unknown', -1
    for item in raw[2][0].items:
        item.style = 0
    path = tmp_path / 'train.json'
    write_compact(path, raw)
    defects = []
    assert_same(list(iter_coco(path, defects.append)), raw)
    assert [(d.rule, d.item) for d in defects] == [('no-polygon', 'annotation 3')]

    # The same without lines, and without order among the keys.
    tree = json.loads(path.read_text())
    tree['info'] = {}
    path.write_text(json.dumps(dict(reversed(tree.items())), indent=1))
    assert_same(list(iter_coco(path)), raw)


def test_what_was_raw_is_the_same_after_the_authors_form(tiny_root, tmp_path):
    raw = list(iter_raw(tiny_root / 'train'))
    path = tmp_path / 'train.json'
    write_authors_coco(path, raw)
    defects = []
    records = list(iter_coco(path, defects.append))
    assert_same(records, raw, with_source=False)
    assert {annotation.source for annotation, _, _ in records} == {'unknown'}
    assert defects == []


def write_tree(path, annotations=(), images=({},), **more):
    """A COCO file of one 60 x 80 image and what the test is about."""
    images = [dict(id=1, file_name='000001.jpg', width=60, height=80) | image
              for image in images]
    path.write_text(json.dumps(dict(images=images, annotations=annotations, **more)))
    return path


def row(**changes):
    landmarks = [20, 30, 2] * 8
    return dict(id=7, image_id=1, category_id=9, bbox=[10, 20, 30, 40], style=1,
                pair_id=3, segmentation=[[10, 20, 40, 20, 40, 60]],
                keypoints=landmarks, num_keypoints=8, area=1200, iscrowd=0) | changes


def test_images_without_annotations_come_last(tmp_path):
    path = write_tree(tmp_path / 'a.json', [row(image_id=2), row(image_id=5)],
                      [dict(id=k) for k in (1, 2, 5, 8)])
    assert [(a.img_id, len(a.items)) for a, _, _ in iter_coco(path)] == [
        (2, 1), (5, 1), (1, 0), (8, 0)]
    # As in the information files of the test split.
    path.write_text(json.dumps(dict(images=[
        dict(id=4, file_name='000004.jpg', width=3, height=4)])))
    ((annotation, size, _),) = iter_coco(path)
    assert (annotation.img_id, annotation.items, size) == (4, [], (3, 4))


@pytest.mark.parametrize('changes, rule, num_items', [
    (dict(category_id=14), 'category-id', 0),
    (dict(category_id='9'), 'category-id', 0),
    (dict(category_id=True, keypoints=[0] * 882), 'category-id', 0),
    (dict(bbox=[10, 20, 0, 40]), 'box-size', 0),
    (dict(bbox=[10, 20, -5, 40]), 'box-size', 0),
    (dict(bbox=[10, 20, 30]), 'box-values', 0),
    (dict(bbox=[10, 20, '30', 40]), 'box-values', 0),
    (dict(bbox=[10, 20, float('nan'), 40]), 'box-values', 0),
    (dict(bbox=None), 'box-values', 0),
    (dict(bbox=[70, 20, 30, 40]), 'box-outside', 0),
    (dict(bbox=[10, 20, 30, 70]), 'box-clipped', 1),
    (dict(keypoints=[0] * 21), 'landmark-count', 1),
    (dict(keypoints=[0] * 876), 'landmark-count', 1),
    (dict(keypoints=None), 'landmark-count', 1),
    (dict(keypoints=[20, 30, 7] * 294), 'landmark-visibility', 1),
    (dict(segmentation=[[1, 2, 3, 4, 5]]), 'polygon-count', 1),
    (dict(segmentation=[]), 'no-polygon', 1),
    (dict(segmentation={'size': [80, 60], 'counts': [4800]}), 'no-polygon', 1),
    (dict(scale=4), 'variation', 1),
    (dict(style=-1), 'style', 1),
    (dict(image_id=2), 'image-id', 0),
    (dict(image_id=None), 'image-id', 0),
    (dict(image_id=[1]), 'image-id', 0),
    (dict(pair_id='3'), 'pair-id', 1),
])
def test_bad_annotations(tmp_path, changes, rule, num_items):
    path = write_tree(tmp_path / 'a.json', [row(**changes)])
    defects = []
    ((annotation, _, _),) = iter_coco(path, defects.append)
    assert len(annotation.items) == num_items
    (defect,) = (d for d in defects if d.rule == rule)
    assert defect.file == 'a.json'
    assert defect.item == (None if rule == 'pair-id' else 'annotation 7')
    # Nobody asked: repaired the same way.
    assert len(next(iter_coco(path))[0].items) == num_items


def test_no_pair_id_no_style(tmp_path):
    annotation = row()
    del annotation['pair_id']
    path = write_tree(tmp_path / 'a.json', [annotation])
    ((read, _, _),) = iter_coco(path)
    assert (read.pair_id, read.items[0].style) == (-1, 0)


@pytest.mark.parametrize('image', [
    dict(id='1'), dict(width=0), dict(height=None), dict(file_name=7), dict(id=True)])
def test_bad_images(tmp_path, image):
    path = write_tree(tmp_path / 'a.json', [], [image])
    with pytest.raises(ValueError, match='integer id, width and height and a'):
        list(iter_coco(path))


def test_annotations_of_an_image_apart(tmp_path):
    path = write_tree(tmp_path / 'a.json', [row(), row(image_id=2), row()],
                      [dict(id=1), dict(id=2)])
    with pytest.raises(ValueError, match=r'those of image 1 are not. Sort them'):
        list(iter_coco(path))


@pytest.mark.skipif(not (REFERENCE / 'real_samples').is_dir(),
                    reason='no ../shared/reference/real_samples')
def test_real_annotations():
    records = list(iter_coco(REFERENCE / 'real_samples/deepfasion2.json'))
    assert [(a.img_id, a.pair_id, size, name) for a, size, name in records] == [
        (264, 22, (750, 750), '000264.jpg'), (265, 22, (750, 750), '000265.jpg')]
    (one,), (other,) = (annotation.items for annotation, _, _ in records)
    assert (one.category_name, one.style, other.style) == ('long sleeve dress', 1, 2)
    assert one.bbox.tolist() == [103, 80, 704, 749]
    assert one.landmarks.shape == (37, 3)
    assert one.landmarks[:2].tolist() == [[417, 107, 1], [307, 87, 2]]
    assert [np.count_nonzero(item.landmarks[:, 2]) for item in (one, other)] == [28, 31]
    assert [len(item.polygons) for item in (one, other)] == [1, 4]


@pytest.mark.skipif(not (REFERENCE / 'official_gt').is_dir(),
                    reason='no ../shared/reference/official_gt')
def test_retrieval_files_follow_the_official_ones(tmp_path, tiny_root):
    """The same keys in the same order, and the same rule of what is a query."""
    query, gallery = tmp_path / 'query.json', tmp_path / 'gallery.json'
    write_retrieval_gt(query, gallery, iter_raw(tiny_root / 'train'))
    for path, name in ((query, 'query_gt.json'), (gallery, 'gallery_gt.json')):
        official = json.loads((REFERENCE / 'official_gt' / name).read_text())
        ours = json.loads(path.read_text())
        assert {tuple(r) for r in ours} == {tuple(r) for r in official}
        assert all(type(v) is int for r in ours for v in r['bbox'])
    queries = json.loads((REFERENCE / 'official_gt/query_gt.json').read_text())
    identities = {(r['pair_id'], r['style']) for r in official}
    assert all(r['style'] > 0 for r in official)
    assert all(r['style'] == 0 or (r['pair_id'], r['style']) in identities
               for r in queries)
    partnered = {r['query_image_id'] for r in queries if r['style'] > 0}
    assert partnered == {r['query_image_id'] for r in queries}
