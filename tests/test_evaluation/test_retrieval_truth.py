"""df2mm/evaluation/retrieval_truth.py"""

import json
from dataclasses import asdict

import numpy as np
import pytest

from df2mm.datasets.coco import COMPACT_INFO, compact_categories, write_retrieval_gt
from df2mm.datasets.coco_reader import iter_coco
from df2mm.evaluation.retrieval_truth import queries_and_gallery, read_retrieval_truth

QUERIES = [
    dict(style=2, pair_id=1, query_image_id=7, bbox=[204, 189, 293, 414], cls=13),
    dict(style=0, pair_id=1, query_image_id=7, bbox=[1, 2.5, 3, 4], cls=1)]
GALLERY = [
    dict(gallery_image_id=3, style=2, pair_id=1, bbox=[247, 254, 381, 667]),
    dict(gallery_image_id=4, style=1, pair_id=2, bbox=[233, 251, 394, 409])]


def test_the_authors_lists(write):
    truth = read_retrieval_truth(write('query.json', QUERIES),
                                 write('gallery.json', GALLERY))
    expected = dict(
        query_image_ids=[7, 7], query_bboxes=[[204, 189, 293, 414], [1, 2.5, 3, 4]],
        query_labels=[12, 0], query_pair_ids=[1, 1], query_styles=[2, 0],
        query_variations=[[0] * 4] * 2, gallery_image_ids=[3, 4],
        gallery_bboxes=[[247, 254, 381, 667], [233, 251, 394, 409]],
        gallery_pair_ids=[1, 2], gallery_styles=[2, 1])
    assert {name: array.tolist() for name, array in asdict(truth).items()} == expected
    for name, array in asdict(truth).items():
        assert array.dtype == ('float64' if name.endswith('bboxes') else 'uint8'
                               if name.endswith('variations') else 'int64')


ITEMS = [  # image, source, pair_id, style, is it a query?, is it gallery?
    (1, 'user', 5, 1, True, False),
    (1, 'user', 5, 0, True, False),     # beside a query
    (1, 'user', 5, 2, False, False),    # no shop item of style 2
    (2, 'user', 5, 0, False, False),    # alone
    (3, 'user', 6, 1, False, False),    # style 1 of another pair
    (4, 'shop', 5, 1, False, True),
    (4, 'shop', 5, 0, False, False),
    (5, 'shop', 6, 3, False, True),     # gallery without a query
    (6, 'unknown', 5, 1, False, False),
    (7, 'shop', -1, 1, False, False),   # no pair_id
    (8, 'user', -1, 1, False, False)]


@pytest.mark.parametrize('codes', (False, True))
def test_which_items_are_queries_and_which_gallery(codes):
    images, sources, pairs, styles, queries, gallery = map(
        np.array, zip(*ITEMS, strict=True))
    if codes:
        sources = np.array([('user', 'shop', 'unknown').index(s) for s in sources])
    found = queries_and_gallery(images, pairs, styles, sources)
    np.testing.assert_array_equal(found[0], queries)
    np.testing.assert_array_equal(found[1], gallery)


def test_no_items():
    empty = np.zeros(0, int)
    for mask in queries_and_gallery(empty, empty, empty, empty):
        assert mask.shape == (0,)


def test_a_negative_style():
    with pytest.raises(ValueError, match=r'style must be in 0\.\.99999, got -2'):
        queries_and_gallery([1], [1], [-2], ['user'])


def compact(images, annotations):
    """An object a line, as our compact file has it."""
    def lines(rows):
        return ',\n'.join(map(json.dumps, rows))

    return (f'{{"info": {json.dumps(COMPACT_INFO)},\n"categories": [\n'
            f'{lines(compact_categories())}\n],\n"images": [\n{lines(images)}\n],\n'
            f'"annotations": [\n{lines(annotations)}\n]}}\n')


def compact_rows():
    """The ITEMS, each of another category and box."""
    images = [dict(id=image, file_name=f'{image:06}.jpg', width=468, height=624,
                   source=source, pair_id=pair)
              for image, source, pair in sorted({item[:3] for item in ITEMS})]
    annotations = [dict(
        id=number, image_id=item[0], category_id=number,
        # What write_compact makes of x1 = 0.1 and x2 = number + 0.4.
        bbox=[0.1, 2, number + 0.4 - 0.1, 30], area=1, iscrowd=0, style=item[3],
        scale=1, occlusion=2, zoom_in=3, viewpoint=number % 4, keypoints=[],
        segmentation=[]) for number, item in enumerate(ITEMS, 1)]
    return images, annotations


def test_a_compact_file(write):
    path = write('validation.json', compact(*compact_rows()))
    truth = read_retrieval_truth(path, path)
    assert truth.query_image_ids.tolist() == [1, 1]
    assert truth.query_bboxes.tolist() == [[0.1, 2, 1.4, 32], [0.1, 2, 2.4, 32]]
    assert truth.query_labels.tolist() == [0, 1]
    assert truth.query_styles.tolist() == [1, 0]
    assert truth.query_variations.tolist() == [[1, 2, 3, 1], [1, 2, 3, 2]]
    assert truth.gallery_image_ids.tolist() == [4, 5]
    assert truth.gallery_pair_ids.tolist() == [5, 6]
    assert truth.gallery_styles.tolist() == [1, 3]


def test_a_compact_file_with_a_list(write):
    path = write('validation.json', compact(*compact_rows()))
    # Style 2 of pair 5 now has a partner, style 1 has none.
    gallery = write('gallery.json', [dict(GALLERY[0], pair_id=5, style=2)])
    truth = read_retrieval_truth(path, gallery)
    assert truth.query_styles.tolist() == [0, 2]
    assert truth.gallery_image_ids.tolist() == [3]
    truth = read_retrieval_truth(write('query.json', QUERIES), path)
    assert truth.query_image_ids.tolist() == [7, 7]
    assert truth.gallery_image_ids.tolist() == [4, 5]


def test_a_compact_file_is_as_the_lists_made_of_it(synthetic_root, tmp_path):
    path = synthetic_root / 'annotations/train.json'
    write_retrieval_gt(tmp_path / 'query.json', tmp_path / 'gallery.json',
                       iter_coco(path))
    expected = asdict(read_retrieval_truth(
        tmp_path / 'query.json', tmp_path / 'gallery.json'))
    truth = asdict(read_retrieval_truth(path, path))
    assert truth.pop('query_variations').min() > 0
    for name, array in truth.items():
        np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize('changes, match', [
    (dict(query_image_id=7.0), 'query_image_id must be an integer, got 7.0'),
    (dict(query_image_id=True), 'query_image_id must be an integer, got True'),
    (dict(query_image_id=-1), r'query_image_id must be in 0.., got -1'),
    (dict(pair_id='1'), "pair_id must be an integer, got '1'"),
    (dict(pair_id=2**63), 'pair_id must be an integer, got 9223372036854775808'),
    (dict(style=None), 'style must be an integer, got None'),
    (dict(style=-1), 'style must be in 0..99999, got -1'),
    (dict(style=100_000), 'style must be in 0..99999, got 100000'),
    (dict(cls=0), 'cls must be in 1..13, got 0'),
    (dict(cls=14), 'cls must be in 1..13, got 14'),
    (dict(bbox=[1, 2, 3]), 'bbox must be 4 numbers, got 3'),
    (dict(bbox=7), 'bbox must be a list of numbers, got 7'),
    (dict(bbox=[1, 2, None, 4]), 'bbox must be finite numbers, got None at place 2'),
    (dict(bbox=[1, 2, float('nan'), 4]), 'bbox must be finite numbers, got nan'),
    (dict(bbox=[1, 2, 3, -float('inf')]), 'bbox must be finite numbers, got -inf'),
])
def test_a_wrong_entry(write, changes, match):
    path = write('query.json', [QUERIES[0], QUERIES[1] | changes])
    with pytest.raises(ValueError, match=f'entry 1 of .*query.json: {match}'):
        read_retrieval_truth(path, write('gallery.json', GALLERY))


@pytest.mark.parametrize('name', sorted(GALLERY[0]))
def test_a_missing_key(write, name):
    row = {key: value for key, value in GALLERY[0].items() if key != name}
    path = write('gallery.json', [row])
    with pytest.raises(ValueError, match=f'entry 0 of .*gallery.json: "{name}" is mis'):
        read_retrieval_truth(write('query.json', QUERIES), path)


@pytest.mark.parametrize('content, match', [
    ('', 'expected query ground truth, got an empty file: .*query.json'),
    ([], 'found none in .*query.json: the list is empty'),
    ({'images': []}, 'a list such as val_query.json or our compact COCO file, got'),
    ([7], 'entry 0 of .*query.json: expected an object, got 7'),
    ('[{"style": 1', 'expected query ground truth.*query.json, which is cut off'),
    ('[{"style": 1]', r'expected query ground truth, got .*query.json'),
    ([QUERIES[1]], 'expected query items of style > 0 in .*query.json, with'),
])
def test_a_wrong_file(write, content, match):
    with pytest.raises(ValueError, match=match):
        read_retrieval_truth(write('query.json', content),
                             write('gallery.json', GALLERY))


@pytest.mark.parametrize('changes, match', [
    (dict(style=-1), 'style must be in 0..99999, got -1 in annotation id 3 of'),
    (dict(style=1.5), 'annotation 2 of .*validation.json: style must be an integer'),
    (dict(category_id=14), 'annotation 2 of .*: category_id must be in 1..13, got 14'),
    (dict(bbox=[0, 1]), 'annotation 2 of .*: bbox must be 4 numbers, got 2'),
    (dict(image_id=70), 'image_id 70 .*is not among the 8 images'),
])
def test_a_wrong_annotation_of_a_compact_file(write, changes, match):
    images, annotations = compact_rows()
    annotations[2].update(changes)
    path = write('validation.json', compact(images, annotations))
    with pytest.raises(ValueError, match=match):
        read_retrieval_truth(path, path)


def test_a_compact_file_without_pairs(write):
    images, annotations = compact_rows()
    path = write('validation.json', compact(images, annotations[1:]))
    with pytest.raises(ValueError, match='expected query items of style > 0 in'):
        read_retrieval_truth(path, path)


def test_a_missing_file(write, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gallery ground truth not found: .*x'):
        read_retrieval_truth(write('query.json', QUERIES), tmp_path / 'x.json')
