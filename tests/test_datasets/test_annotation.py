"""df2mm.datasets.annotation, df2mm.datasets.json_object, df2mm.datasets.defects"""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from df2mm.datasets.annotation import parse_annotation, read_annotation
from df2mm.datasets.defects import RULES, Report, shown

INFINITE = math.inf
NAN = math.nan
DELETE = object()


def skirt():
    """An item of category 9: landmark k at (10 + k, 20 + k), the first unlabelled."""
    landmarks = [number for k in range(8) for number in (10 + k, 20 + k, 2)]
    landmarks[:3] = [0, 0, 0]
    landmarks[5] = 1
    return dict(
        category_id=9, category_name='skirt', style=2, bounding_box=[10, 20, 40, 60],
        landmarks=landmarks, segmentation=[[10, 20, 40, 20, 40, 60], [10, 20] * 4],
        scale=1, occlusion=2, zoom_in=3, viewpoint=2)


def root(**changes):
    return {'source': 'user', 'pair_id': 7, 'item1': skirt(), **changes}


def parse(value):
    report = Report('train/annos/000012.json')
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return parse_annotation(data, 12, report), report.defects


def test_one_image():
    annotation, defects = parse(root(item3=dict(skirt(), category_id=7, landmarks=[
        30, 40, 2] * 10)))
    assert defects == []
    assert (annotation.img_id, annotation.source, annotation.pair_id) == (12, 'user', 7)
    first, second = annotation.items
    assert (first.key, first.category_id, first.category_name, first.style) == (
        'item1', 9, 'skirt', 2)
    assert first.bbox.tolist() == [10, 20, 40, 60]
    assert first.landmarks.tolist() == [
        [0, 0, 0], [11, 21, 1], *([10 + k, 20 + k, 2] for k in range(2, 8))]
    assert [p.tolist() for p in first.polygons] == [
        [[10, 20], [40, 20], [40, 60]], [[10, 20]] * 4]
    assert first.variations.tolist() == [1, 2, 3, 2]
    # The id decides about the category, and keys need not be consecutive.
    assert (second.key, second.category_name) == ('item3', 'shorts')
    assert {a.dtype for a in (first.bbox, first.landmarks, *first.polygons)} == {
        np.dtype(np.float64)}


def test_many_items_keep_the_order_of_the_file():
    keys = [f'item{k}' for k in (20, *range(1, 20))]
    annotation, defects = parse(
        {'source': 'shop', 'pair_id': 0, **{key: skirt() for key in keys}})
    assert [item.key for item in annotation.items] == keys
    assert defects == []


DEEP = b'[' * 5000


@pytest.mark.parametrize('data, message', [
    (b'', 'an empty file'),
    (b' \n', 'an empty file'),
    (b'{"source": "user"', 'got: Expecting'),
    (b'{"source": "user",}', 'got: '),
    (b'[1, 2]', r'got \[1, 2\]'),
    (b'null', 'got None'),
    ('{"source": "us\xe9r"}'.encode('latin-1'), 'utf-8'),
    ('{"source": "user"}'.encode('utf-16'), 'utf-8'),
    (DEEP, 'recursion'),
    (b'\xff\xd8\xff\xe0', 'utf-8'),
])
def test_no_json_object(data, message):
    annotation, (defect,) = parse(data)
    assert annotation is None
    assert (defect.rule, defect.repair, defect.item) == (
        'broken-json', 'dropped image', None)
    assert re.search(message, defect.message)


def test_byte_order_mark_is_no_defect():
    annotation, defects = parse(b'\xef\xbb\xbf' + json.dumps(root()).encode())
    assert annotation.pair_id == 7
    assert defects == []


@pytest.mark.parametrize('name, value, rule, message, attribute, expected', [
    ('source', 'consumer', 'source', "'user' or 'shop', got 'consumer'", 'source',
     'unknown'),
    ('source', ['user'], 'source', r"got \['user'\]", 'source', 'unknown'),
    ('source', DELETE, 'missing-key', 'source is missing', 'source', 'unknown'),
    ('pair_id', '7', 'pair-id', "in 0..2147483647, got '7'", 'pair_id', -1),
    ('pair_id', 7.0, 'pair-id', 'got 7.0', 'pair_id', -1),
    ('pair_id', True, 'pair-id', 'got True', 'pair_id', -1),
    ('pair_id', -3, 'pair-id', 'got -3', 'pair_id', -1),
    ('pair_id', 10**30, 'pair-id', 'got 1e', 'pair_id', -1),
    ('pair_id', DELETE, 'missing-key', 'pair_id is missing', 'pair_id', -1),
    ('colour', 'red', 'unknown-key', "got 'colour'", 'pair_id', 7),
])
def test_bad_values_of_the_image(name, value, rule, message, attribute, expected):
    raw = root()
    raw.pop(name, None)
    if value is not DELETE:
        raw[name] = value
    annotation, (defect,) = parse(raw)
    assert (defect.rule, defect.item) == (rule, None)
    assert getattr(annotation, attribute) == expected
    # Without a pair_id a style would pair with strangers.
    assert annotation.items[0].style == (0 if annotation.pair_id == -1 else 2)
    assert re.search(message, defect.message)


@pytest.mark.parametrize('raw, message', [
    ({}, 'no usable|at least one usable item'),
    ({'item1': dict(skirt(), category_id=14)}, 'of 3 keys'),
    ({'item1': None}, 'of 3 keys'),
])
def test_no_usable_item(raw, message):
    annotation, defects = parse({'source': 'user', 'pair_id': 1, **raw})
    assert annotation is None
    assert defects[-1].rule == 'no-item'
    assert re.search(message, defects[-1].message)


@pytest.mark.parametrize('name, value, rule, message', [
    ('category_id', 14, 'category-id', 'an integer in 1..13, got 14'),
    ('category_id', 0, 'category-id', 'got 0'),
    ('category_id', -1, 'category-id', 'got -1'),
    ('category_id', 9.0, 'category-id', 'got 9.0'),
    ('category_id', True, 'category-id', 'got True'),
    ('category_id', '9', 'category-id', "got '9'"),
    ('category_id', [9], 'category-id', r'got \[9\]'),
    ('category_id', DELETE, 'missing-key', 'category_id is missing'),
    ('bounding_box', DELETE, 'missing-key', 'bounding_box is missing'),
    ('bounding_box', [10, 20, 10, 60], 'box-size', 'x1 < x2 and y1 < y2'),
    ('bounding_box', [10, 20, 40, 20], 'box-size', r'got \[10, 20, 40, 20\]'),
    ('bounding_box', [40, 20, 10, 60], 'box-size', 'x1 < x2'),
    ('bounding_box', [10, 20, 40], 'box-values', 'four finite numbers'),
    ('bounding_box', [10, 20, 40, 60, 1], 'box-values', 'four finite numbers'),
    ('bounding_box', '10 20 40 60', 'box-values', 'four finite numbers'),
    ('bounding_box', None, 'box-values', 'got None'),
    ('bounding_box', [10, 20, '40', 60], 'box-values', 'finite'),
    ('bounding_box', [10, 20, NAN, 60], 'box-values', 'nan'),
    ('bounding_box', [10, 20, INFINITE, 60], 'box-values', 'inf'),
    ('bounding_box', [10, 20, 10**400, 60], 'box-values', 'finite'),
    ('bounding_box', [10, 20, True, 60], 'box-values', 'finite'),
    (None, 5, 'item-type', 'expected an object, got 5'),
    (None, ['a'], 'item-type', r"got \['a'\]"),
])
def test_dropped_items(name, value, rule, message):
    bad = skirt()
    if value is DELETE:
        del bad[name]
    elif name is None:
        bad = value
    else:
        bad[name] = value
    annotation, (defect,) = parse(root(item2=bad))
    assert [item.key for item in annotation.items] == ['item1']
    assert (defect.rule, defect.item, defect.repair) == (rule, 'item2', 'dropped item')
    assert re.search(message, defect.message)


def landmarks_with(index, value):
    landmarks = skirt()['landmarks']
    landmarks[index] = value
    return landmarks


@pytest.mark.parametrize('value, rule, message, labelled', [
    (DELETE, 'missing-key', 'landmarks is missing; expected 24 numbers', []),
    (None, 'landmark-count', r'24 numbers \(8 landmarks of skirt\), got None', []),
    ([1, 2, 2] * 7, 'landmark-count', 'got 21 numbers', []),
    ([1, 2, 2] * 294, 'landmark-count', 'got 882 numbers', []),
    ([1] * 23, 'landmark-count', 'got 23 numbers', []),
    ([], 'landmark-count', 'got 0 numbers', []),
    (landmarks_with(8, 3), 'landmark-visibility', 'landmark 3 of 8 .* got 3',
     [1, 3, 4, 5, 6, 7]),
    (landmarks_with(8, -1), 'landmark-visibility', 'got -1', [1, 3, 4, 5, 6, 7]),
    (landmarks_with(8, 1.5), 'landmark-visibility', 'got 1.5', [1, 3, 4, 5, 6, 7]),
    (landmarks_with(8, '2'), 'landmark-values', 'landmark 3 of 8',
     [1, 3, 4, 5, 6, 7]),
    (landmarks_with(8, True), 'landmark-values', 'True', [1, 3, 4, 5, 6, 7]),
    (landmarks_with(23, NAN), 'landmark-values', r'landmark 8 of 8 .*nan\]',
     [1, 2, 3, 4, 5, 6]),
    (landmarks_with(22, INFINITE), 'landmark-values', 'inf', [1, 2, 3, 4, 5, 6]),
    (landmarks_with(21, '17'), 'landmark-values', "'17'", [1, 2, 3, 4, 5, 6]),
    (landmarks_with(21, None), 'landmark-values', 'None', [1, 2, 3, 4, 5, 6]),
    (landmarks_with(21, [1]), 'landmark-values', r'\[\[1\]', [1, 2, 3, 4, 5, 6]),
    (landmarks_with(21, 10**400), 'landmark-values', 'finite', [1, 2, 3, 4, 5, 6]),
    ([NAN] * 24, 'landmark-values', 'landmark 1, 2, 3, 4, 5 and 3 more of 8', []),
    (landmarks_with(21, 42), 'landmark-outside-box', r'landmark 8 of 8 lies outside',
     [1, 2, 3, 4, 5, 6, 7]),
])
def test_bad_landmarks(value, rule, message, labelled):
    bad = dict(skirt(), landmarks=value)
    if value is DELETE:
        del bad['landmarks']
    annotation, (defect,) = parse(root(item1=bad))
    (item,) = annotation.items
    assert (defect.rule, defect.item) == (rule, 'item1')
    assert item.landmarks.shape == (8, 3)
    assert np.isfinite(item.landmarks).all()
    assert np.flatnonzero(item.landmarks[:, 2]).tolist() == labelled
    assert not item.landmarks[item.landmarks[:, 2] == 0].any()
    assert re.search(message, defect.message)


def test_landmarks_on_the_edge_of_a_rounded_box_are_no_defect():
    annotation, defects = parse(
        root(item1=dict(skirt(), landmarks=landmarks_with(21, 41))))
    assert defects == []
    assert annotation.items[0].landmarks[7].tolist() == [41, 27, 2]


def test_occluded_landmarks_may_lie_outside_the_box():
    annotation, defects = parse(
        root(item1=dict(skirt(), landmarks=landmarks_with(3, 100))))
    assert defects == []
    assert annotation.items[0].landmarks[1].tolist() == [100, 21, 1]


def test_numbers_of_what_is_not_labelled_mean_nothing():
    annotation, defects = parse(
        root(item1=dict(skirt(), landmarks=landmarks_with(0, 5000))))
    assert defects == []
    assert annotation.items[0].landmarks[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize('polygon, rule, message', [
    ([10, 20, 40, 20, 40], 'polygon-count', 'polygon 2 .* even count .* got 5'),
    ([10, 20, 40, 20, 40, 60, 5], 'polygon-count', 'got 7'),
    ([10, 20, 40, 60], 'polygon-points', 'at least 3 points, got 2'),
    ([10, 20], 'polygon-points', 'got 1'),
    ([], 'polygon-points', 'got 0'),
    ([10, 20, 40, NAN, 40, 60], 'polygon-values', 'finite numbers, got nan'),
    ([10, 20, 40, -INFINITE, 40, 60], 'polygon-values', 'got -inf'),
    ([10, 20, 40, '9', 40, 60], 'polygon-values', "got '9'"),
    ([10, 20, 40, True, 40, 60], 'polygon-values', 'got True'),
    ([[10, 20], [40, 20], [40, 60], 1, 2, 3], 'polygon-values', r'got \[10, 20\]'),
    (7, 'polygon-values', 'a list of numbers, got 7'),
    ({'size': [1, 1]}, 'polygon-values', 'got {'),
])
def test_bad_polygons(polygon, rule, message):
    good = skirt()['segmentation'][0]
    annotation, (defect,) = parse(
        root(item1=dict(skirt(), segmentation=[good, polygon])))
    assert [p.ravel().tolist() for p in annotation.items[0].polygons] == [good]
    assert (defect.rule, defect.repair) == (rule, 'dropped polygon')
    assert re.search(message, defect.message)

    annotation, defects = parse(root(item1=dict(skirt(), segmentation=[polygon])))
    assert annotation.items[0].polygons == []
    assert [d.rule for d in defects] == [rule, 'no-polygon']


@pytest.mark.parametrize('value, rule', [
    (DELETE, 'missing-key'), (None, 'no-polygon'), ([], 'no-polygon'),
    ({'size': [8, 6], 'counts': [48]}, 'no-polygon'), ('polygon', 'no-polygon')])
def test_no_polygons_leave_the_item(value, rule):
    bad = dict(skirt(), segmentation=value)
    if value is DELETE:
        del bad['segmentation']
    annotation, (defect,) = parse(root(item1=bad))
    assert annotation.items[0].polygons == []
    assert (defect.rule, defect.repair) == (rule, 'empty mask')


@pytest.mark.parametrize('value', [0, 4, -1, 2.0, '2', None, True, [2], NAN])
@pytest.mark.parametrize('position, name', enumerate(
    ['scale', 'occlusion', 'zoom_in', 'viewpoint']))
def test_bad_variations(position, name, value):
    annotation, (defect,) = parse(root(item1=dict(skirt(), **{name: value})))
    expected = [1, 2, 3, 2]
    expected[position] = 0
    assert annotation.items[0].variations.tolist() == expected
    assert (defect.rule, defect.item) == ('variation', 'item1')
    assert defect.message.startswith(f'{name} must be an integer in 1..3, got ')


@pytest.mark.parametrize('value', [-1, 1.0, '1', None, True, 100_000])
def test_bad_styles(value):
    annotation, (defect,) = parse(root(item1=dict(skirt(), style=value)))
    assert annotation.items[0].style == 0
    assert (defect.rule, defect.repair) == ('style', 'style 0')
    assert 'an integer in 0..99999' in defect.message


@pytest.mark.parametrize('name', [
    'category_id', 'style', 'bounding_box', 'landmarks', 'segmentation', 'scale',
    'occlusion', 'zoom_in', 'viewpoint'])
def test_missing_keys_of_an_item(name):
    bad = skirt()
    del bad[name]
    _, (defect,) = parse(root(item2=bad))
    assert (defect.rule, defect.item) == ('missing-key', 'item2')
    assert defect.message.startswith(f'{name} is missing; expected ')


def test_unknown_key_of_an_item():
    annotation, (defect,) = parse(root(item1=dict(skirt(), colour='red')))
    assert len(annotation.items) == 1
    assert (defect.rule, defect.item) == ('unknown-key', 'item1')


@pytest.mark.parametrize('old, new, name', [
    ('"pair_id": 7', '"pair_id": 6, "pair_id": 7', 'pair_id'),
    ('"style": 2', '"style": 1, "style": 2', 'style'),
    # A lost string and a key too many leave the same number of marks.
    ('"category_name": "skirt"', '"category_name": 1, "category_name": 2',
     'category_name'),
    ('{"source"', '{"item1": {"style": 1}, "source"', 'item1'),
])
def test_duplicate_keys_count_last(old, new, name):
    text = json.dumps(root())
    assert text.count(old) == 1
    annotation, (defect,) = parse(text.replace(old, new).encode())
    assert (defect.rule, defect.repair) == ('duplicate-key', 'last one counts')
    assert defect.message.startswith(repr(name))
    assert (annotation.pair_id, annotation.items[0].style) == (7, 2)


def test_quotation_marks_in_strings_are_no_duplicates():
    annotation, defects = parse(
        root(item1=dict(skirt(), category_name='say "skirt"')))
    assert (len(annotation.items), defects) == (1, [])


def test_read_annotation(tmp_path):
    path = tmp_path / 'train/annos/000012.json'
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(root()))
    annotation, defects = read_annotation(str(path))
    assert (annotation.img_id, len(annotation.items), defects) == (12, 1, [])


@pytest.mark.parametrize('name, rule, message', [
    ('000099.json', 'unreadable-file', 'No such file'),
    ('cover.json', 'file-name', "expected a number, got 'cover'"),
    ('\u0661\u0662.json', 'file-name', 'expected a number'),
    ('folder/000001.json', 'unreadable-file', 'Is a directory'),
])
def test_read_annotation_of_what_is_no_such_file(tmp_path, name, rule, message):
    (tmp_path / 'folder/000001.json').mkdir(parents=True)
    annotation, (defect,) = read_annotation(tmp_path / name)
    assert annotation is None
    assert defect.rule == rule
    assert defect.file == '/'.join((tmp_path / name).parts[-3:])
    assert re.search(message, defect.message)


def test_every_rule_reads_as_a_sentence_and_a_defect_names_all():
    assert all(rule.wrong and rule.repair and name == name.lower()
               for name, rule in RULES.items())
    report = Report('train/annos/000001.json')
    report.add('style', 'style must be 1, got 2', 'item2')
    assert str(report.defects[0]) == (
        'train/annos/000001.json item2: style must be 1, got 2 [style; style 0]')
    assert shown('x' * 100) == "'" + 'x' * 56 + '...'


def test_every_rule_is_used_and_every_use_has_a_rule():
    folder = Path(__file__).parents[2] / 'df2mm/datasets'
    text = ''.join(path.read_text() for path in folder.glob('*.py')
                   if path.name != 'defects.py')
    identities = {'user-without-shop', 'shop-without-user'}
    assert {name for name in RULES if f"'{name}'" not in text} == identities
