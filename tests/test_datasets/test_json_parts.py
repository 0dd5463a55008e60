import json

import pytest

from df2mm.datasets import json_parts
from df2mm.datasets.json_parts import array_parts, iter_blocks


@pytest.fixture(params=[10, 1 << 20])
def small_parts(request, monkeypatch):
    """Cut after every object, and never."""
    monkeypatch.setattr(json_parts, '_PART_BYTES', request.param)
    monkeypatch.setattr(json_parts, '_BLOCK_BYTES', request.param)
    return request.param


ROWS = [dict(id=k, size=dict(a=[1, 2]), name='x' * k) for k in range(20)]


def read(path, section=None):
    return [row for part in array_parts(path, section)
            for block in iter_blocks(path, part) for row in block]


@pytest.mark.parametrize('indent', [None, 1])
def test_a_list_is_read_whole(tmp_path, small_parts, indent):
    path = tmp_path / 'list.json'
    path.write_text(json.dumps(ROWS, indent=indent))
    parts = array_parts(path)
    assert len(parts) == (20 if small_parts == 10 else 1)
    assert read(path) == ROWS


@pytest.mark.parametrize('indent', [None, 1])
def test_a_section_is_read_and_no_more(tmp_path, small_parts, indent):
    path = tmp_path / 'coco.json'
    path.write_text(json.dumps(
        dict(info={}, images=ROWS[:3], annotations=ROWS, categories=[dict(id=1)]),
        indent=indent))
    assert read(path, 'annotations') == ROWS
    assert read(path, 'images') == ROWS[:3]


@pytest.mark.parametrize('text', ['[]', ' [ \n ]\n', '\ufeff[]'])
def test_an_empty_list_has_no_parts(tmp_path, text):
    path = tmp_path / 'empty.json'
    path.write_text(text)
    assert array_parts(path) == []


def test_an_empty_section_has_no_parts(tmp_path):
    path = tmp_path / 'coco.json'
    path.write_text('{"annotations": [ ], "images": [{"id": 1}]}')
    assert array_parts(path, 'annotations') == []
    assert read(path, 'images') == [dict(id=1)]


def test_numbers_that_json_has_not_pass(tmp_path):
    path = tmp_path / 'nan.json'
    path.write_text('[{"a": NaN}, {"a": Infinity}]')
    assert str(read(path)) == "[{'a': nan}, {'a': inf}]"


@pytest.mark.parametrize('text, section, message', [
    ('', None, 'got an empty file'),
    ('{"a": 1}', None, 'a JSON list .* begins with'),
    ('[{"a": 1}', None, 'cut off: it ends with .*a.: 1'),
    ('{"images": []}', 'annotations', 'with "annotations": .* found none'),
    ('{"annotations": [{"a": 1', 'annotations', 'has no end'),
    ('[{"a": 1}, {"a": }]', None, 'not JSON at byte 17, near .*a'),
    ('[{"a": 1} {"a": 2}]', None, 'not JSON at byte 10'),
])
def test_bad_files(tmp_path, text, section, message):
    path = tmp_path / 'bad.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as raised:
        read(path, section)
    assert 'bad.json' in str(raised.value)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no such file: .*nowhere.json'):
        array_parts(tmp_path / 'nowhere.json')
