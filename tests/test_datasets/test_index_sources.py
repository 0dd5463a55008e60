"""df2mm.datasets.index_sources"""

import json
import shutil
from dataclasses import fields

import numpy as np
import pytest

from df2mm.datasets import AnnotationIndex, index_sources
from df2mm.datasets.coco import write_compact


def differences(first, second):
    """Names of the columns in which two indices differ."""
    return {field.name for field in fields(first) if not np.array_equal(
        getattr(first, field.name), getattr(second, field.name))}


@pytest.fixture(scope='module')
def raw_index(tiny_root):
    return AnnotationIndex.from_raw(tiny_root, 'train', workers=1)


def test_all_forms_agree(tiny_root, raw_index):
    compact = AnnotationIndex.from_coco(tiny_root / 'annotations/train.json')
    authors = AnnotationIndex.from_coco(tiny_root / 'annotations/authors.json')
    assert raw_index.img_ids.tolist() == [1, 2, 3, 7]
    assert differences(raw_index, compact) == set()
    assert differences(raw_index, authors) == {'sources', 'variations'}
    assert authors.variations.max() == 0
    assert authors.sources.tolist() == [2] * 4


def test_parts_and_workers_do_not_matter(tiny_root, raw_index, monkeypatch):
    monkeypatch.setattr(index_sources, '_PART_BYTES', 100)
    monkeypatch.setattr(index_sources, '_PART_FILES', 1)
    path = tiny_root / 'annotations/train.json'
    for index in (AnnotationIndex.from_coco(path, workers=2),
                  AnnotationIndex.from_coco(path, workers=1),
                  AnnotationIndex.from_coco(tiny_root / 'annotations/authors.json'),
                  AnnotationIndex.from_raw(tiny_root, 'train', workers=2)):
        assert differences(raw_index, index) <= {'sources', 'variations'}


def test_defects_cost_no_more_than_they_must(tiny_root, tmp_path):
    shutil.copytree(tiny_root / 'train', tmp_path / 'train')
    (tmp_path / 'train/annos/000002.json').write_text('{"item1": ')
    (tmp_path / 'train/image/000003.jpg').write_bytes(b'')
    index = AnnotationIndex.from_raw(tmp_path, 'train', workers=1)
    assert index.img_ids.tolist() == [1, 7]
    assert index.num_items == 3


def test_nothing_in_it(tmp_path):
    write_compact(tmp_path / 'empty.json', [])
    assert len(AnnotationIndex.from_coco(tmp_path / 'empty.json')) == 0
    for folder in ('image', 'annos'):
        (tmp_path / 'train' / folder).mkdir(parents=True)
    index = AnnotationIndex.from_raw(tmp_path, 'train')
    assert (len(index), index.num_items) == (0, 0)


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'train/image/000001.jpg.*synthesize'):
        AnnotationIndex.from_raw(tmp_path, 'train')
    with pytest.raises(FileNotFoundError, match=r'no.json.*data.py convert'):
        AnnotationIndex.from_coco(tmp_path / 'no.json')


def lines_of(tiny_root):
    return (tiny_root / 'annotations/train.json').read_text().splitlines()


@pytest.mark.parametrize(('edit', 'match'), [
    (lambda lines: [], 'got an empty one'),
    (lambda lines: ['[1, 2]'], 'COCO file'),
    (lambda lines: ['not json'], 'COCO file'),
    (lambda lines: lines[:-3], '"annotations": .* was cut off'),
    (lambda lines: [line.replace('"annotations"', '"items"') for line in lines],
     'expected "annotations": '),
    (lambda lines: [' '.join(lines)], 'expected "images": .* an object a line'),
    (lambda lines: [line.replace('"style":2', '"style":') for line in lines],
     'expected one JSON object a line'),
    (lambda lines: [line.replace('},', '}') if line.startswith('{"id":1,"image') else
                    line for line in lines], 'expected commas between the lines'),
    (lambda lines: [line.replace('"category_id":9', '"category_id":0')
                    for line in lines], 'category_id must be in 1..13, got 0'),
])
def test_bad_files(tiny_root, tmp_path, edit, match):
    path = tmp_path / 'bad.json'
    path.write_text('\n'.join(edit(lines_of(tiny_root))))
    with pytest.raises(ValueError, match=match) as error:
        AnnotationIndex.from_coco(path, workers=2)
    assert 'bad.json' in str(error.value)


def test_reformatted_compact_content_is_still_coco(tiny_root, tmp_path, raw_index):
    """Without the mark of the compact form any layout of the JSON will do."""
    content = json.loads((tiny_root / 'annotations/train.json').read_text())
    del content['info']
    path = tmp_path / 'indented.json'
    path.write_text(json.dumps(content, indent=2))
    assert differences(raw_index, AnnotationIndex.from_coco(path)) == set()
