"""The annotation of a painted scene, by the dataset's own definitions.

Scale is the box's share of the picture; occlusion the share of landmarks that
are hidden or outside the picture; zoom-in the share that is outside. Source: Ge
et al., DeepFashion2, CVPR 2019, sec. 3.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from df2mm.metainfo import CATEGORIES
from df2mm.synthetic.painting import Canvas, Cloth
from df2mm.synthetic.people import UNWORN
from df2mm.synthetic.pieces import Garment
from df2mm.synthetic.wardrobe import Identity, SceneSpec

#: Below this share of the picture, and of itself, a garment is not annotated.
_MIN_AREA, _MIN_SHOWN = 0.004, 0.1
#: Square pixels of the smallest part of a mask.
_MIN_POLYGON = 8.0


@dataclass
class Worn:
    """A garment on the canvas, in pixels."""

    identity: Identity
    garment: Garment
    cloth: Cloth


def annotate(spec: SceneSpec, canvas: Canvas, worn: list, view: str) -> dict:
    """The annotation of what the canvas shows, in DeepFashion2's own form."""
    annotation = {'source': spec.source, 'pair_id': spec.pair_id}
    count = 0
    for index, one in enumerate(worn):
        item = _annotate_item(canvas, index, one, view)
        if item is not None:
            count += 1
            annotation[f'item{count}'] = item
    return annotation


def _annotate_item(canvas: Canvas, index: int, worn: Worn, view: str) -> dict | None:
    height, width = canvas.owner.shape
    mask = canvas.item_mask(index)
    area = int(mask.sum())
    whole = sum(
        cv2.contourArea(p.outline.astype(np.float32))
        for p in worn.garment.pieces
        if not p.inside
    )
    if area < _MIN_AREA * height * width or (
        area < _MIN_SHOWN * whole and area < 0.03 * height * width
    ):
        return None
    polygons = _polygons(mask)
    if not polygons:
        return None
    landmarks, visible = _landmarks(canvas, index, worn)
    # The tip of a corner can lie a pixel beyond the last pixel that it covers.
    outlines = [np.reshape(polygon, (-1, 2)) for polygon in polygons]
    points = np.concatenate([*outlines, landmarks[visible == 2].round(1)])
    x1, y1 = points.min(0)
    x2, y2 = points.max(0)
    category = CATEGORIES[worn.identity.cut.category_id - 1]
    outside = float(np.mean(visible == 0))
    hidden = float(np.mean(visible < 2))
    share = (x2 - x1) * (y2 - y1) / (height * width)
    return {
        'category_id': category.id,
        'category_name': category.name,
        'style': worn.identity.style,
        'bounding_box': [float(v) for v in (x1, y1, x2, y2)],
        'landmarks': [
            float(value)
            for point, v in zip(landmarks, visible, strict=True)
            for value in (
                (round(point[0], 1), round(point[1], 1), v) if v else (0, 0, 0)
            )
        ],
        'segmentation': [[float(v) for v in p] for p in polygons],
        'scale': 1 if share < 0.1 else 2 if share <= 0.4 else 3,
        'occlusion': 1 if hidden < 0.2 else 2 if hidden <= 0.5 else 3,
        'zoom_in': 1 if outside == 0 else 2 if outside <= 0.3 else 3,
        'viewpoint': 1 if view in UNWORN else 2 if view == 'front' else 3,
    }


def _landmarks(canvas: Canvas, index: int, worn: Worn) -> tuple:
    """(L, 2) points and (L,) 2 visible, 1 occluded, 0 outside the picture."""
    height, width = canvas.owner.shape
    points = worn.garment.landmarks
    inside = ((points >= 0) & (points < (width, height))).all(1)
    visible = np.zeros(len(points), int)
    for k in np.flatnonzero(inside):
        seen = canvas.visible(points[k], index, worn.garment.owners[k])
        visible[k] = 2 if seen else 1
    return points, visible


def _polygons(mask: np.ndarray) -> list:
    """Outlines of a mask as flat lists x, y, ..., but for specks."""
    contours, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    polygons = []
    for contour in contours:
        if cv2.contourArea(contour) < _MIN_POLYGON:
            continue
        contour = cv2.approxPolyDP(contour, 0.9, True)[:, 0]
        if len(contour) >= 3:
            # Contours run through pixel centres; ours are corner coordinates.
            polygons.append((contour + 0.5).reshape(-1).tolist())
    return polygons
