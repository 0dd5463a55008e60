"""Retrieval accuracy the way the official script goes about it.

A plain rewriting of its logic, for the script itself does not run: it scans all
gallery items for each query item and compares rank by rank, anew for each k. A
reference for the tests, and the incumbent in retrieval.py beside this file.
"""

import numpy as np
from pycocotools import mask as mask_api

KS = (1, 5, 10, 15, 20)


def official_retrieval(query_gt, gallery_gt, results, ks=KS):
    """Score a retrieval results file.

    Args:
        query_gt (list[dict]): As in ``val_query.json``.
        gallery_gt (list[dict]): As in ``val_gallery.json``.
        results (list[dict]): ``query_image_id``, ``query_bbox``, ``query_cls``,
            ``query_score``, ``gallery_image_id`` and ``gallery_bbox``; boxes xyxy.
        ks (Sequence[int]): Not more than the results' lists are long.

    Returns:
        tuple[list[int], int, int]: Query items with a right box within the first k,
        for each k; query items of style > 0; how many of them are missed.

    Raises:
        AssertionError: If an image with results holds two pair_ids, or a query item
            that is represented has no gallery item.
        IndexError: If a list of a result is shorter than the largest k.
    """
    query_images = np.array([item['query_image_id'] for item in query_gt])
    query_boxes = np.array([_xywh(item['bbox']) for item in query_gt])
    query_classes = np.array([item['cls'] for item in query_gt])
    query_pairs = np.array([item['pair_id'] for item in query_gt])
    query_styles = np.array([item['style'] for item in query_gt])
    gallery = (
        np.array([item['gallery_image_id'] for item in gallery_gt]),
        np.array([_xywh(item['bbox']) for item in gallery_gt]),
        np.array([item['pair_id'] for item in gallery_gt]),
        np.array([item['style'] for item in gallery_gt]))
    results_of = {}
    for result in results:
        results_of.setdefault(result['query_image_id'], []).append(result)
    hits, missed = [0] * len(ks), 0
    for image_id in np.unique(query_images):
        items = np.where(query_images == image_id)[0]
        found = results_of.get(image_id, [])
        if not found:
            missed += int((query_styles[items] > 0).sum())
            continue
        pair_ids = set(query_pairs[items].tolist())
        assert len(pair_ids) == 1, f'image {image_id} has pair_ids {pair_ids}'
        for item, result in zip(items, _stand_ins(
                query_boxes[items], query_classes[items], found), strict=True):
            if query_styles[item] == 0:
                continue
            if result is None:
                missed += 1
                continue
            for number, right in enumerate(_right_within(
                    query_pairs[item], query_styles[item], gallery, result, ks)):
                hits[number] += right
    return hits, int((query_styles > 0).sum()), missed


def _stand_ins(boxes, classes, found):
    """The result that stands for each item of an image, or None."""
    ious = mask_api.iou(
        np.array([_xywh(result['query_bbox']) for result in found]), boxes,
        [0] * len(boxes))
    assigned = ious.argmax(axis=1)
    stand_ins = []
    for item, cls in enumerate(classes):
        best = None
        for result, owner in zip(found, assigned, strict=True):
            if owner == item and result['query_cls'] == cls and (
                    best is None or result['query_score'] > best['query_score']):
                best = result
        stand_ins.append(best)
    return stand_ins


def _right_within(pair_id, style, gallery, result, ks):
    """For each k, whether a right box is among the first k."""
    images, boxes, pairs, styles = gallery
    partners = np.where((pairs == pair_id) & (styles == style))[0]
    assert len(partners), f'pair_id {pair_id}, style {style} is not in the gallery'
    for k in ks:
        right = False
        for rank in range(k):
            overlap = mask_api.iou(
                np.array([_xywh(result['gallery_bbox'][rank])]), boxes[partners],
                [0] * len(partners))[0] >= 0.5
            same = images[partners] == result['gallery_image_id'][rank]
            if (overlap & same).any():
                right = True
                break
        yield right


def _xywh(box):
    x1, y1, x2, y2 = box
    return [float(x1), float(y1), float(x2) - x1, float(y2) - y1]
