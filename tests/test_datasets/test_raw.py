"""df2mm.datasets.raw"""

import json
import shutil

import pytest

from df2mm.datasets.raw import find_splits, iter_raw, list_raw, read_raw


@pytest.fixture
def split_dir(tiny_root, tmp_path):
    """A copy of the tiny train split, of the images 1, 2, 3 and 7."""
    return shutil.copytree(tiny_root / 'train', tmp_path / 'train')


def test_reading_in_order(split_dir):
    defects = []
    records = list(iter_raw(split_dir, defects.append))
    assert [(a.img_id, a.source, a.pair_id, len(a.items), size, name)
            for a, size, name in records] == [
        (1, 'user', 5, 2, (60, 80), '000001.jpg'),
        (2, 'shop', 5, 1, (60, 80), '000002.jpg'),
        (3, 'user', 6, 3, (60, 80), '000003.jpg'),
        (7, 'user', 7, 1, (60, 80), '000007.jpg')]
    assert defects == []


def test_what_is_missing_or_misnamed(split_dir):
    (split_dir / 'image/000002.jpg').unlink()
    (split_dir / 'annos/000003.json').unlink()
    for source, name in (('000001', '1'), ('000001', 'cover'), ('000007', '12')):
        for folder, ending in (('annos', 'json'), ('image', 'jpg')):
            shutil.copy(split_dir / folder / f'{source}.{ending}',
                        split_dir / folder / f'{name}.{ending}')
    # These are not the dataset's.
    (split_dir / 'image/.hidden.jpg').touch()
    (split_dir / 'annos/readme.txt').touch()
    stems, defects = list_raw(split_dir)
    assert stems == ['000001', '000007', '12']
    assert [(d.file, d.rule) for d in defects] == [
        ('train/image/000003.jpg', 'missing-annotation'),
        ('train/annos/000002.json', 'missing-image'),
        ('train/annos/1.json', 'file-name'),
        ('train/annos/cover.json', 'file-name')]
    assert '000001.json has the same number' in defects[2].message


def test_defects_of_image_and_annotation_are_both_told(split_dir):
    (split_dir / 'image/000001.jpg').write_bytes(b'')
    (split_dir / 'annos/000001.json').write_text('{')
    annotation, size, defects = read_raw(f'{split_dir}/', '000001')
    assert (annotation, size) == (None, None)
    assert [d.rule for d in defects] == ['truncated-image', 'broken-json']
    assert {d.file for d in defects} == {'train/annos/000001.json'}


def test_nothing_left_inside_the_image(split_dir):
    path = split_dir / 'annos/000007.json'
    raw = json.loads(path.read_text())
    raw['item1'].update(bounding_box=[100, 100, 200, 200], landmarks=[0] * 37 * 3)
    path.write_text(json.dumps(raw))
    annotation, size, defects = read_raw(split_dir, '000007')
    assert (annotation, size) == (None, None)
    assert [d.rule for d in defects] == ['box-outside', 'no-item']


def test_vanished_files(split_dir):
    stems, _ = list_raw(split_dir)
    shutil.rmtree(split_dir)
    _, _, defects = read_raw(split_dir, stems[0])
    assert [d.rule for d in defects] == ['missing-image', 'unreadable-file']


def test_bad_images_do_not_stop_the_reading(split_dir):
    (split_dir / 'annos/000001.json').write_bytes(b'\xff\xfe')
    defects = []
    assert [a.img_id for a, _, _ in iter_raw(split_dir, defects.append)] == [2, 3, 7]
    assert [a.img_id for a, _, _ in iter_raw(split_dir)] == [2, 3, 7]
    assert [d.rule for d in defects] == ['broken-json']


@pytest.mark.parametrize('missing', ['image', 'annos'])
def test_missing_folders(split_dir, missing):
    shutil.rmtree(split_dir / missing)
    with pytest.raises(FileNotFoundError, match=f'expected train/image and train/annos '
                       f'.* not found: .*train/{missing}'):
        list_raw(split_dir)


def test_empty_folders(split_dir):
    for folder in ('image', 'annos'):
        shutil.rmtree(split_dir / folder)
        (split_dir / folder).mkdir()
    assert list_raw(split_dir) == ([], [])
    assert list(iter_raw(split_dir)) == []


def test_find_splits(tiny_root, split_dir, tmp_path):
    assert find_splits(tiny_root) == ['train', 'validation']
    assert find_splits(split_dir.parent) == ['train']
    with pytest.raises(FileNotFoundError, match=r'nowhere/train/image.* neither train '
                       r'nor validation'):
        find_splits(tmp_path / 'nowhere')
