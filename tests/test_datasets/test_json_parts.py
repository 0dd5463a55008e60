import json

import pytest

from df2mm.datasets import json_parts
from df2mm.datasets.json_parts import array_parts, map_blocks


@pytest.fixture(params=[10, 1 << 20])
def small_parts(request, monkeypatch):
    """Cut after every object, and never."""
    monkeypatch.setattr(json_parts, '_PART_BYTES', request.param)
    monkeypatch.setattr(json_parts, '_BLOCK_BYTES', request.param)
    monkeypatch.setattr(json_parts, '_BLOCK_VALUES', 3)
    return request.param


ROWS = [dict(id=k, size=dict(a=[1, 2]), name='x' * k) for k in range(20)]
#: Cuts go wrong in these: objects stand side by side, and keys occur, inside.
NESTED = [dict(id=k, images=[dict(id=-1), dict(id=-2)], name='},{"a": [{]}"')
          for k in range(20)]


def read(path, section=None, workers=1):
    return [row for block in map_blocks(list, path, section, workers=workers)
            for row in block]


@pytest.mark.parametrize('indent', [None, 1])
@pytest.mark.parametrize('rows', [ROWS, NESTED])
def test_a_list_is_read_whole(tmp_path, small_parts, rows, indent):
    path = tmp_path / 'list.json'
    path.write_text(json.dumps(rows, indent=indent))
    for workers in (1, 2):
        assert read(path, workers=workers) == rows


def test_parts_are_small(tmp_path, small_parts):
    path = tmp_path / 'list.json'
    path.write_text(json.dumps(ROWS))
    assert len(array_parts(path)) == (20 if small_parts == 10 else 1)


@pytest.mark.parametrize('rows', [ROWS, NESTED])
@pytest.mark.parametrize('order', [1, -1])
def test_a_section_is_read_and_no_more(tmp_path, small_parts, rows, order):
    path = tmp_path / 'coco.json'
    content = dict(info={'images': [{'id': 9}]}, annotations=rows, images=ROWS[:3],
                   categories=[dict(id=1)])
    path.write_text(json.dumps(dict(list(content.items())[::order])))
    assert read(path, 'annotations') == rows
    assert read(path, 'images') == ROWS[:3]


@pytest.mark.parametrize('text', ['[]', ' [ \n ]\n', '\ufeff[]'])
def test_an_empty_list_has_no_parts(tmp_path, text):
    path = tmp_path / 'empty.json'
    path.write_text(text)
    assert array_parts(path) == read(path) == []


def test_an_empty_section_has_no_parts(tmp_path):
    path = tmp_path / 'coco.json'
    path.write_text('{"annotations": [ ], "images": [{"id": 1}]}')
    assert read(path, 'annotations') == []
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
    ('{"annotations": [{"a": [{}]', 'annotations', "Expecting ',' delimiter"),
    ('[{"a": 1}, {"a": }]', None, 'Expecting value'),
    ('[{"a": 1} {"a": 2}]', None, 'expected , or ], got'),
])
def test_bad_files(tmp_path, text, section, message):
    path = tmp_path / 'bad.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as raised:
        read(path, section)
    assert 'bad.json' in str(raised.value)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no such file: .*nowhere.json'):
        read(tmp_path / 'nowhere.json')
