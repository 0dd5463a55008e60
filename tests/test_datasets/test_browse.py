import json

import numpy as np
import pytest

from df2mm.datasets.browse import browse_dataset, browse_split, draw_annotation
from df2mm.datasets.raw import iter_raw, read_raw
from df2mm.metainfo import CATEGORIES
from df2mm.visualization.images import read_image, write_image

WIDTH, HEIGHT = 60, 80


def annotation_of(category, source='user', pair_id=1):
    points = category.template * [40, 60] + 10
    visible = np.full((len(points), 1), 2)
    return dict(source=source, pair_id=pair_id, item1=dict(
        category_id=category.id, category_name=category.name, style=1,
        bounding_box=[10, 10, 50, 70], scale=2, occlusion=1, zoom_in=1, viewpoint=2,
        landmarks=np.hstack([points, visible]).ravel().tolist(),
        segmentation=[points[list(category.contour)].ravel().tolist()]))


@pytest.fixture
def root(tmp_path):
    """Thirteen images, one category each; odd ones from users."""
    split = tmp_path / 'data' / 'train'
    (split / 'annos').mkdir(parents=True)
    for c in CATEGORIES:
        write_image(split / 'image' / f'{c.id:06d}.jpg',
                    np.full((HEIGHT, WIDTH, 3), 200, np.uint8))
        (split / 'annos' / f'{c.id:06d}.json').write_text(json.dumps(
            annotation_of(c, ('shop', 'user')[c.id % 2])))
    return tmp_path / 'data'


def names(browsed):
    return [path.name for path in browsed.pictures]


def browse(root, **options):
    return browse_split(root, 'train', root.parent / 'out', **options)


def test_writes_pictures_and_a_sheet(root):
    browsed = browse(root, num=5)
    out = root.parent / 'out'
    assert len(browsed.pictures) == 5 and browsed.skipped == []
    assert sorted(p.name for p in out.iterdir()) == sorted(
        [*names(browsed), 'contact_sheet.jpg'])
    for path in browsed.pictures:
        image = read_image(path)
        assert image.shape == (HEIGHT, WIDTH, 3) and np.ptp(image) > 50
    assert browsed.sheet == out / 'contact_sheet.jpg'
    # Five cells of 330 x 440 and more.
    assert read_image(browsed.sheet).size > 5 * 330 * 440 * 3


def test_seed_chooses(root):
    first = names(browse(root, num=5, seed=1))
    assert names(browse(root, num=5, seed=1)) == first
    assert names(browse(root, num=5, seed=2)) != first
    assert len(set(first)) == 5


def test_asking_for_more_than_there_are(root):
    assert len(browse(root, num=50).pictures) == 13


def test_choice_by_category_source_and_id(root):
    assert names(browse(root, category='skirt')) == ['000009.jpg']
    assert sorted(names(browse(root, source='shop'))) == [
        f'{i:06d}.jpg' for i in range(2, 14, 2)]
    assert browse(root, source='shop', category='skirt').pictures == []
    assert names(browse(root, img_ids=[7, 3], num=1)) == ['000003.jpg', '000007.jpg']


def test_a_stream_is_chosen_from_like_a_sequence(root):
    browsed = browse_dataset(iter_raw(root / 'train'), root / 'train' / 'image',
                             root.parent / 'out', num=4, seed=3)
    again = browse_dataset(iter_raw(root / 'train'), root / 'train' / 'image',
                           root.parent / 'out', num=4, seed=3)
    assert len(set(names(browsed))) == 4 and names(browsed) == names(again)


def test_only_what_is_drawn_is_read(root, monkeypatch):
    read = []

    def counted(split_dir, stem):
        read.append(stem)
        return read_raw(split_dir, stem)

    monkeypatch.setattr('df2mm.datasets.browse.read_raw', counted)
    browse(root, num=2)
    assert len(read) == 2


def test_missing_and_broken_images_are_replaced_and_listed(root):
    images = root / 'train' / 'image'
    for stem in ('000001', '000002'):
        (images / f'{stem}.jpg').unlink()
    (images / '000003.jpg').write_bytes(b'no picture')
    (root / 'train' / 'annos' / '000004.json').write_text('{')
    browsed = browse(root, num=13)
    assert sorted(names(browsed)) == [f'{i:06d}.jpg' for i in range(5, 14)]
    assert len(browsed.skipped) == 4
    for stem in ('000001', '000002', '000003', '000004'):
        assert sum(stem in line for line in browsed.skipped) == 1
    assert len(browse(root, num=9).pictures) == 9


def test_stream_whose_image_is_missing(root):
    records = list(iter_raw(root / 'train'))
    (root / 'train' / 'image' / '000005.jpg').unlink()
    browsed = browse_dataset(iter(records), root / 'train' / 'image',
                             root.parent / 'out', num=12)
    assert len(browsed.pictures) == 12
    browsed = browse_dataset(iter(records), root / 'train' / 'image',
                             root.parent / 'out', num=13)
    assert len(browsed.pictures) == 12
    line, = browsed.skipped
    assert 'image not found' in line and '000005.jpg' in line


def test_an_id_that_is_not_there_is_listed(root):
    browsed = browse(root, img_ids=[3, 99])
    assert names(browsed) == ['000003.jpg']
    assert browsed.skipped == [
        'image 99: not among the usable images of this choice']


def test_nothing_to_show(root):
    browsed = browse_dataset([], root, root.parent / 'out')
    assert (browsed.pictures, browsed.sheet, browsed.skipped) == ([], None, [])
    assert not (root.parent / 'out').exists()


def test_annotation_is_scaled_with_the_image(root):
    annotation, size, _ = read_raw(root / 'train', '000009')
    assert size == (WIDTH, HEIGHT)
    image = np.full((10 * HEIGHT, 10 * WIDTH, 3), 200, np.uint8)
    drawn = draw_annotation(image, annotation, size, masks=False, landmarks=False,
                            names=False)
    y, x = np.nonzero((drawn != 200).any(-1))
    assert (x.min(), y.min(), x.max(), y.max()) == (100, 100, 499, 699)
    # The skirt's landmark 6, the middle of the hem, is filled in its colour.
    hem_x, hem_y = CATEGORIES[8].template[5] * [400, 600] + 100
    drawn = draw_annotation(image, annotation, size, boxes=False, names=False)
    assert np.abs(drawn[int(hem_y), int(hem_x)].astype(int) -
                  CATEGORIES[8].color).max() < 8


def test_switches(root):
    annotation, _, _ = read_raw(root / 'train', '000009')
    # Larger than it is: names are not written into small pictures.
    image = np.full((4 * HEIGHT, 4 * WIDTH, 3), 200, np.uint8)
    size = WIDTH, HEIGHT
    off = dict(boxes=False, names=False, masks=False, landmarks=False)
    assert (draw_annotation(image, annotation, size, **off) == image).all()
    for name in off:
        assert (draw_annotation(image, annotation, size, **{**off, name: True})
                != image).any()


@pytest.mark.parametrize(('options', 'message'), [
    (dict(num=0), 'num must be positive, got 0'),
    (dict(category='coat'), "category must be one of short sleeve top, .*got 'coat'"),
    (dict(source='street'), "source must be 'user' or 'shop', got 'street'")])
def test_bad_choice(root, options, message):
    with pytest.raises(ValueError, match=message):
        browse(root, **options)


def test_missing_split(root):
    with pytest.raises(FileNotFoundError, match='validation'):
        browse_split(root, 'validation', root.parent / 'out')
