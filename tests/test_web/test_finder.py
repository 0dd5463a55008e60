"""A model and a gallery that belong together, or not."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from df2mm.retrieval import Entry, GalleryIndex
from df2mm.web import Finder, Limits, ShopPictures
from df2mm.web.handlers import Handlers, Settings

SETTINGS = Settings(['boxes', 'masks', 'landmarks', 'names'], 0.0, 5, False, False)


@pytest.fixture(scope='module')
def finder(inferencer, gallery):
    return Finder(inferencer, gallery, 'shop')


@pytest.fixture(scope='module')
def handlers(finder, images_root):
    return Handlers(finder, ShopPictures(images_root), Limits(megapixels=1))


@pytest.fixture(scope='module')
def data(synthetic_root):
    return next((synthetic_root / 'train/image').glob('*.jpg')).read_bytes()


@pytest.fixture(scope='module')
def opened(handlers, data):
    return handlers.open(data, SETTINGS)


def test_a_photo_shows_its_garments(opened):
    photo, picture, garments, chosen, message, matches = opened
    assert picture.shape == photo.image.shape and (picture != photo.image).any()
    assert [item for _, item in garments] == list(range(len(photo.scores)))
    assert garments[0][0].startswith(f'1. {photo.category(0)} (0.')
    assert chosen is None and message == '' and 'Click a garment' in matches


def test_a_click_shows_matches(handlers, opened):
    photo = opened.photo
    x1, y1, x2, y2 = photo.bboxes[0]
    place = int((x1 + x2) / 2), int((y1 + y2) / 2)
    view = handlers.click(photo, None, place, SETTINGS)
    assert view.chosen == photo.item_at(*place, range(len(photo.scores)))
    assert view.matches.count('<li>') == 5
    assert (view.picture != opened.picture).any()


def test_a_click_beside_all_garments_changes_nothing(handlers, opened):
    view = handlers.click(opened.photo, 1, (10_000, 10_000), SETTINGS)
    assert view.chosen == 1 and '<li>' in view.matches


def test_matches_are_those_of_the_gallery(finder, opened, gallery, inferencer):
    photo = opened.photo
    found = finder.matches(photo, 0, 3)
    assert found == gallery.search(photo.query_vectors[:1], 3)[0]
    same = finder.matches(photo, 0, 50, same_category=True)
    assert {match.entry.label for match in same} <= {int(photo.labels[0])}
    images = [m.entry.image for m in finder.matches(photo, 0, 50, one_per_image=True)]
    assert len(images) == len(set(images)) == 4


def test_a_high_threshold_hides_garments(handlers, opened):
    view = handlers.show(opened.photo, 0, SETTINGS._replace(score_thr=0.99))
    assert view.garments == [] and view.chosen is None and view.matches == ''
    assert 'No garments of this score. The best one has 0.' in view.message


def test_an_empty_category_says_so(handlers, opened, monkeypatch):
    photo = opened.photo
    monkeypatch.setattr(photo, 'labels', np.full_like(photo.labels, 12))
    handlers = Handlers(SimpleNamespace(matches=lambda *_, **__: []), None, Limits())
    assert 'The gallery has no sling dress' in handlers.matches(photo, 0, SETTINGS)


def encoded(height, width):
    file = io.BytesIO()
    Image.new('RGB', (width, height)).save(file, 'PNG')
    return file.getvalue()


@pytest.mark.parametrize('data, reason', [
    (b'text', 'no image of a known format'), (encoded(1001, 1000), 'pixels, more than'),
    (b'\xff\xd8\xff', 'cannot be used')])
def test_what_is_no_photo_is_a_message(handlers, data, reason):
    view = handlers.open(data, SETTINGS)
    assert view.photo is None and view.picture is None
    assert reason in view.message and 'role="alert"' in view.message
    assert 'at most 20 MB and 1 megapixels' in view.message


def test_narrow_photos_are_found_in(handlers):
    view = handlers.open(encoded(16, 320), SETTINGS)
    assert view.picture.shape == (40, 800, 3)


def test_without_a_photo_nothing_is_shown(handlers):
    view = handlers.click(None, None, (5, 5), SETTINGS)
    assert view.picture is None and view.garments == []
    assert 'Upload a photo' in handlers.matches(None, None, SETTINGS) == view.matches


def test_a_gallery_of_another_model_is_refused(inferencer):
    other = GalleryIndex(4, 'another')
    with pytest.raises(ValueError, match=r"loaded, .*, got 'another' in gallery x"):
        Finder(inferencer, other, 'x')


def test_an_empty_gallery_is_refused(inferencer):
    empty = GalleryIndex(4, inferencer.model_id)
    with pytest.raises(ValueError, match='gallery x has no garments'):
        Finder(inferencer, empty, 'x')
    empty.add(np.ones((1, 4), np.float32), [Entry('a', (0, 0, 1, 1), 0)])
    assert len(Finder(inferencer, empty, 'x')) == 1
