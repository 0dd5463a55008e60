"""Intersection over union of boxes, as pycocotools computes it."""

import numpy as np


def paired_box_iou(a, b, crowd=None):
    """IoU of the first box of ``a`` with the first one of ``b``, and so on.

    Shapes: P pairs.

    Args:
        a (np.ndarray): (P, 4) float64 x, y, width, height in pixels; detections.
        b (np.ndarray): (P, 4) float64, alike; ground truth.
        crowd (np.ndarray, optional): (P,) bool, where ``b`` is a crowd: the union
            is then the area of ``a``. Nowhere by default.

    Returns:
        np.ndarray: (P,) float64; 0 where the boxes do not overlap.

    Raises:
        ValueError: If the shapes are others.

    Source: ``bbIou`` of pycocotools' maskApi.c, operation by operation, so that
    the results are equal to the last bit where its build fuses no operations, as
    that of x86-64. Differs: none for finite boxes.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or a.shape[1] != 4 or a.shape != b.shape:
        raise ValueError(
            f'expected two arrays of shape (P, 4), got {a.shape} and {b.shape}')
    if crowd is not None and np.shape(crowd) != a.shape[:1]:
        raise ValueError(
            f'crowd must have shape {a.shape[:1]}, got {np.shape(crowd)}')
    (ax, ay, aw, ah), (bx, by, bw, bh) = a.T, b.T
    width = np.minimum(aw + ax, bw + bx) - np.maximum(ax, bx)
    height = np.minimum(ah + ay, bh + by) - np.maximum(ay, by)
    overlap = width * height
    union = aw * ah + bw * bh - overlap
    if crowd is not None:
        union = np.where(crowd, aw * ah, union)
    return np.divide(overlap, union, out=np.zeros(len(a)),
                     where=(width > 0) & (height > 0))


def xyxy_to_xywh(boxes):
    """(..., 4) float64 x1, y1, x2, y2 as x, y, width, height."""
    boxes = np.array(boxes, np.float64)
    boxes[..., 2:] -= boxes[..., :2]
    return boxes


def xywh_to_xyxy(boxes):
    """(..., 4) float64 x, y, width, height as x1, y1, x2, y2.

    Rounded to six decimals as ``df2mm.datasets.coco_reader`` does: a width was a
    difference, and x + (x2 - x) may miss x2 by the last bit.
    """
    boxes = np.array(boxes, np.float64)
    corners = boxes[..., 2:] + boxes[..., :2]
    split = corners != np.rint(corners)
    # Python rounds right to the last bit, numpy does not.
    corners[split] = [round(value, 6) for value in corners[split].tolist()]
    boxes[..., 2:] = corners
    return boxes
