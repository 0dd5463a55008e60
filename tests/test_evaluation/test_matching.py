"""COCO's rules of matching, one by one."""

import numpy as np

from df2mm.evaluation.groups import Groups
from df2mm.evaluation.matching import match

HALF = np.array([0.5, 0.75])


def one_group(similarities, ignored=None, outside=None, crowd=None, ids=None):
    """Match D detections, by falling score, with G items of one category."""
    similarities = np.array(similarities, float)
    found, items = similarities.shape
    groups = Groups(
        kept=np.arange(found), ranks=np.arange(found), images=np.zeros(found, int),
        first_detections=np.array([0]), num_detections=np.array([found]),
        first_items=np.array([0]), num_items=np.array([items]),
        items=np.arange(items), first_pairs=np.array([0]))
    return match(
        groups, similarities.ravel(),
        np.array(ignored or [False] * items).reshape(items, -1),
        np.array(outside or [False] * found).reshape(found, -1), HALF,
        np.array(crowd or [False] * items),
        np.arange(1, items + 1) if ids is None else np.array(ids))


def test_the_first_detection_chooses_first():
    # The second one fits better, but comes later and gets nothing.
    found = one_group([[0.6], [0.9]])
    assert found.right[:, 0].tolist() == [[True, False], [False, True]]
    assert found.wrong[:, 0].tolist() == [[False, True], [True, False]]
    assert found.items.tolist() == [[0, -1], [-1, 0]]


def test_the_threshold_itself_counts():
    assert one_group([[0.5]]).right[0, 0].tolist() == [True, False]


def test_a_threshold_of_one_is_a_little_less():
    groups_of_one = one_group([[1 - 1e-12]])
    assert groups_of_one.right[0, 0].all()


def test_of_equal_items_the_later_is_taken():
    found = one_group([[0.8, 0.8], [0.8, 0.4]])
    assert found.items[:, 0].tolist() == [1, 0]


def test_the_most_similar_free_item_is_taken():
    found = one_group([[0.6, 0.9, 0.8], [0.6, 0.9, 0.8], [0.6, 0.9, 0.8]])
    assert found.items[:, 0].tolist() == [1, 2, 0]


def test_an_item_that_counts_goes_before_an_ignored_one():
    found = one_group([[0.6, 0.9], [0.55, 0.9]], ignored=[False, True])
    assert found.items[:, 0].tolist() == [0, 1]
    assert found.right[:, 0, 0].tolist() == [True, False]
    assert found.wrong[:, 0, 0].tolist() == [False, False]
    # At 0.75 both want the ignored one, which takes one only.
    assert found.wrong[:, 0, 1].tolist() == [False, True]


def test_a_crowd_is_taken_again_and_again():
    found = one_group([[0.9], [0.8], [0.3]], ignored=[True], crowd=[True])
    assert found.items[:, 0].tolist() == [0, 0, -1]
    assert found.wrong[:, 0, 0].tolist() == [False, False, True]


def test_out_of_range_is_ignored_only_without_a_match():
    found = one_group([[0.9], [0.1]], outside=[True, True])
    assert found.right[:, 0, 0].tolist() == [True, False]
    assert not found.wrong.any()


def test_a_match_with_id_zero_is_wrong_but_takes_the_item():
    found = one_group([[0.9], [0.9]], ids=[0])
    assert not found.right.any()
    assert found.wrong[:, 0, 0].tolist() == [True, True]
    assert found.items[:, 0].tolist() == [0, -1]


def test_questions_do_not_disturb_each_other():
    similarities = [[0.6, 0.9], [0.7, 0.8]]
    both = one_group(similarities, ignored=[[False, True], [True, False]],
                     outside=[[False, True], [False, False]])
    for question in (0, 1):
        alone = one_group(
            similarities, ignored=[[False, True][question], [True, False][question]],
            outside=[[False, True][question], False])
        assert (both.right[:, question] == alone.right[:, 0]).all()
        assert (both.wrong[:, question] == alone.wrong[:, 0]).all()


def test_no_pairs():
    empty = np.zeros(0, int)
    groups = Groups(kept=np.arange(2), ranks=np.zeros(2, int), images=np.zeros(2, int),
                    first_detections=empty, num_detections=empty, first_items=empty,
                    num_items=empty, items=empty, first_pairs=empty)
    found = match(groups, np.zeros(0), np.zeros((0, 1), bool),
                  np.array([[False], [True]]), HALF, np.zeros(0, bool), empty)
    assert not found.right.any()
    assert found.wrong[:, 0, 0].tolist() == [True, False]
