"""Which garment a click means, and what is drawn."""

import numpy as np
import pytest

from df2mm.apis import ItemMasks, Prediction
from df2mm.metainfo import NUM_KEYPOINTS
from df2mm.web import LAYERS, Photo


def photo(masks=True, side=800):
    """A large garment, a small one within, and one of low score at the right edge."""
    boxes = np.array([[100, 100, 600, 700], [300, 300, 500, 500],
                      [500, 50, side, 750]], np.float32)
    bitmaps = np.zeros((3, side, side), bool)
    bitmaps[0, 100:700, 100:550] = True
    bitmaps[1, 400:500, 300:500] = True
    bitmaps[2, 50:750, 620:] = True
    return Photo.of(Prediction(
        0, 'a', 'a', np.full((side, side, 3), 200, np.uint8), 'user', boxes,
        np.array([0, 7, 3]), np.array([0.9, 0.8, 0.2], np.float32),
        ItemMasks(bitmaps, boxes, (side, side)) if masks else None,
        np.full((3, NUM_KEYPOINTS, 2), 450.0), np.ones((3, NUM_KEYPOINTS)),
        np.ones((3, 4), np.float32)))


@pytest.mark.parametrize('place, item', [
    ((450, 450), 1),    # Both masks: the smaller one's.
    ((400, 350), 0),    # In the small box, but only on the large mask.
    ((580, 690), 2),    # On no mask, in two boxes: the smaller.
    ((790, 500), 2),
    ((50, 500), None),
    ((2000, 500), None),
])
def test_a_click_means_the_smallest_garment(place, item):
    assert photo().item_at(*place, [0, 1, 2]) == item


def test_a_click_means_only_what_is_shown():
    assert photo().items(0.5) == [0, 1]
    assert photo().item_at(790, 500, [0, 1]) is None
    assert photo().item_at(400, 350, [0, 1]) == 0


def test_without_masks_boxes_are_clicked():
    assert photo(masks=False).item_at(400, 350, [0, 1, 2]) == 1


@pytest.mark.parametrize('side, shown', [(1600, 1280), (1000, 1000), (400, 800)])
def test_pictures_have_the_size_of_a_screen(side, shown):
    boxes = np.array([[0, 0, side / 2, side]], np.float32)
    bitmap = np.zeros((1, side, side), bool)
    bitmap[:, :, :side // 2] = True
    found = Photo.of(Prediction(
        0, 'a', 'a', np.zeros((side, side, 3), np.uint8), 'user', boxes,
        np.array([0]), np.ones(1, np.float32), ItemMasks(bitmap, boxes, (side, side)),
        query_vectors=np.ones((1, 4), np.float32)))
    assert found.image.shape == (shown, shown, 3)
    assert found.bboxes.tolist() == [[0, 0, shown / 2, shown]]
    assert found.item_at(shown / 2 - 2, 5, [0]) == 0
    assert found.item_at(shown / 2 + 2, 5, [0]) is None
    assert found.masks[0][0].sum() == pytest.approx(shown * shown / 2, rel=0.01)


@pytest.mark.parametrize('layer', LAYERS)
def test_every_layer_is_drawn_on_its_own(layer):
    shown = photo()
    assert (shown.draw([0, 1], []) == shown.image).all()
    alone = shown.draw([0, 1], [layer])
    assert (alone != shown.image).any()
    without = shown.draw([0, 1], [name for name in LAYERS if name != layer])
    assert (without != shown.draw([0, 1])).any()


def test_the_chosen_garment_is_lit():
    image = photo().draw([0, 1, 2], [], chosen=1)
    assert (image[300:500, 300:500] == 200).all()
    assert image[0, 0].tolist() == [80, 80, 80]


def test_a_photo_without_garments():
    found = photo()
    none = Photo(found.image, found.bboxes[:0], found.labels[:0], found.scores[:0], [],
                 found.keypoints[:0], found.keypoint_scores[:0],
                 found.query_vectors[:0])
    assert none.items(0) == [] and none.item_at(5, 5, []) is None
    assert (none.draw([]) == none.image).all()
