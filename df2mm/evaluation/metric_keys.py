"""Names of the scores, as logs, ``save_best`` and metrics.json have them."""

import numpy as np

from df2mm.evaluation.average_precision import PRECISION_NAMES
from df2mm.evaluation.detection_scores import STATS

#: What follows ``<task>_`` for COCO's names; mmengine's ``save_best`` knows by
#: ``mAP``, ``AR@`` and ``top`` that more is better.
_SUFFIXES = dict(AP='mAP', AP50='mAP_50', AP75='mAP_75', APs='mAP_s', APm='mAP_m',
                 APl='mAP_l')
_RECALLS = dict(AR1='AR@1', AR10='AR@10', AR100='AR@100', AR='AR@20')


def detection_metrics(name: str, scores, classwise: bool = False) -> dict:
    """The scores of boxes, masks or landmarks by key.

    Args:
        name (str): ``bbox``, ``segm``, ``keypoints`` or ``keypoints_vis``.
        scores (DetectionScores): The scores.
        classwise (bool): Also AP by category.

    Returns:
        dict[str, float]: Such as ``bbox_mAP``, ``bbox_mAP_50_scale_small``,
        ``bbox_mAP_vest_dress``.
    """
    suffixes = {**_SUFFIXES, **_RECALLS}
    metrics = {f'{name}_{suffixes[stat]}': value for stat, value in zip(
        STATS[scores.task], scores.stats, strict=True) if stat in suffixes}
    for level, values in scores.levels.items():
        metrics.update((f'{name}_{_SUFFIXES[stat]}_{level}', values[stat])
                       for stat in PRECISION_NAMES)
    if classwise:
        metrics.update((f'{name}_mAP_{category.replace(" ", "_")}', values['AP'])
                       for category, values in scores.categories.items())
    return metrics


def retrieval_metrics(scores, levels=None) -> dict:
    """Top-k accuracies by key.

    Args:
        scores (RetrievalScores): Of all query items.
        levels (dict[str, RetrievalScores], optional): By ``Level.key``.

    Returns:
        dict[str, float]: Such as ``retrieval_top1``, ``retrieval_top5_scale_small``;
        -1 for a level without query items.
    """
    metrics = {}
    for end, score in (('', scores), *((f'_{key}', score) for key, score in (
            levels or {}).items())):
        accuracies = np.nan_to_num(score.accuracies, nan=-1).tolist()
        metrics.update((f'retrieval_top{k}{end}', value)
                       for k, value in zip(score.ks, accuracies, strict=True))
    return metrics
