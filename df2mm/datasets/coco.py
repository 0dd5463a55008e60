"""Write COCO files: our compact one, and the authors' with all 294 landmarks.

Both are valid COCO that stock pycocotools loads. The compact file has every
object on a line of its own, so that it is read and written as a stream, and
keeps an item's own landmarks only:

```
{"info": {"format": "df2mm-compact", "version": 1},
"categories": [
{"id":1,"name":"short sleeve top","supercategory":"clothes",...},
...
],
"images": [
{"id":1,"file_name":"000001.jpg","width":468,"height":624,"source":"user","pair_id":1},
...
],
"annotations": [
{"id":1,"image_id":1,"category_id":1,"bbox":[x,y,w,h],"area":w*h,...},
...
]}
```

Annotations are sorted by image and numbered from 1. ``area`` is the box's, as
in the official files. ``segmentation`` is a list of polygons or, for an item
without any, an empty mask in run lengths, ``{"size":[h,w],"counts":[h*w]}``:
pycocotools fails on an empty list. A level that is not known is 0.
"""

import itertools
import json
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import orjson

from df2mm.atomic import replacing
from df2mm.metainfo import CATEGORIES, NUM_KEYPOINTS, VARIATIONS, category_of

COMPACT_INFO = {'format': 'df2mm-compact', 'version': 1}


def compact_categories():
    """The ``categories`` of a compact file; skeletons count from 1, as COCO's."""
    return [dict(
        id=c.id, name=c.name, supercategory='clothes',
        keypoints=[str(k + 1) for k in range(c.num_landmarks)],
        skeleton=[[a + 1, b + 1] for a, b in c.skeleton]) for c in CATEGORIES]


@contextmanager
def coco_writer(path, info, categories):
    """Write a COCO file with an object a line, as a stream; atomic.

    Args:
        path (str | Path): Appears once the ``with`` block has ended well.
        info (dict): ``info`` of the file.
        categories (list[dict]): ``categories`` of the file.

    Yields:
        Callable[[bytes, list[bytes]], None]: Adds an image's JSON object and
        those of its annotations, these without an id, as ``encode_compact``
        makes them.
    """
    # The images come first in the file, so annotations wait in a second one.
    with replacing(path) as file, tempfile.TemporaryFile(
            dir=Path(path).parent) as rest:
        ids = itertools.count(1)
        separators = [b'\n', b'\n']

        def add(image, annotations):
            file.write(separators[0] + image)
            separators[0] = b',\n'
            for annotation in annotations:
                rest.write(b'%b{"id":%d,%b' % (
                    separators[1], next(ids), annotation[1:]))
                separators[1] = b',\n'

        lines = b',\n'.join(orjson.dumps(category) for category in categories)
        file.write(b'{"info": %b,\n"categories": [\n%b\n],\n"images": [' % (
            json.dumps(info).encode(), lines))
        yield add
        file.write(b'\n],\n"annotations": [')
        rest.seek(0)
        shutil.copyfileobj(rest, file, 1 << 20)
        file.write(b'\n]}\n')


def encode_compact(annotation, size, file_name):
    """An image and its annotations as lines of a compact file.

    Args:
        annotation (ImageAnnotation): Lies within the image.
        size (tuple[int, int]): Width and height in pixels.
        file_name (str): Relative to the split's image folder.

    Returns:
        tuple[bytes, list[bytes]]: For the function of ``coco_writer``.
    """
    image = orjson.dumps(dict(
        id=annotation.img_id, file_name=file_name, width=size[0], height=size[1],
        source=annotation.source, pair_id=annotation.pair_id))
    lines = []
    for item in annotation.items:
        row = _common_fields(annotation, item, size)
        row['num_keypoints'] = np.count_nonzero(item.landmarks[:, 2])
        row['keypoints'] = _plain(item.landmarks)
        row['style'] = item.style
        row['pair_id'] = annotation.pair_id
        row.update(zip(VARIATIONS, item.variations.tolist(), strict=True))
        row['key'] = item.key
        lines.append(orjson.dumps(row))
    return image, lines


def write_compact(path, annotations):
    """Write our compact COCO file.

    Args:
        path (str | Path): Such as ``annotations/train.json``.
        annotations (Iterable[tuple[ImageAnnotation, tuple[int, int], str]]):
            Records, width and height in pixels, image file names.
    """
    with coco_writer(path, COMPACT_INFO, compact_categories()) as add:
        for annotation, size, file_name in annotations:
            add(*encode_compact(annotation, size, file_name))


def write_authors_coco(path, annotations, occluded=True):
    """Write a file like the authors' ``keypoints_val_vis*.json``.

    It has no source and no variations, and 294 landmarks an item.

    Args:
        path (str | Path): Such as ``keypoints_val_vis_and_occ.json``.
        annotations (Iterable): As for ``write_compact``.
        occluded (bool): Keep occluded landmarks (v = 1). False makes them not
            labelled, as in ``keypoints_val_vis.json``.
    """
    names = [str(k + 1) for k in range(NUM_KEYPOINTS)]
    categories = [dict(id=c.id, name=c.coco_name, supercategory='clothes',
                       keypoints=names, skeleton=[]) for c in CATEGORIES]
    with coco_writer(path, {}, categories) as add:
        for annotation, (width, height), file_name in annotations:
            image = dict(
                coco_url='', date_captured='', file_name=file_name, flickr_url='',
                id=annotation.img_id, license=0, width=width, height=height)
            lines = []
            for item in annotation.items:
                landmarks = item.landmarks.copy()
                if not occluded:
                    landmarks[landmarks[:, 2] == 1] = 0
                padded = np.zeros((NUM_KEYPOINTS, 3))
                padded[category_of(item.category_id).slice] = landmarks
                row = _common_fields(annotation, item, (width, height))
                row['num_keypoints'] = int((landmarks[:, 2] > 0).sum())
                row['keypoints'] = padded.ravel().tolist()
                row['style'] = item.style
                row['pair_id'] = annotation.pair_id
                lines.append(orjson.dumps(row))
            add(orjson.dumps(image), lines)


def write_retrieval_gt(query_path, gallery_path, annotations):
    """Write files like the authors' ``val_query.json`` and ``val_gallery.json``.

    The gallery has every shop item of style > 0. The queries are the user
    items of style > 0 that the gallery has a partner for and, of the images
    these lie on, the items of style 0: the official evaluation assigns
    detections to them as well. Boxes are xyxy.

    Args:
        query_path (str | Path): For the items of user images.
        gallery_path (str | Path): For the items of shop images.
        annotations (Iterable): As for ``write_compact``.
    """
    users, gallery, identities = [], [], set()
    for annotation, _, _ in annotations:
        if annotation.source == 'user':
            users.append([dict(
                style=item.style, pair_id=annotation.pair_id,
                query_image_id=annotation.img_id, bbox=_plain(item.bbox),
                cls=item.category_id) for item in annotation.items])
        elif annotation.source == 'shop':
            for item in annotation.items:
                if item.style > 0:
                    identities.add((annotation.pair_id, item.style))
                    gallery.append(dict(
                        gallery_image_id=annotation.img_id, style=item.style,
                        pair_id=annotation.pair_id, bbox=_plain(item.bbox)))
    queries = []
    for rows in users:
        partnered = [(row['pair_id'], row['style']) in identities for row in rows]
        if any(partnered):
            queries += [row for row, has_partner in zip(rows, partnered, strict=True)
                        if has_partner or row['style'] == 0]
    for path, rows in ((query_path, queries), (gallery_path, gallery)):
        with replacing(path) as file:
            file.write(orjson.dumps(rows))


def _common_fields(annotation, item, size):
    """What the compact and the authors' annotations share, but for their ids."""
    x1, y1, x2, y2 = _plain(item.bbox)
    width, height = x2 - x1, y2 - y1
    # pycocotools cannot read an empty list of polygons.
    segmentation = [_plain(polygon) for polygon in item.polygons] or {
        'size': [size[1], size[0]], 'counts': [size[0] * size[1]]}
    return dict(
        image_id=annotation.img_id, category_id=item.category_id,
        bbox=[x1, y1, width, height], area=width * height, iscrowd=0,
        segmentation=segmentation)


def _plain(array):
    """A flat list; of ints where that loses nothing, for the file is shorter."""
    values = array.ravel().tolist()
    if all(map(float.is_integer, values)):
        return list(map(int, values))
    return values
