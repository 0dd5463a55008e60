"""Suppression and overlap of axis-aligned boxes, as ``mmcv._ext`` does them."""

import numpy as np
import torch

from .native import torchvision_operators
from .precision import working


def nms(boxes, scores, iou_threshold, offset=0):
    """Greedy suppression: a box goes when its IoU with a kept one is above.

    Equal scores keep the order of the input (torchvision sorts stably; the
    compiled operator's sort gives no such promise).

    Args:
        boxes (Tensor): (N, 4) xyxy, pixels.
        scores (Tensor): (N,).
        iou_threshold (float): boxes overlapping by more than this go.
        offset (int): 0, or 1 where x2 and y2 are the last pixel inside.

    Returns:
        Tensor: (K,) int64, the kept indices by falling score.
    """
    if boxes.numel() == 0:
        return boxes.new_empty(0, dtype=torch.long)
    boxes, scores = working(boxes.detach(), scores.detach())
    if offset:
        boxes = torch.cat((boxes[:, :2], boxes[:, 2:] + offset), dim=1)
    # In the boxes' own type: against a double, float32 boxes at exactly the
    # threshold fall on the other side than in the compiled operator.
    threshold = float(torch.tensor(iou_threshold, dtype=boxes.dtype))
    return torchvision_operators().nms(boxes.contiguous(), scores.contiguous(),
                                     threshold)


def softnms(boxes, scores, dets, iou_threshold, sigma, min_score, method,
            offset=0):
    """Lower the scores of overlapping boxes and drop those under a minimum.

    Args:
        boxes (Tensor): (N, 4) xyxy on the CPU.
        scores (Tensor): (N,) on the CPU.
        dets (Tensor): (N, 5), its first K rows are filled with box and score.
        iou_threshold (float): for method 0 and 1.
        sigma (float): for method 2.
        min_score (float): boxes whose lowered score is under this go.
        method (int): 0 naive, 1 linear, 2 gaussian.
        offset (int): as in :func:`nms`.

    Returns:
        Tensor: (K,) int64 indices in order of selection.
    """
    if boxes.numel() == 0:
        return boxes.new_empty(0, dtype=torch.long)
    boxes, scores = working(boxes.detach(), scores.detach())
    rows = torch.cat((boxes, scores[:, None]), dim=1).numpy().copy()
    areas = _areas(rows, offset)
    inds = np.arange(len(rows))
    i = 0
    while i < len(rows):
        # The swaps below are those of the compiled operator, so that equal
        # scores come out in its order too.
        best = i + int(rows[i:, 4].argmax())
        for array in (rows, areas, inds):
            array[[i, best]] = array[[best, i]]
        overlaps = _overlaps(rows[i], areas[i], rows[i + 1:], areas[i + 1:],
                             offset)
        rows[i + 1:, 4] *= _soft_weights(overlaps, method,
                                         rows.dtype.type(iou_threshold), sigma)
        order = _fill_holes(rows[:, 4] >= rows.dtype.type(min_score), i + 1)
        rows, areas, inds = rows[order], areas[order], inds[order]
        i += 1
    dets[:len(rows)] = torch.from_numpy(rows).to(dets)
    return torch.from_numpy(inds)


def nms_match(dets, iou_threshold):
    """Greedy suppression that tells which box took which.

    Args:
        dets (Tensor): (N, 5) xyxy and score, on the CPU.
        iou_threshold (float): boxes overlapping by at least this are taken.

    Returns:
        list[list[int]]: a group for each kept box: its index first, then the
        indices it took, by falling score.
    """
    dets, = working(dets.detach())
    rows = dets.numpy()
    areas = _areas(rows, 0)
    order = torch.sort(dets[:, 4], descending=True, stable=True)[1].numpy()
    groups = []
    while len(order):
        first, rest = order[0], order[1:]
        overlaps = _overlaps(rows[first], areas[first], rows[rest],
                             areas[rest], 0)
        taken = overlaps >= rows.dtype.type(iou_threshold)
        groups.append([int(first), *rest[taken].tolist()])
        order = rest[~taken]
    return groups


def bbox_overlaps(bboxes1, bboxes2, ious, mode, aligned, offset):
    """Fill ``ious`` with the overlap of every pair, or of equal rows.

    Args:
        bboxes1 (Tensor): (M, 4) xyxy.
        bboxes2 (Tensor): (N, 4) xyxy.
        ious (Tensor): (M, N), or (M,) when ``aligned``. Written in place.
        mode (int): 0 over the union, 1 over the area of the first.
        aligned (bool): compare row by row (M equals N).
        offset (int): as in :func:`nms`.
    """
    first, second = working(bboxes1, bboxes2)
    area1 = (first[:, 2:] - first[:, :2] + offset).prod(-1)
    area2 = (second[:, 2:] - second[:, :2] + offset).prod(-1)
    if not aligned:
        first, area1 = first[:, None], area1[:, None]
    sides = (torch.minimum(first[..., 2:], second[..., 2:])
             - torch.maximum(first[..., :2], second[..., :2]) + offset)
    overlap = sides.clamp(min=0).prod(-1)
    ious.copy_(overlap / (area1 + area2 - overlap if mode == 0 else area1))


def _areas(rows, offset):
    return (rows[:, 2] - rows[:, 0] + offset) * (
        rows[:, 3] - rows[:, 1] + offset)


def _overlaps(row, area, rows, areas, offset):
    width = (np.minimum(row[2], rows[:, 2])
             - np.maximum(row[0], rows[:, 0]) + offset).clip(min=0)
    height = (np.minimum(row[3], rows[:, 3])
              - np.maximum(row[1], rows[:, 1]) + offset).clip(min=0)
    inter = width * height
    # Two boxes without area give 0/0: not a number, and never suppressed.
    with np.errstate(invalid='ignore', divide='ignore'):
        return inter / (area + areas - inter)


def _soft_weights(overlaps, method, iou_threshold, sigma):
    if method == 2:
        return np.exp(-(overlaps * overlaps) / overlaps.dtype.type(sigma))
    above = overlaps >= iou_threshold
    return np.where(above, 1 - overlaps if method == 1 else 0,
                    1).astype(overlaps.dtype)


def _fill_holes(keep, start):
    """The rows to keep, each hole after ``start`` filled with the last row."""
    keep = keep.copy()
    keep[:start] = True
    count = int(keep.sum())
    order = np.arange(count)
    order[~keep[:count]] = np.flatnonzero(keep[count:])[::-1] + count
    return order
