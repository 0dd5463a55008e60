"""df2mm.datasets.coco: what is written, and that stock pycocotools reads it."""

import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from df2mm.datasets.annotation import ImageAnnotation, Item
from df2mm.datasets.coco import (
    coco_writer,
    write_authors_coco,
    write_compact,
    write_retrieval_gt,
)
from df2mm.metainfo import CATEGORIES

TRIANGLE = ((10, 20), (40, 20), (40, 60))


def item(category_id=9, style=1, polygons=(TRIANGLE,), key='item1'):
    category = CATEGORIES[category_id - 1]
    landmarks = np.full((category.num_landmarks, 3), 2.0)
    landmarks[:, 0] = 10 + np.arange(len(landmarks))
    landmarks[:, 1] = 20.5
    landmarks[1, 2] = 1
    landmarks[2] = 0
    return Item(key, category_id, category.name, style, np.array([10.0, 20, 40, 60]),
                landmarks, [np.array(p, float) for p in polygons],
                np.array([1, 2, 3, 2]))


def record(img_id, source='user', pair_id=7, items=()):
    return (ImageAnnotation(img_id, source, pair_id, list(items)), (60, 80),
            f'{img_id:06}.jpg')


@pytest.fixture
def records():
    return [record(3, items=[item(), item(1, style=0, polygons=(), key='item4')]),
            record(9, 'shop', items=[item(13, style=2)])]


def test_compact_line_by_line(tmp_path, records):
    write_compact(tmp_path / 'new/train.json', records)
    lines = (tmp_path / 'new/train.json').read_text().split('\n')
    assert lines[0] == '{"info": {"format": "df2mm-compact", "version": 1},'
    assert lines[1] == '"categories": ['
    skirt = json.loads(lines[10].rstrip(','))
    assert skirt == dict(
        id=9, name='skirt', supercategory='clothes',
        keypoints=[str(k) for k in range(1, 9)],
        skeleton=[[a + 1, b + 1] for a, b in CATEGORIES[8].skeleton])
    images = lines.index('"images": [')
    assert lines[images + 1] == (
        '{"id":3,"file_name":"000003.jpg","width":60,"height":80,"source":"user",'
        '"pair_id":7},')
    annotations = lines.index('"annotations": [')
    assert lines[annotations - 1] == '],'
    assert lines[annotations + 1] == (
        '{"id":1,"image_id":3,"category_id":9,"bbox":[10,20,30,40],"area":1200,'
        '"iscrowd":0,"segmentation":[[10,20,40,20,40,60]],"num_keypoints":7,'
        '"keypoints":[10.0,20.5,2.0,11.0,20.5,1.0,0.0,0.0,0.0,13.0,20.5,2.0,14.0,20.5,'
        '2.0,15.0,20.5,2.0,16.0,20.5,2.0,17.0,20.5,2.0],"style":1,"pair_id":7,'
        '"scale":1,"occlusion":2,"zoom_in":3,"viewpoint":2,"key":"item1"},')
    assert lines[annotations + 4:] == [']}', '']


def test_stock_pycocotools_reads_boxes_and_masks(tmp_path, records):
    path = tmp_path / 'train.json'
    write_compact(path, records)
    coco = COCO(str(path))
    assert list(coco.anns) == [1, 2, 3]
    assert coco.loadCats([9])[0]['name'] == 'skirt'
    mask = coco.annToMask(coco.anns[1])
    assert mask.shape == (80, 60)
    # Half of the box, 30 x 40, give or take the pixels on the diagonal.
    assert abs(int(mask.sum()) - 600) < 50
    # No polygon: an empty mask, where an empty list would be an IndexError.
    empty = coco.annToMask(coco.anns[2])
    assert (empty.shape, empty.sum()) == ((80, 60), 0)


@pytest.mark.parametrize('kind', ['bbox', 'segm'])
def test_stock_evaluation_runs(tmp_path, records, kind):
    path = tmp_path / 'train.json'
    write_compact(path, records)
    coco = COCO(str(path))
    found = [dict(image_id=a['image_id'], category_id=a['category_id'], score=0.5,
                  bbox=a['bbox'], segmentation=coco.annToRLE(a))
             for a in coco.anns.values() if a['category_id'] != 1]
    evaluation = COCOeval(coco, coco.loadRes(found), kind)
    evaluation.evaluate()
    evaluation.accumulate()
    # Two of the three categories present are found perfectly.
    precisions = evaluation.eval['precision'][:, :, :, 0, 2]
    assert precisions[precisions >= 0].mean() == pytest.approx(2 / 3)


@pytest.mark.parametrize('write', [write_compact, write_authors_coco])
def test_no_images(tmp_path, write):
    write(tmp_path / 'none.json', [])
    tree = json.loads((tmp_path / 'none.json').read_text())
    assert (tree['images'], tree['annotations']) == ([], [])
    assert len(tree['categories']) == 13


def test_image_without_items(tmp_path):
    write_compact(tmp_path / 'a.json', [record(1), record(2, items=[item()])])
    tree = json.loads((tmp_path / 'a.json').read_text())
    assert [image['id'] for image in tree['images']] == [1, 2]
    assert [a['image_id'] for a in tree['annotations']] == [2]


def test_nothing_is_left_of_a_failed_write(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text('before')

    def broken():
        yield record(1, items=[item()])
        raise KeyError('source')

    with pytest.raises(KeyError):
        write_compact(path, broken())
    assert path.read_text() == 'before'
    assert list(tmp_path.iterdir()) == [path]


def test_coco_writer_takes_lines(tmp_path):
    with coco_writer(tmp_path / 'a.json', {'year': 1}, [{'id': 1}]) as add:
        add(b'{"id":5}', [b'{"x":1}', b'{"x":2}'])
        add(b'{"id":6}', [b'{"x":3}'])
    assert json.loads((tmp_path / 'a.json').read_text()) == {
        'info': {'year': 1}, 'categories': [{'id': 1}],
        'images': [{'id': 5}, {'id': 6}],
        'annotations': [{'id': 1, 'x': 1}, {'id': 2, 'x': 2}, {'id': 3, 'x': 3}]}


@pytest.mark.parametrize('occluded, visibilities', [
    (True, [2, 1, 0, 2, 2, 2, 2, 2]), (False, [2, 0, 0, 2, 2, 2, 2, 2])])
def test_authors_file(tmp_path, records, occluded, visibilities):
    write_authors_coco(tmp_path / 'val.json', records, occluded)
    tree = json.loads((tmp_path / 'val.json').read_text())
    assert tree['categories'][8] == dict(
        id=9, name='skirt', supercategory='clothes', skeleton=[],
        keypoints=[str(k) for k in range(1, 295)])
    assert tree['images'][0] == dict(
        coco_url='', date_captured='', file_name='000003.jpg', flickr_url='', id=3,
        license=0, width=60, height=80)
    annotation = tree['annotations'][0]
    assert list(annotation) == [
        'id', 'image_id', 'category_id', 'bbox', 'area', 'iscrowd', 'segmentation',
        'num_keypoints', 'keypoints', 'style', 'pair_id']
    keypoints = np.array(annotation['keypoints']).reshape(294, 3)
    assert keypoints[182:190, 2].tolist() == visibilities
    assert annotation['num_keypoints'] == np.count_nonzero(visibilities)
    keypoints[182:190][np.array(visibilities) > 0] = 0
    assert not keypoints.any()
    assert (annotation['bbox'], annotation['area']) == ([10, 20, 30, 40], 1200)


def test_retrieval_files(tmp_path):
    records = [
        # A partner in the gallery (style 1), one without (style 2), one unidentified.
        record(1, 'user', 5, [item(9, 1), item(1, 2), item(8, 0)]),
        # Nothing here has a partner: style 1 of another pair_id does not count.
        record(2, 'user', 6, [item(9, 1), item(8, 0)]),
        record(3, 'shop', 5, [item(9, 1), item(7, 0)]),
        # Shop items need no partner.
        record(4, 'shop', 8, [item(9, 4)]),
        record(5, 'unknown', 5, [item(9, 1)])]
    records.reverse()
    query, gallery = tmp_path / 'val_query.json', tmp_path / 'val_gallery.json'
    write_retrieval_gt(query, gallery, iter(records))
    assert json.loads(query.read_text()) == [
        dict(style=1, pair_id=5, query_image_id=1, bbox=[10, 20, 40, 60], cls=9),
        dict(style=0, pair_id=5, query_image_id=1, bbox=[10, 20, 40, 60], cls=8)]
    assert json.loads(gallery.read_text()) == [
        dict(gallery_image_id=4, style=4, pair_id=8, bbox=[10, 20, 40, 60]),
        dict(gallery_image_id=3, style=1, pair_id=5, bbox=[10, 20, 40, 60])]
    write_retrieval_gt(query, gallery, [])
    assert (query.read_text(), gallery.read_text()) == ('[]', '[]')
