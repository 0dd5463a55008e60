"""A tiny dataset in all three forms, whose numbers tests can tell by heart."""

import json

import cv2
import numpy as np
import pytest

from df2mm.datasets.coco import write_authors_coco, write_compact
from df2mm.datasets.raw import iter_raw
from df2mm.metainfo import CATEGORIES

#: Images are 60 wide and 80 high.
IMAGE_SIZE = (60, 80)


def raw_item(category_id, style=1, box=(10, 20, 40, 60)):
    """An item as in an annotation file; landmark k is at (10 + k / 2, 20 + k)."""
    count = CATEGORIES[category_id - 1].num_landmarks
    landmarks = [number for k in range(count) for number in (10 + k / 2, 20 + k, 2)]
    landmarks[2] = 1
    landmarks[3:6] = [0, 0, 0]
    x1, y1, x2, y2 = box
    return dict(
        category_id=category_id, category_name=CATEGORIES[category_id - 1].name,
        style=style, bounding_box=list(box), landmarks=landmarks,
        segmentation=[[x1, y1, x2, y1, x2, y2, x1, y2]],
        scale=1, occlusion=2, zoom_in=3, viewpoint=2)


def write_image(root, split, number, source, pair_id, items):
    """One image of the raw layout with its annotation."""
    for folder in ('image', 'annos'):
        (root / split / folder).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 256, (*IMAGE_SIZE[::-1], 3), dtype=np.uint8)
    cv2.imwrite(str(root / split / 'image' / f'{number:06}.jpg'), pixels)
    annotation = dict(source=source, pair_id=pair_id)
    annotation.update((f'item{k + 1}', item) for k, item in enumerate(items))
    path = root / split / 'annos' / f'{number:06}.json'
    path.write_text(json.dumps(annotation))


def write_tiny_dataset(root):
    """Train 1, 2, 3 and 7 (users are odd), validation 1 and 2; raw and converted."""
    write_image(root, 'train', 1, 'user', 5, [raw_item(1, 1), raw_item(8, 0)])
    write_image(root, 'train', 2, 'shop', 5, [raw_item(1, 1)])
    write_image(root, 'train', 3, 'user', 6, [raw_item(4, 2), raw_item(9, 3),
                                              raw_item(13, 1)])
    write_image(root, 'train', 7, 'user', 7, [raw_item(11, 1)])
    write_image(root, 'validation', 1, 'user', 9, [raw_item(2, 1)])
    write_image(root, 'validation', 2, 'shop', 9, [raw_item(2, 1), raw_item(7, 2)])
    (root / 'annotations').mkdir()
    for split in ('train', 'validation'):
        write_compact(root / 'annotations' / f'{split}.json', iter_raw(root / split))
    write_authors_coco(root / 'annotations/authors.json', iter_raw(root / 'train'))


@pytest.fixture(scope='session')
def tiny_root(tmp_path_factory):
    """Folder of the tiny dataset; not to be written to."""
    root = tmp_path_factory.mktemp('deepfashion2')
    write_tiny_dataset(root)
    return root
