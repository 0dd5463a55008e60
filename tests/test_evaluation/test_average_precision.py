import numpy as np
import pytest

from df2mm.evaluation.average_precision import precision_of, recall_within
from df2mm.evaluation.matching import Matches


def scored(right, wrong, scores, num_items, labels=None):
    """One question, the same at all ten thresholds; figures of category 0."""
    right, wrong = (np.tile(np.array(x, bool)[:, None, None], (1, 1, 10))
                    for x in (right, wrong))
    counts = np.zeros((1, 13), int)
    counts[0, 0] = num_items
    labels = np.zeros(len(right), int) if labels is None else np.array(labels)
    return precision_of(Matches(right, wrong, None), np.array(scores), labels, counts)


def test_precision_at_the_101_recalls():
    # Right, wrong, right of 4 items: 1/1 up to recall 1/4, 2/3 up to 2/4, then 0.
    found = scored([1, 0, 1], [0, 1, 0], [0.9, 0.8, 0.7], 4)
    assert found.precision[0, 0, 0] == pytest.approx([1] * 26 + [2 / 3] * 25 + [0] * 50)
    assert found.recall[0, 0, 0] == 0.5
    assert (found.precision[0, 1:] == -1).all()


def test_precision_never_rises_with_recall():
    # 0/1, 1/2, 2/3: the envelope is 2/3 everywhere.
    found = scored([0, 1, 1], [1, 0, 0], [0.9, 0.8, 0.7], 2)
    assert found.precision[0, 0, 0] == pytest.approx([2 / 3] * 101)


def test_what_is_ignored_changes_nothing():
    with_ignored = scored([0, 1, 0, 1], [0, 0, 0, 0], [0.9, 0.8, 0.7, 0.6], 2)
    assert with_ignored.precision[0, 0, 0] == pytest.approx([1] * 101)


def test_equal_scores_keep_their_order():
    first = scored([1, 0], [0, 1], [0.5, 0.5], 1)
    last = scored([0, 1], [1, 0], [0.5, 0.5], 1)
    assert first.precision[0, 0, 0].mean() == pytest.approx(1)
    assert last.precision[0, 0, 0].mean() == pytest.approx(0.5)


def test_items_without_detections_score_zero():
    found = scored([], [], [], 3)
    assert (found.precision[0, 0] == 0).all()
    assert found.average(0) == dict(AP=0, AP50=0, AP75=0)


def test_nothing_annotated_scores_minus_one():
    assert scored([0], [1], [0.5], 0).average(0) == dict(AP=-1, AP50=-1, AP75=-1)


def test_recall_with_fewer_detections():
    matches = Matches(np.array([1, 1, 1], bool)[:, None, None], None, None)
    counts = np.zeros((1, 13), int)
    counts[0, 2] = 4
    recall = recall_within(matches, np.array([0, 1, 0]), np.array([2, 2, 2]), counts,
                           question=0, limit=1)
    assert recall[2].tolist() == [2 / 4]
    assert (np.delete(recall, 2, 0) == -1).all()
