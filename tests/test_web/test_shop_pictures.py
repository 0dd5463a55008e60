"""Cut-outs of the gallery's pictures, and of no other file."""

import io

import numpy as np
import pytest
from PIL import Image

from df2mm.retrieval import Entry
from df2mm.visualization.images import cut_out
from df2mm.web import ShopPictures


@pytest.fixture
def root(tmp_path):
    """A picture in the root, one beside it, and links from the one to the other."""
    root = tmp_path / 'shop'
    (root / 'a').mkdir(parents=True)
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 100:] = (0, 0, 255)
    for path in (root / 'a/in.png', tmp_path / 'out.png'):
        Image.fromarray(image).save(path)
    (root / 'link.png').symlink_to(tmp_path / 'out.png')
    (root / 'up').symlink_to(tmp_path)
    (root / 'alias.png').symlink_to('a/in.png')
    (root / 'loop.png').symlink_to('loop.png')
    (root / 'broken.png').write_bytes(b'\x89PNG')
    return root


def entry(image, bbox=(100, 0, 200, 100)):
    return Entry(image, bbox, 0, id=image)


@pytest.mark.parametrize('image', [
    '../out.png', 'a/../../out.png', 'link.png', 'up/out.png', 'loop.png', 'a', '',
    '/etc/passwd', '../../../../../../etc/passwd', 'missing.png', 'nul\0.png',
    'x' * 999, 'http://127.0.0.1/in.png', 'file:///etc/passwd', '~/in.png',
    'broken.png',
])
def test_nothing_outside_the_root_is_shown(root, image):
    assert ShopPictures(root).cut_outs([entry(image)]) == [None]


def test_an_absolute_path_elsewhere_is_not_shown(root):
    outside = str(root.parent / 'out.png')
    assert ShopPictures(root).path(outside) is None
    inside = root / 'a/in.png'
    assert ShopPictures(root).path(str(inside)) == inside


@pytest.mark.parametrize('image', ['a/in.png', './a/in.png', 'alias.png'])
def test_garments_are_cut_out(root, image):
    (data,) = ShopPictures(root).cut_outs([entry(image)])
    picture = np.asarray(Image.open(io.BytesIO(data)))
    # 8 columns at the left and none at the right are the margin of 100 x 100.
    assert picture.shape == (370, 400, 3)
    assert picture[200, 200, 2] > 200 and picture[200, 2, 2] < 60


def test_the_root_may_be_a_link(root, tmp_path):
    (tmp_path / 'images').symlink_to(root)
    assert ShopPictures(tmp_path / 'images').path('a/in.png') is not None


def test_what_is_too_large_is_not_shown(root):
    assert ShopPictures(root, max_pixels=1000).cut_outs([entry('a/in.png')]) == [None]


@pytest.mark.parametrize('bbox, shape', [
    ((10, 10, 20, 20), (12, 12, 3)), ((-50, -50, 500, 500), (100, 200, 3)),
    ((300, 0, 310, 10), None)])
def test_boxes_are_clipped(bbox, shape):
    part = cut_out(np.zeros((100, 200, 3), np.uint8), bbox)
    assert (part is None) if shape is None else (part.shape == shape)


def test_a_missing_root_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'images root not found: .*nowhere'):
        ShopPictures(tmp_path / 'nowhere')
