"""Draw clothing items on a picture: masks, boxes, landmarks, labels.

Shapes: N items, K = 294 keypoints of which an item has its category's slice,
(H, W) the image. Coordinates are pixels with (0, 0) the top left corner of the
top left pixel.
"""

import numpy as np

from df2mm.metainfo import CATEGORIES, NUM_CATEGORIES, NUM_KEYPOINTS
from df2mm.visualization import strokes
from df2mm.visualization.labels import draw_labels

#: The size of picture, as the root of its area, that the widths are meant for.
_REFERENCE_SIZE = 600.0
# Lines and dots are drawn at a zoom at which a unit is this many pixels or more:
# OpenCV's widths are whole pixels, too coarse for a small picture.
_FINE_UNIT = 3.0
# Legible names would hide most of a picture whose shorter side has fewer pixels.
_LEAST_SIDE_FOR_NAMES = 100


def draw_items(image, bboxes, labels, masks=None, keypoints=None,
               keypoints_visible=None, scores=None, *, boxes=True, names=True,
               colors=None, mask_alpha=0.35) -> np.ndarray:
    """A copy of the image with its items drawn on it.

    Masks are tinted and outlined. A visible landmark (v=2) is a filled dot, an
    occluded one (v=1) a hollow dot, one that is not labelled (v=0) is not drawn.
    A line of the skeleton is drawn where both its ends are; dashed and thinner
    where one of them is occluded. Widths and letters grow with the image.

    Args:
        image (np.ndarray): (H, W, 3) uint8 RGB; not modified.
        bboxes (array-like): (N, 4) x1, y1, x2, y2 pixels.
        labels (array-like): (N,) int, 0..12.
        masks (list[list[np.ndarray]] | np.ndarray, optional): For each item
            its polygons, (P, 2) pixels each; or (N, H, W) bitmaps. None draws
            no masks.
        keypoints (array-like, optional): (N, 294, 2) pixels. None draws none.
        keypoints_visible (array-like, optional): (N, 294) in {0, 1, 2}. None
            takes those of each category's slice as visible.
        scores (array-like, optional): (N,), written behind the names.
        boxes (bool): Draw the boxes.
        names (bool): Write the categories' names, where the shorter side of the
            image has 100 pixels or more.
        colors (array-like, optional): (N, 3) RGB. Defaults to the categories'.
        mask_alpha (float): 0 leaves the picture under a mask, 1 hides it.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB.

    Raises:
        TypeError: If the image is not uint8.
        ValueError: If shapes do not fit, a label is not 0..12, a visibility not
            0..2, or a coordinate to be drawn is not finite.
    """
    image, bboxes, labels = _checked_items(image, bboxes, labels)
    height, width = image.shape[:2]
    masks = _checked_masks(masks, len(labels), height, width)
    keypoints, visible = _checked_keypoints(keypoints, keypoints_visible, labels)
    if colors is None:
        colors = [CATEGORIES[label].color for label in labels]
    colors = _checked('colors', colors, (len(labels), 3))
    colors = [tuple(int(c) for c in color) for color in colors]
    texts = [CATEGORIES[label].name for label in labels]
    if scores is not None:
        scores = _checked('scores', scores, (len(labels),))
        texts = [f'{t} {s:.2f}' for t, s in zip(texts, scores, strict=True)]

    canvas = image.copy()
    unit = np.sqrt(height * width) / _REFERENCE_SIZE
    # In small pictures marks may shrink less than the picture does.
    unit = max(unit, unit ** 0.75)
    # Large items first, so that what lies over them stays in sight.
    order = np.argsort(-_areas(bboxes), kind='stable')
    borders = [[] for _ in labels]
    for i in order if masks is not None else ():
        borders[i] = _tint_mask(canvas, masks[i], colors[i], mask_alpha)
    for i in order if boxes else ():
        strokes.frame(canvas, bboxes[i], colors[i], max(1, round(2 * unit)))

    with strokes.finer(canvas, int(np.ceil(_FINE_UNIT / unit))) as (fine, zoom):
        for i in order:
            for border in borders[i]:
                strokes.closed_line(fine, border * zoom, colors[i],
                                    max(1, round(1.2 * unit * zoom)))
        for i in order if keypoints is not None else ():
            share = np.sqrt(_areas(bboxes[i]) / (height * width))
            _draw_landmarks(fine, CATEGORIES[labels[i]], keypoints[i] * zoom,
                            visible[i], colors[i],
                            unit * zoom * np.clip(share / 0.4, 0.6, 1))
    if names and len(labels) and min(height, width) >= _LEAST_SIDE_FOR_NAMES:
        canvas = draw_labels(canvas, bboxes, texts, colors,
                             size=max(10, round(14 * unit)))
    return canvas


def visible_from_scores(keypoint_scores, keypoint_thr: float) -> np.ndarray:
    """How predicted landmarks are drawn, as ``keypoints_visible`` of draw_items.

    Those of low scores are left out, not drawn hollow: most of them lie wide of the
    garment, and lines to them hide the outline that the others show.

    Args:
        keypoint_scores (array-like): (N, 294) in 0..1.
        keypoint_thr (float): From this score on they are drawn.

    Returns:
        np.ndarray: (N, 294) int64, 2 or 0.
    """
    return np.where(np.asarray(keypoint_scores) >= keypoint_thr, 2, 0)


def _areas(bboxes) -> np.ndarray:
    """Of (..., 4) boxes, in pixels."""
    return np.maximum(bboxes[..., 2:] - bboxes[..., :2], 0).prod(-1)


def _tint_mask(canvas, mask, color, alpha: float) -> list:
    """Tint one item's mask, polygons or a bitmap; returns its outlines (P, 2)."""
    if isinstance(mask, np.ndarray):
        covered, borders = mask.astype(np.uint8) * 255, strokes.outlines(mask)
    else:
        covered, borders = strokes.coverage(mask, *canvas.shape[:2]), mask
    if covered.any():
        strokes.tint(canvas, covered, color, alpha)
    return borders


def _draw_landmarks(canvas, category, points, visible, color, unit: float) -> None:
    """Skeleton and dots of one item.

    Args:
        canvas (np.ndarray): (H, W, 3), drawn on.
        category (Category): L landmarks.
        points (np.ndarray): (L, 2) pixels.
        visible (np.ndarray): (L,) 0, 1 or 2.
        color (tuple[int]): RGB.
        unit (float): 1 for an item that fills a picture of 600 px.
    """
    # The light edge keeps mmpose's darker colours in sight on dark cloth.
    halo, radius = round(1.1 * unit), 3.8 * unit
    solid, dashed = max(1, round(2 * unit)), max(1, round(1.3 * unit))
    pieces = []
    for a, b in category.skeleton:
        ends = visible[[a, b]]
        if ends.min() == 2:
            pieces.append((points[a], points[b], solid))
        elif ends.min() == 1:
            pieces += [(*dash, dashed) for dash in strokes.dashes(
                points[a], points[b], dash=5 * unit, gap=6 * unit)]
    # All halos first: one line's must not cut another line.
    for start, end, width in pieces:
        strokes.line(canvas, start, end, strokes.WHITE, width + 2 * halo)
    for start, end, width in pieces:
        strokes.line(canvas, start, end, color, width)
    for k in np.flatnonzero(visible):
        strokes.disc(canvas, points[k], radius + halo, strokes.WHITE)
        strokes.disc(canvas, points[k], radius, color)
        if visible[k] == 1:
            strokes.disc(canvas, points[k], 0.6 * radius, strokes.WHITE)


def _checked(name: str, values, shape: tuple) -> np.ndarray:
    """The values as float64 of this shape.

    Raises:
        ValueError: If they have another shape or are not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.size == 0 and 0 in shape:
        values = values.reshape(shape)
    if values.shape != shape:
        raise ValueError(f'{name} must have shape {shape}, got {values.shape}')
    if not np.isfinite(values).all():
        raise ValueError(f'{name} must be finite, got NaN or infinity')
    return values


def _checked_items(image, bboxes, labels) -> tuple:
    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise TypeError(f'image must be uint8, got {image.dtype}')
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(
            f'image must have shape (H, W, 3) and pixels, got {image.shape}')
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(f'labels must have shape (N,), got {labels.shape}')
    labels = labels.astype(np.int64)
    wrong = labels[(labels < 0) | (labels >= NUM_CATEGORIES)]
    if len(wrong):
        raise ValueError(
            f'labels must be in 0..{NUM_CATEGORIES - 1}, got {wrong[0]}. '
            'A label is category_id - 1')
    return image, _checked('bboxes', bboxes, (len(labels), 4)), labels


def _checked_masks(masks, num: int, height: int, width: int):
    if masks is None:
        return None
    if isinstance(masks, np.ndarray):
        if masks.shape != (num, height, width):
            raise ValueError(f'masks must have shape {(num, height, width)}, '
                             f'got {masks.shape}')
        return list(masks.astype(bool))
    if len(masks) != num:
        raise ValueError(f'masks must hold the polygons of {num} items, '
                         f'got {len(masks)}')
    checked = []
    for i, polygons in enumerate(masks):
        polygons = [np.asarray(polygon, np.float64) for polygon in polygons]
        for polygon in polygons:
            if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3:
                raise ValueError('a polygon must have shape (P, 2) with P >= 3, '
                                 f'got {polygon.shape} in item {i}')
            _checked(f'polygons of item {i}', polygon, polygon.shape)
        checked.append(polygons)
    return checked


def _checked_keypoints(keypoints, visible, labels) -> tuple:
    """Points (L, 2) and visibilities (L,) of each item's category slice."""
    if keypoints is None:
        return None, None
    num = len(labels)
    keypoints = np.asarray(keypoints, np.float64).reshape(
        (0, NUM_KEYPOINTS, 2) if num == 0 else np.shape(keypoints))
    if keypoints.shape != (num, NUM_KEYPOINTS, 2):
        raise ValueError(f'keypoints must have shape {(num, NUM_KEYPOINTS, 2)}, '
                         f'got {keypoints.shape}')
    if visible is None:
        visible = np.full((num, NUM_KEYPOINTS), 2)
    visible = _checked('keypoints_visible', visible, (num, NUM_KEYPOINTS))
    wrong = visible[~np.isin(visible, (0, 1, 2))]
    if len(wrong):
        raise ValueError(f'keypoints_visible must be 0, 1 or 2, got {wrong[0]:g}')
    slices = [CATEGORIES[label].slice for label in labels]
    keypoints = [points[part] for points, part in zip(keypoints, slices, strict=True)]
    visible = [row[part].astype(int)
               for row, part in zip(visible, slices, strict=True)]
    for i, (points, shown) in enumerate(zip(keypoints, visible, strict=True)):
        if not np.isfinite(points[shown > 0]).all():
            raise ValueError('keypoints must be finite where keypoints_visible is '
                             f'not 0, got NaN or infinity in item {i}')
    return keypoints, visible
