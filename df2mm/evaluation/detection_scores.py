"""Score boxes, masks or landmarks: the official figures, and those by subset."""

from dataclasses import dataclass

import numpy as np

from df2mm.evaluation.average_precision import (
    AT_50,
    AT_75,
    THRESHOLDS,
    Precision,
    mean_of_known,
    precision_of,
    recall_within,
)
from df2mm.evaluation.groups import Groups, group
from df2mm.evaluation.matching import Matches, match
from df2mm.evaluation.similarity import similarity
from df2mm.evaluation.subsets import LEVELS, check_levels_known
from df2mm.metainfo import CATEGORIES, NUM_CATEGORIES

#: Pixels squared; a garment of 96 x 96 is large.
AREA_RANGES = dict(all=(0, 1e10), small=(0, 32**2), medium=(32**2, 96**2),
                   large=(96**2, 1e10))
#: Of each image and category the best so many count.
MAX_DETECTIONS = dict(bbox=100, segm=100, keypoints=20)
#: COCO's names of the figures, in its order.
STATS = dict(
    bbox=('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs',
          'ARm', 'ARl'),
    keypoints=('AP', 'AP50', 'AP75', 'APm', 'APl', 'AR', 'AR50', 'AR75', 'ARm', 'ARl'))
STATS['segm'] = STATS['bbox']

@dataclass(frozen=True, eq=False)
class DetectionScores:
    """The scores of one task.

    Attributes:
        task (str): ``bbox``, ``segm`` or ``keypoints``.
        stats (list[float]): The official figures, named by ``STATS[task]``; -1 for
            what nothing is annotated for.
        categories (dict[str, dict]): ``AP``, ``AP50``, ``AP75`` and ``items`` of
            each category; AP is -1 without items.
        levels (dict[str, dict]): ``AP``, ``AP50``, ``AP75`` and ``items`` by the
            keys of ``LEVELS``; empty unless they were asked for.
        precision (Precision): The curves of all areas, then of the other area
            ranges, then of the levels.
        groups (Groups): What could match.
        matches (Matches): What did; the first question is all areas.
        similarities (np.ndarray): (P,) IoU or OKS.
    """

    task: str
    stats: list
    categories: dict
    levels: dict
    precision: Precision
    groups: Groups
    matches: Matches
    similarities: np.ndarray

    def __getitem__(self, name: str) -> float:
        """An official figure by COCO's name, such as ``AP75``."""
        return self.stats[STATS[self.task].index(name)]


def score_detections(task, truth, detections, subsets=False,
                     workers=None) -> DetectionScores:
    """Score detections as the official evaluator does.

    It is COCOeval with the 294 sigmas of DeepFashion2 and nothing else changed.
    What may surprise:

    - A wrong category never matches, however well the rest fits.
    - ``area`` of the ground truth is the box's in every task.
    - A detection's own area decides whether it is small, medium or large, and only
      where it matched nothing.
    - An item with ``num_keypoints`` 0 is ignored in scoring landmarks.
    - Equal scores count in the order of the images' ids, then of the file. Of items
      that are equally similar the later one is matched.
    - A category without items scores -1 and does not count in the mean. Items
      without any detection score 0.

    Args:
        task (str): ``bbox``, ``segm`` or ``keypoints``.
        truth (GroundTruth): With landmarks or masks, as the task wants.
        detections (Detections): The same.
        subsets (bool): Score by ``LEVELS`` too.
        workers (int, optional): Processes that compare masks. Defaults to the usable
            cores.

    Raises:
        ValueError: If a detection is of an unknown image, no item is annotated, or
            subsets are asked for and no item's levels are known.

    Source: pycocotools 2.0.11, cocoeval.py, as DeepFashion2's own copy has it.
    """
    if not truth.num_items:
        raise ValueError('expected ground truth with items, got none')
    if subsets:
        check_levels_known(truth.variations)
    positions = truth.positions_of(detections.image_ids, f'the {task} results')
    groups = group(truth, detections, positions, MAX_DETECTIONS[task])
    found, items = groups.pairs()
    similarities = similarity(
        task, truth, detections, groups.kept[found], items, workers)
    names, ignored, outside, counted = _questions(
        task, truth, detections.areas[groups.kept], groups.images, subsets)
    matches = match(groups, similarities, ignored, outside, THRESHOLDS, truth.crowd,
                    truth.ids)
    # Detections on images without an item of the level are not asked about.
    matches.wrong[~counted] = False
    labels = detections.labels[groups.kept]
    num_items = np.stack([np.bincount(truth.labels[~column], minlength=NUM_CATEGORIES)
                          for column in ignored.T])
    precision = precision_of(matches, detections.scores[groups.kept], labels, num_items)
    averages = [precision.average(v) for v in range(len(names))]
    return DetectionScores(
        task=task, precision=precision, groups=groups, matches=matches,
        similarities=similarities,
        stats=_stats(task, names, averages, matches, groups, labels, precision),
        categories={
            category.name: dict(
                precision.average(0, category.label),
                items=int(num_items[0, category.label])) for category in CATEGORIES},
        levels={level.key: dict(averages[names.index(level.key)],
                                items=int(num_items[names.index(level.key)].sum()))
                for level in (LEVELS if subsets else ())})


def _questions(task, truth, areas, images, subsets):
    """What is asked of the matching.

    Shapes: N items, D detections, V questions.

    Returns:
        tuple: V names; (N, V) bool, items to ignore; (D, V) bool, whose area is out
        of range; (D, V) bool, detections on an image that the question is about.
    """
    base = truth.crowd.copy()
    if task == 'keypoints':
        base |= truth.num_keypoints == 0
    names, ignored, outside, counted = [], [], [], []
    everywhere = np.ones(len(areas), bool)
    for name, (low, high) in AREA_RANGES.items():
        if (task, name) != ('keypoints', 'small'):
            names.append(name)
            ignored.append(base | (truth.areas < low) | (truth.areas > high))
            outside.append((areas < low) | (areas > high))
            counted.append(everywhere)
    for level in LEVELS if subsets else ():
        chosen = level.items(truth.variations)
        has_one = np.zeros(truth.num_images, bool)
        has_one[truth.images[chosen]] = True
        names.append(level.key)
        ignored.append(ignored[0] | ~chosen)
        outside.append(outside[0])
        counted.append(has_one[images])
    return names, *(np.stack(rows, axis=1) for rows in (ignored, outside, counted))


def _stats(task, names, averages, matches, groups, labels, precision):
    recall = precision.recall
    areas = [name for name in names if name in AREA_RANGES]
    by_area = [averages[names.index(name)]['AP'] for name in areas[1:]]
    recall_by_area = [mean_of_known(recall[names.index(name)]) for name in areas[1:]]
    best = list(averages[0].values())
    if task == 'keypoints':
        at_50, at_75 = (mean_of_known(recall[0, :, t]) for t in (AT_50, AT_75))
        return [*best, *by_area, mean_of_known(recall[0]), at_50, at_75,
                *recall_by_area]
    few = [mean_of_known(recall_within(
        matches, groups.ranks, labels, precision.num_items, 0, limit))
        for limit in (1, 10)]
    return [*best, *by_area, *few, mean_of_known(recall[0]), *recall_by_area]

