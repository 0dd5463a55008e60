"""What of an annotation lies outside its image, and its repair."""

import numpy as np


def clip_to_image(annotation, size, report):
    """Clip boxes and polygons to the image, drop landmarks and items outside.

    An image spans [0, width] x [0, height], both ends included: real outlines
    run along its edges.

    Args:
        annotation (ImageAnnotation): Changed in place.
        size (tuple[int, int]): Width and height in pixels.
        report (Report): Takes the defects.
    """
    corner = np.array(size, dtype=np.float64)
    annotation.items = [
        item for item in annotation.items if _clip_item(item, corner, report)]


def _clip_item(item, corner, report):
    """Whether anything of the item's box is left."""
    x1, y1, x2, y2 = item.bbox.tolist()
    width, height = corner.tolist()
    if x1 < 0 or y1 < 0 or x2 > width or y2 > height:
        shown = f'box {item.bbox.tolist()}, image {width:g} x {height:g}'
        if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
            report.add('box-outside', shown, item.key)
            return False
        report.add('box-clipped', shown, item.key)
        item.bbox = np.array(
            [max(x1, 0.0), max(y1, 0.0), min(x2, width), min(y2, height)])
    points = item.landmarks[:, :2]
    outside = ((points < 0) | (points > corner)).any(axis=1)
    if outside.any():
        outside &= item.landmarks[:, 2] > 0
        count = int(outside.sum())
        if count:
            first = points[outside][0].tolist()
            report.add(
                'landmark-outside-image', f'{count} of {len(points)} landmarks, such '
                f'as number {outside.argmax() + 1} at {first}, image {width:g} x '
                f'{height:g}', item.key)
            item.landmarks[outside] = 0
    for k, polygon in enumerate(item.polygons):
        if polygon.min() < 0 or (polygon.max(axis=0) > corner).any():
            report.add('polygon-outside', f'polygon {k + 1} reaches from '
                       f'{polygon.min(axis=0).tolist()} to '
                       f'{polygon.max(axis=0).tolist()}, image {width:g} x {height:g}',
                       item.key)
            item.polygons[k] = np.clip(polygon, 0.0, corner)
    return True
