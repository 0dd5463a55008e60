"""df2mm.datasets.columns"""

import numpy as np
import pytest

from df2mm.datasets.columns import (
    assemble,
    identities_of,
    image_columns,
    item_columns,
    joined,
)


def image(number, **changes):
    return dict(id=number, file_name=f'{number}.jpg', width=6, height=8, source='user',
                pair_id=4) | changes


def item(image_id, **changes):
    """A skirt: 8 landmarks."""
    return dict(
        id=10 + image_id, image_id=image_id, category_id=9, bbox=[1, 2, 3, 4],
        segmentation=[[1, 2, 4, 2, 4, 6]], keypoints=[image_id, 2, 1] * 8, style=1,
        pair_id=4, scale=1, occlusion=2, zoom_in=3, viewpoint=1) | changes


def test_columns_by_hand():
    items = item_columns([item(3)], 'f')
    columns = assemble(image_columns([image(3)], 'f'), items, 'f')
    assert columns['bboxes'].tolist() == [[1, 2, 1 + 3, 2 + 4]]
    assert columns['labels'].tolist() == [9 - 1]
    assert columns['variations'].tolist() == [[1, 2, 3, 1]]
    assert columns['identities'].tolist() == [4 * 100_000 + 1]
    assert columns['item_offsets'].tolist() == [0, 1]
    assert columns['landmark_offsets'].tolist() == [0, 8]
    assert columns['landmarks'].tolist() == [[3, 2, 1]] * 8
    assert columns['polygon_offsets'].tolist() == [0, 1]
    assert columns['vertex_offsets'].tolist() == [0, 3]
    assert columns['vertices'].tolist() == [[1, 2], [4, 2], [4, 6]]


def test_items_are_put_into_the_order_of_images():
    trousers = item(2, category_id=8, keypoints=[7, 7, 2] * 14,
                    segmentation=[[0, 0, 1, 0, 1, 1], [5, 5, 6, 5, 6, 6, 5, 6]])
    masked = item(5, segmentation={'size': [8, 6], 'counts': [48]})
    parts = [item_columns([item(5), trousers], 'f'), item_columns([masked], 'f')]
    images = image_columns([image(5), image(9), image(2)], 'f')
    columns = assemble(images, joined(parts), 'f')
    assert columns['img_ids'].tolist() == [2, 5, 9]
    assert columns['file_names'].tolist() == [b'2.jpg', b'5.jpg', b'9.jpg']
    assert columns['item_offsets'].tolist() == [0, 1, 3, 3]
    assert columns['labels'].tolist() == [7, 8, 8]
    assert columns['landmark_offsets'].tolist() == [0, 14, 14 + 8, 14 + 8 + 8]
    assert columns['landmarks'][:, 0].tolist() == [7] * 14 + [5] * 8 + [5] * 8
    assert columns['polygon_offsets'].tolist() == [0, 2, 3, 3]
    assert columns['vertex_offsets'].tolist() == [0, 3, 3 + 4, 3 + 4 + 3]
    assert columns['vertices'][3:7].tolist() == [[5, 5], [6, 5], [6, 6], [5, 6]]
    assert columns['vertices'][7:].tolist() == [[1, 2], [4, 2], [4, 6]]


def test_nothing_at_all():
    columns = assemble(image_columns([], 'f'), item_columns([], 'f'), 'f')
    assert columns['item_offsets'].tolist() == [0]
    assert columns['bboxes'].shape == (0, 4)
    assert columns['landmarks'].shape == (0, 3)
    assert columns['vertices'].shape == (0, 2)


@pytest.mark.parametrize(('changes', 'match'), [
    (dict(category_id=14), r'annotation 13 of f: category_id must be in 1..13, got 14'),
    (dict(category_id='x'), 'annotation 13 of f'),
    (dict(keypoints=[0] * 882), r'keypoints must be 24 numbers, got 882'),
    (dict(keypoints=[None] * 24), 'annotation 13 of f'),
    (dict(keypoints=[float('nan')] * 24), 'landmarks must be finite'),
    (dict(segmentation=[[1, 2, 3, 4, 5]]), r'at least 6 numbers, got \[5\]'),
    (dict(segmentation=[[1, 2, 3, 4]]), r'at least 6 numbers, got \[4\]'),
    (dict(segmentation={'size': [8, 6], 'counts': [4, 2, 42]}), 'or an empty mask'),
    (dict(segmentation=None), 'annotation 13 of f'),
    (dict(bbox=[1, 2]), 'annotation 13 of f'),
    (dict(bbox=[1, 2, 3, float('inf')]), 'bboxes must be finite'),
    (dict(scale='large'), 'annotation 13 of f'),
    (dict(scale=4), r'variations must be in 0..3, got 4'),
    (dict(style=2**40), 'styles must be in 0..'),
    (dict(style=-1), 'styles must be in 0..'),
    (dict(keypoints=[1, 2, 3] * 8), r'v of a landmark must be in 0..2, got 3'),
])
def test_bad_items(changes, match):
    with pytest.raises(ValueError, match=match):
        item_columns([item(1), item(3, **changes)], 'f')


def test_missing_key_is_named():
    row = item(3)
    del row['style']
    with pytest.raises(ValueError, match="annotation 13 of f: 'style' is missing"):
        item_columns([item(1), row], 'f')


@pytest.mark.parametrize(('changes', 'match'), [
    (dict(source='studio'), "image 3 of f: 'studio'"),
    (dict(width=None), 'image 3 of f'),
    (dict(file_name=7), 'image 3 of f'),
    (dict(pair_id='x'), 'image 3 of f'),
])
def test_bad_images(changes, match):
    with pytest.raises(ValueError, match=match):
        image_columns([image(1), image(3, **changes)], 'f')


def test_ids_must_fit():
    with pytest.raises(ValueError, match='image id 3 occurs twice in f'):
        assemble(image_columns([image(3), image(3)], 'f'), item_columns([], 'f'), 'f')
    with pytest.raises(ValueError, match=r'image_id 8 .* among the 1 images of f'):
        assemble(image_columns([image(3)], 'f'), item_columns([item(8)], 'f'), 'f')


def test_numbers_keep_their_precision():
    columns = item_columns([item(1, bbox=[0.1, 0.2, 467.3, 623.5])], 'f')
    np.testing.assert_allclose(columns['bboxes'], [[0.1, 0.2, 467.4, 623.7]], rtol=1e-6)


def test_identities_by_hand():
    identities = identities_of([5, 5, 6, 0, -1, 5], [1, 2, 1, 1, 1, 0])
    assert identities.tolist() == [500_001, 500_002, 600_001, 1, -1, -1]
    assert identities.dtype == np.int64
    # As many pairs as there are numbers: none share one.
    pairs = [(pair, style) for pair in range(30) for style in (1, 9, 99_999)]
    assert len(set(identities_of(*np.transpose(pairs)).tolist())) == len(pairs)
    assert identities_of([], []).shape == (0,)


@pytest.mark.parametrize('style', [-1, 100_000])
def test_bad_styles(style):
    with pytest.raises(ValueError, match=rf'style must be in .*, got {style} .* 7'):
        identities_of([7, 7], [1, style])
