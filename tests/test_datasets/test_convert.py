"""df2mm.datasets.convert"""

import json
import shutil

import pytest
from pycocotools.coco import COCO

from df2mm.datasets import convert
from df2mm.datasets.coco_reader import iter_coco
from df2mm.datasets.convert import convert_split
from df2mm.datasets.raw import iter_raw


@pytest.fixture
def split_dir(tiny_root, tmp_path):
    """A copy of the tiny train split, of the images 1, 2, 3 and 7."""
    return shutil.copytree(tiny_root / 'train', tmp_path / 'train')


def change(split_dir, number, key=None, **changes):
    path = split_dir / f'annos/{number:06}.json'
    root = json.loads(path.read_text())
    (root[key] if key else root).update(changes)
    path.write_text(json.dumps(root))


@pytest.mark.parametrize('workers, chunk', [(1, 512), (2, 1), (2, 3), (3, 512)])
def test_the_same_bytes_however_it_is_split(
        tiny_root, tmp_path, monkeypatch, workers, chunk):
    monkeypatch.setattr(convert, 'CHUNK', chunk)
    out = tmp_path / 'new/train.json'
    conversion = convert_split(tiny_root / 'train', out, workers)
    assert (conversion.num_images, conversion.num_items) == (4, 7)
    assert not conversion.counts
    # Written by write_compact, one image after the other.
    assert out.read_bytes() == (tiny_root / 'annotations/train.json').read_bytes()


def test_stock_pycocotools_reads_it(tiny_root, tmp_path):
    convert_split(tiny_root / 'train', tmp_path / 'train.json', 1)
    coco = COCO(str(tmp_path / 'train.json'))
    assert list(coco.imgs) == [1, 2, 3, 7]
    assert [a['image_id'] for a in coco.anns.values()] == [1, 1, 2, 3, 3, 3, 7]
    for annotation in coco.anns.values():
        assert annotation['bbox'] == [10, 20, 30, 40]
        assert coco.annToMask(annotation).sum() == 30 * 40


def test_bad_files_are_repaired_or_left_out_and_counted(split_dir, tmp_path):
    (split_dir / 'annos/000001.json').write_text('{"source": ')
    image = split_dir / 'image/000002.jpg'
    image.write_bytes(image.read_bytes()[:-2])
    change(split_dir, 3, 'item1', category_id=0)
    change(split_dir, 3, 'item2', bounding_box=[10, 20, 90, 60], segmentation=[[1] * 5])
    shutil.copy(split_dir / 'image/000007.jpg', split_dir / 'image/000008.jpg')
    out = tmp_path / 'train.json'
    conversion = convert_split(split_dir, out, 2)
    assert (conversion.num_images, conversion.num_items) == (2, 3)
    assert dict(conversion.counts) == {
        ('missing-annotation', 'dropped image'): 1, ('broken-json', 'dropped image'): 1,
        ('truncated-image', 'dropped image'): 1, ('category-id', 'dropped item'): 1,
        ('box-clipped', 'clipped'): 1, ('polygon-count', 'dropped polygon'): 1,
        ('no-polygon', 'empty mask'): 1}
    coco = COCO(str(out))
    assert list(coco.imgs) == [3, 7]
    assert coco.anns[1]['bbox'] == [10, 20, 50, 40]
    assert coco.annToMask(coco.anns[1]).sum() == 0
    # What was repaired once is read again without loss.
    for (one, *_), (other, *_) in zip(iter_coco(out), iter_raw(split_dir), strict=True):
        assert [i.key for i in one.items] == [i.key for i in other.items]


@pytest.mark.parametrize('number, key, changes, message', [
    (1, None, dict(source='seller'),
     r"train/annos/000001.json: source must be .*, got 'seller' \[source;"),
    (3, 'item2', dict(scale=7), r'000003.json item2: scale must be .* \[variation;'),
    (3, 'item3', dict(bounding_box=[0, 0, 0, 0]), r'000003.json item3: .* \[box-size;'),
    (2, 'item1', dict(bounding_box=[10, 20, 99, 60]), r'000002.json .*\[box-clipped;'),
])
@pytest.mark.parametrize('workers', [1, 2])
def test_strict_stops_at_the_first_defect(
        split_dir, tmp_path, monkeypatch, workers, number, key, changes, message):
    monkeypatch.setattr(convert, 'CHUNK', 1)
    change(split_dir, number, key, **changes)
    change(split_dir, 7, 'item1', key_of_tomorrow=9)
    out = tmp_path / 'train.json'
    out.write_text('before')
    with pytest.raises(ValueError, match=f'stopped at the first defect: .*{message}'):
        convert_split(split_dir, out, workers, strict=True)
    assert out.read_text() == 'before'
    assert {path.name for path in tmp_path.iterdir()} == {'train', 'train.json'}


def test_strict_without_a_defect(tiny_root, tmp_path):
    assert convert_split(tiny_root / 'train', tmp_path / 'a.json', 1,
                         strict=True).num_items == 7


def test_strict_names_missing_files(split_dir, tmp_path):
    (split_dir / 'image/000003.jpg').unlink()
    with pytest.raises(ValueError, match=r'000003.json: .*\[missing-image; dropped'):
        convert_split(split_dir, tmp_path / 'a.json', 1, strict=True)


def test_an_empty_split(tmp_path):
    for folder in ('image', 'annos'):
        (tmp_path / 'train' / folder).mkdir(parents=True)
    conversion = convert_split(tmp_path / 'train', tmp_path / 'a.json')
    assert (conversion.num_images, conversion.num_items) == (0, 0)
    assert json.loads((tmp_path / 'a.json').read_text())['images'] == []


def test_no_split(tmp_path):
    with pytest.raises(FileNotFoundError, match='expected test/image and test/annos'):
        convert_split(tmp_path / 'test', tmp_path / 'a.json')
    assert not (tmp_path / 'a.json').exists()


def test_progress_reaches_the_end(tiny_root, tmp_path, capsys):
    convert_split(tiny_root / 'train', tmp_path / 'a.json', 1, progress=True)
    assert '4/4' in capsys.readouterr().err
