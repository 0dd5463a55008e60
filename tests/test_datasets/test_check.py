"""df2mm.datasets.check"""

import json
import shutil

import pytest

from df2mm.datasets import check
from df2mm.datasets.check import check_coco, check_raw, defect_file, format_summary


@pytest.fixture
def split_dir(tiny_root, tmp_path):
    """A copy of the tiny validation split: user 1, shop 2 with one more identity."""
    return shutil.copytree(tiny_root / 'validation', tmp_path / 'validation')


def change(split_dir, number, key=None, **changes):
    path = split_dir / f'annos/{number:06}.json'
    root = json.loads(path.read_text())
    (root[key] if key else root).update(changes)
    path.write_text(json.dumps(root))


def run(split_dir, workers=1):
    defects = []
    summary = check_raw(split_dir, defects.append, workers)
    return summary, [(d.file.split('/')[-1], d.item, d.rule) for d in defects]


def test_identities_without_partners(split_dir):
    """User 1 has (9, 1); shop 2 has (9, 1) and (9, 2)."""
    summary, defects = run(split_dir)
    assert (summary.num_images, summary.num_items, summary.num_defects) == (2, 3, 1)
    assert defects == [('000002.json', 'item2', 'shop-without-user')]
    change(split_dir, 1, pair_id=10)
    assert run(split_dir)[1] == [
        ('000001.json', 'item1', 'user-without-shop'),
        ('000002.json', 'item1', 'shop-without-user'),
        ('000002.json', 'item2', 'shop-without-user')]
    # Style 0 never pairs, so it misses nobody.
    change(split_dir, 1, 'item1', style=0)
    assert [d for d in run(split_dir)[1] if d[2] == 'user-without-shop'] == []


def test_each_identity_is_told_once(split_dir):
    change(split_dir, 1, pair_id=10)
    for number in (5, 6):
        for folder, ending in (('annos', 'json'), ('image', 'jpg')):
            shutil.copy(split_dir / folder / f'000001.{ending}',
                        split_dir / folder / f'{number:06}.{ending}')
    assert [d for d in run(split_dir)[1] if d[2] == 'user-without-shop'] == [
        ('000001.json', 'item1', 'user-without-shop')]


@pytest.mark.parametrize('workers', [1, 2])
def test_every_defect_by_file_and_item(split_dir, monkeypatch, workers):
    monkeypatch.setattr(check, 'CHUNK', 1)
    change(split_dir, 1, 'item1', occlusion=5, segmentation=[[1, 2]])
    (split_dir / 'image/000002.jpg').write_bytes(b'')
    (split_dir / 'annos/000003.json').write_text('{}')
    (split_dir / 'image/000004.jpg').write_bytes(b'')
    summary, defects = run(split_dir, workers)
    assert defects == [
        ('000004.jpg', None, 'missing-annotation'),
        ('000003.json', None, 'missing-image'),
        ('000001.json', 'item1', 'polygon-points'),
        ('000001.json', 'item1', 'no-polygon'),
        ('000001.json', 'item1', 'variation'),
        ('000002.json', None, 'truncated-image'),
        ('000001.json', 'item1', 'user-without-shop')]
    assert (summary.num_images, summary.num_items, summary.num_defects) == (1, 1, 7)
    assert summary.counts['variation', 'level 0, not known'] == 1


def test_a_sound_dataset(tiny_root):
    defects = []
    summary = check_raw(tiny_root / 'validation', defects.append, 1)
    assert [d.rule for d in defects] == ['shop-without-user']
    assert summary.num_images == 2


def test_an_empty_split(tmp_path):
    for folder in ('image', 'annos'):
        (tmp_path / folder).mkdir()
    summary, defects = run(tmp_path)
    assert (summary.num_images, summary.num_defects, defects) == (0, 0, [])
    assert format_summary(summary) == '0 images and 0 items can be used, 0 defects'


def test_no_split(tmp_path):
    with pytest.raises(FileNotFoundError, match='expected val/image and val/annos'):
        check_raw(tmp_path / 'val', print)


def test_compact_and_authors_files(tiny_root):
    """Of the authors' file nobody knows who is a user."""
    defects = []
    compact = check_coco(tiny_root / 'annotations/train.json', defects.append)
    assert (compact.num_images, compact.num_items) == (4, 7)
    assert {d.rule for d in defects} == {'user-without-shop'}
    assert (defects[0].file, defects[0].item) == ('train.json image 3', 'item1')
    authors = check_coco(tiny_root / 'annotations/authors.json', defects.append)
    assert (authors.num_images, authors.num_items, authors.num_defects) == (4, 7, 0)


def test_coco_files_with_defects(tiny_root, tmp_path):
    path = tmp_path / 'train.json'
    text = (tiny_root / 'annotations/validation.json').read_text()
    path.write_text(text.replace('"occlusion":2', '"occlusion":22', 1))
    defects = []
    check_coco(path, defects.append)
    assert (defects[0].rule, defects[0].item) == ('variation', 'annotation 1')

    # Cut off: what was read counts, and the end is a defect.
    path.write_text(text[:text.index('"id":2,"image_id"')])
    defects.clear()
    summary = check_coco(path, defects.append)
    assert (defects[0].file, defects[0].rule, defects[0].repair) == (
        'train.json', 'broken-json', 'not read on')
    assert summary.num_defects == len(defects)
    with pytest.raises(FileNotFoundError, match='COCO file not found'):
        check_coco(tmp_path / 'none.json', print)


def test_summary_by_hand(split_dir):
    change(split_dir, 1, 'item1', scale=9, viewpoint=9)
    lines = format_summary(run(split_dir)[0]).split('\n')
    assert lines[0] == '2 images and 3 items can be used, 3 defects'
    assert lines[1].split() == [
        'defects', 'weight', 'rule', 'what', 'is', 'wrong', 'repair']
    assert lines[2].split()[:3] == ['2', 'serious', 'variation']
    assert lines[2].endswith('level 0, not known')
    assert lines[3].split()[:3] == ['1', 'minor', 'shop-without-user']
    assert len(lines) == 4


def test_defect_file(split_dir, tmp_path):
    change(split_dir, 1, 'item1', scale=9, viewpoint=9)
    path, summaries = tmp_path / 'out/defects.json', {}
    with defect_file(path, summaries) as write:
        summaries['validation'] = check_raw(split_dir, write, 1)
    tree = json.loads(path.read_text())
    assert tree['defects'][0] == dict(
        file='validation/annos/000001.json', item='item1', rule='variation',
        message='scale must be an integer in 1..3, got 9', repair='level 0, not known',
        minor=False)
    assert tree['summaries'] == {'validation': dict(
        num_images=2, num_items=3, num_defects=3,
        rules={'variation': 2, 'shop-without-user': 1})}
    with defect_file(path, {}):
        pass
    assert json.loads(path.read_text()) == {'defects': [], 'summaries': {}}
