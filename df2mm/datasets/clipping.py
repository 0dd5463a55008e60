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
    # What is not labelled is (0, 0), inside.
    if not _is_inside(points, width, height):
        outside = ((points < 0) | (points > corner)).any(axis=1)
        report.add(
            'landmark-outside-image', f'{outside.sum()} of {len(points)} landmarks, '
            f'such as number {outside.argmax() + 1} at '
            f'{points[outside.argmax()].tolist()}, image {width:g} x {height:g}',
            item.key)
        item.landmarks[outside] = 0
    for k, polygon in enumerate(item.polygons):
        if not _is_inside(polygon, width, height):
            report.add('polygon-outside', f'polygon {k + 1} reaches from '
                       f'{polygon.min(axis=0).tolist()} to '
                       f'{polygon.max(axis=0).tolist()}, image {width:g} x {height:g}',
                       item.key)
            item.polygons[k] = np.clip(polygon, 0.0, corner)
    return True


def _is_inside(points, width, height):
    """Whether all of (N, 2) points lie in the image."""
    xs, ys = points.T.tolist()
    return min(xs) >= 0 and min(ys) >= 0 and max(xs) <= width and max(ys) <= height
