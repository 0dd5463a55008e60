"""COCO's average precision of boxes and masks, for all categories and each."""

from contextlib import redirect_stdout
from io import StringIO

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from df2mm.metainfo import CATEGORIES

#: Where COCOeval's thresholds 0.5 and 0.75 stand among 0.5, 0.55 ... 0.95.
_AT_50, _AT_75 = 0, 5


def average_precision(ann_file, results, iou_type: str) -> dict:
    """Score detections as COCO does.

    Args:
        ann_file (str | Path): COCO file of the ground truth.
        results (list[dict]): COCO results: ``image_id``, ``category_id``,
            ``score`` and ``bbox`` [x, y, w, h] or ``segmentation`` as RLE.
        iou_type (str): ``bbox`` or ``segm``.

    Returns:
        dict[str, dict]: ``all`` and each category's name to ``AP``, ``AP50``,
        ``AP75`` and ``items``, the number of items annotated. A category without
        items scores NaN and does not count in ``all``; no results at all score 0.

    Raises:
        ValueError: If ``iou_type`` is another.

    Source: COCOeval of pycocotools: all areas, at most 100 detections an image.
    """
    if iou_type not in ('bbox', 'segm'):
        raise ValueError(f"iou_type must be 'bbox' or 'segm', got {iou_type!r}")
    with redirect_stdout(StringIO()):  # pycocotools prints its progress
        truth = COCO(str(ann_file))
        precision = (_precision(truth, results, iou_type) if results
                     else np.zeros((10, 101, len(CATEGORIES))))
    items = [len(truth.getAnnIds(catIds=[c.id], iscrowd=False)) for c in CATEGORIES]
    precision[..., np.array(items) == 0] = np.nan
    scores = dict(all=_scores(precision, sum(items)))
    for i, category in enumerate(CATEGORIES):
        scores[category.name] = _scores(precision[..., i:i + 1], items[i])
    return scores


def _precision(truth, results, iou_type):
    """(thresholds, recalls, categories) float: COCOeval's precision."""
    evaluation = COCOeval(truth, truth.loadRes(list(results)), iou_type)
    evaluation.params.catIds = [category.id for category in CATEGORIES]
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation.eval['precision'][..., 0, -1].astype(float)


def _scores(precision, items):
    def mean(values):
        values = values[~np.isnan(values)]
        return float(values.mean()) if values.size else float('nan')

    return dict(AP=mean(precision), AP50=mean(precision[_AT_50]),
                AP75=mean(precision[_AT_75]), items=items)
