"""df2mm.datasets.json_stream"""

import json

import pytest

from df2mm.datasets import json_stream
from df2mm.datasets.json_stream import iter_rows

TREE = {
    'info': {'description': 'a "quoted" \\ [{ text é', 'numbers': [1, [2, {}]]},
    'licenses': [], 'version': 1234567, 'scale': 0.125, 'none': None,
    'annotations': [{'id': k, 'keypoints': [0.0, 1e-3, -5] * k, 'text': 'a,]}'}
                    for k in range(30)],
    'images': [{'id': 10**k} for k in range(12)],
    'categories': []}


@pytest.fixture(params=[1, 7, 64, 1 << 20])
def block(request, monkeypatch):
    """How much is read at once must not matter."""
    monkeypatch.setattr(json_stream, '_BLOCK', request.param)


@pytest.mark.parametrize('layout', [
    dict(), dict(indent=2), dict(separators=(',', ':')), dict(ensure_ascii=False)])
@pytest.mark.parametrize('section', ['images', 'annotations', 'categories', 'other'])
def test_any_layout(tmp_path, block, layout, section):
    path = tmp_path / 'coco.json'
    path.write_text(json.dumps(TREE, **layout), encoding='utf-8')
    assert list(iter_rows(path, section)) == TREE.get(section, [])


def test_it_is_a_stream(tmp_path):
    """What stands behind the rows that are asked for is not read."""
    path = tmp_path / 'coco.json'
    path.write_text('{"images": [{"id": 1}, {"id": 2}, broken')
    rows = iter_rows(path, 'images')
    assert [next(rows), next(rows)] == [{'id': 1}, {'id': 2}]
    with pytest.raises(ValueError, match='broken'):
        next(rows)


@pytest.mark.parametrize('text, message', [
    ('', "expected {, got the end of the file"),
    ('[]', r"expected {, got '\["),
    ('{"images": [{"id": 1}', 'expected , or ], got the end of the file'),
    ('{"images": [{"id": 1} {"id": 2}]}', r"expected , or \], got '{"),
    ('{"images": [{"id": 1', "delimiter"),
    ('{"images"', 'expected :, got the end'),
    ('{"info": {}; "images": []}', 'expected , or }, got'),
    ('{"images": {"id": 1}}', r'expected \[, got'),
    ('{"images": [1, 2]}', 'objects in "images" .* got int'),
    ('{"info": ' + '[' * 100_000, 'recursion|nested|depth|delimiter|Expecting'),
])
def test_bad_texts(tmp_path, block, text, message):
    path = tmp_path / 'coco.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        list(iter_rows(path, 'images'))
    assert str(path) in str(error.value)


def test_no_utf8(tmp_path):
    path = tmp_path / 'coco.json'
    path.write_bytes(b'{"images": [{"id": "\xff"}]}')
    with pytest.raises(ValueError, match='utf-8'):
        list(iter_rows(path, 'images'))


COMPACT = '{"info": {"format": "df2mm-compact"},\n"images": [\n%s\n]}\n'


def test_lines(tmp_path):
    path = tmp_path / 'compact.json'
    path.write_text(COMPACT % '{"id":1},\n{"id":2}')
    assert list(iter_rows(path, 'images')) == [{'id': 1}, {'id': 2}]
    path.write_text('{"info": {"format": "df2mm-compact"},\n"images": [\n]}')
    assert list(iter_rows(path, 'images')) == []


@pytest.mark.parametrize('text, message', [
    (COMPACT % '{"id":1},\n{"id":', r"one JSON object a line .* got '{\"id\":"),
    (COMPACT.split(']')[0] % '{"id":1}', '"images": .* which is cut off'),
    (COMPACT.replace('images', 'pictures') % '', 'cut off'),
    (COMPACT % '5', 'got int'),
])
def test_bad_lines(tmp_path, text, message):
    path = tmp_path / 'compact.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        list(iter_rows(path, 'images'))


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'COCO file not found: .*coco\.json\. '
                       r'Make it with'):
        next(iter_rows(tmp_path / 'coco.json', 'images'))
