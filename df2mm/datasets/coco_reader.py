"""Read COCO files: our compact one, and the authors' with all 294 landmarks."""

import itertools
from pathlib import Path

from df2mm.datasets.annotation import (
    UNKNOWN_PAIR,
    UNKNOWN_SOURCE,
    ImageAnnotation,
    parse_item,
    parse_pair_id,
    parse_source,
)
from df2mm.datasets.clipping import clip_to_image
from df2mm.datasets.defects import Report
from df2mm.datasets.json_stream import iter_rows
from df2mm.metainfo import CATEGORIES, NUM_KEYPOINTS, VARIATIONS, category_of

#: What the authors' files lack.
_OPTIONAL = frozenset({'style', *VARIATIONS})


def iter_coco(path, on_defect=None):
    """Read a COCO file image by image: compact, or with 294 landmarks.

    Every annotation tells by its number of keypoints which of the two it is.
    The rules of ``df2mm.datasets.defects`` hold as for raw files; what the
    authors' files lack (source, variations) is unknown and no defect.

    Args:
        path (str | Path): The annotations of an image must stand together, as
            they do in both kinds of file.
        on_defect (Callable[[Defect], None], optional): Called for each defect.

    Yields:
        tuple[ImageAnnotation, tuple[int, int], str]: The record, width and
        height in pixels, and the image's file name. Images without annotations
        come last and have no items.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no COCO file, or not sorted.
    """
    path = Path(path)
    images = dict(_image_of(row, path) for row in iter_rows(path, 'images'))
    seen = set()
    for img_id, rows in itertools.groupby(
            iter_rows(path, 'annotations'), key=lambda row: row.get('image_id')):
        report = Report(path.name)
        if type(img_id) is int and img_id in seen:
            raise ValueError(
                f'expected the annotations of an image side by side in {path}; those '
                f'of image {img_id} are not. Sort them by image_id')
        if type(img_id) is int and img_id in images:
            seen.add(img_id)
            yield _read_image(img_id, rows, images.pop(img_id), report)
        else:
            for row in rows:
                report.add('image-id', f'image_id {img_id!r} is not in "images"',
                           f'annotation {row.get("id")}')
        for defect in report.defects if on_defect else ():
            on_defect(defect)
    for img_id, image in images.items():
        yield _read_image(img_id, (), image, Report(path.name))


def _image_of(row, path):
    """(id, (file name, size, source, pair_id)) of an object of ``images``."""
    img_id, size = row.get('id'), (row.get('width'), row.get('height'))
    file_name = row.get('file_name')
    if not (type(img_id) is int and type(file_name) is str
            and all(type(side) is int and side > 0 for side in size)):
        raise ValueError(
            'expected an image with integer id, width and height and a file_name in '
            f'{path}, got id {img_id!r}, {size[0]!r} x {size[1]!r}, {file_name!r}')
    return img_id, (file_name, size, row.get('source', UNKNOWN_SOURCE),
                    row.get('pair_id', UNKNOWN_PAIR))


def _read_image(img_id, rows, image, report):
    file_name, size, source, pair_id = image
    if source != UNKNOWN_SOURCE:
        source = parse_source(source, report)
    items, keys = [], []
    for number, row in enumerate(rows, 1):
        label = f'annotation {row.get("id")}'
        item = parse_item(label, _raw_item(row), report, _OPTIONAL)
        # The authors' files have it here, ours in the image as well.
        if pair_id == UNKNOWN_PAIR:
            pair_id = row.get('pair_id', UNKNOWN_PAIR)
        if item is not None:
            items.append(item)
            keys.append(row.get('key', f'item{number}'))
    if pair_id != UNKNOWN_PAIR:
        pair_id = parse_pair_id(pair_id, report)
    annotation = ImageAnnotation(img_id, source, pair_id, items)
    keys = dict(zip(map(id, items), keys, strict=True))
    clip_to_image(annotation, size, report)
    for item in annotation.items:
        item.key = keys[id(item)]
        if pair_id == UNKNOWN_PAIR:
            item.style = 0
    return annotation, size, file_name


def _raw_item(row):
    """An annotation in the form of the raw files; wrong values stay as they are."""
    raw = {name: row[name] for name in ('category_id', 'style') if name in row}
    raw.update((name, row[name]) for name in VARIATIONS if row.get(name, 0) != 0)
    if 'bbox' in row:
        raw['bounding_box'] = box = row['bbox']
        if type(box) is list and len(box) == 4 and all(
                type(value) in (int, float) and abs(value) < 1e9 for value in box):
            # Rounded, or x + w may pass the image's edge by an ulp.
            raw['bounding_box'] = [
                *box[:2], round(box[0] + box[2], 6), round(box[1] + box[3], 6)]
    if 'keypoints' in row:
        raw['landmarks'] = keypoints = row['keypoints']
        if type(keypoints) is list and len(keypoints) == 3 * NUM_KEYPOINTS and (
                row.get('category_id') in range(1, len(CATEGORIES) + 1)):
            own = category_of(row['category_id']).slice
            raw['landmarks'] = keypoints[3 * own.start:3 * own.stop]
    if 'segmentation' in row:
        polygons = row['segmentation']
        raw['segmentation'] = [] if type(polygons) is dict else polygons
    return raw
