import numpy as np
import pytest

from df2mm.evaluation.oks import keypoint_variances, oks, oks_without_landmarks
from df2mm.metainfo import CATEGORIES, OKS_SIGMAS


def test_arithmetic():
    # Two labelled landmarks: one met exactly, one 3 pixels away.
    variances = np.array([0.01, 0.04, 0.09])
    found = np.array([[[10, 10], [20, 23], [500, 500]]])
    truth = np.array([[[10, 10], [20, 20], [0, 0]]])
    result = oks(found, truth, np.array([[2, 1, 0]]), np.array([900.0]), variances)
    assert result == pytest.approx([(1 + np.exp(-9 / (2 * 900 * 0.04))) / 2])


def test_variances_are_those_of_twice_the_sigmas():
    skirt = CATEGORIES[8]
    assert keypoint_variances(skirt.slice) == pytest.approx(
        [(2 * sigma)**2 for sigma in skirt.sigmas])
    assert len(keypoint_variances()) == len(OKS_SIGMAS) == 294


def test_points_are_compared_with_the_doubled_box():
    # The box 10..30 x 10..20, doubled, is -10..50 x 0..30.
    bbox, area = np.array([10.0, 10, 20, 10]), 200.0
    points = np.zeros((2, 294, 2))
    points[1, 0] = [56, 38]  # 6 and 8 beyond: 10 pixels
    inside, beyond = oks_without_landmarks(points, bbox, area)
    assert inside == 1
    assert beyond == pytest.approx(
        (293 + np.exp(-100 / (2 * 200 * (2 * OKS_SIGMAS[0])**2))) / 294)


def test_no_pairs():
    assert oks(np.zeros((0, 3, 2)), np.zeros((0, 3, 2)), np.zeros((0, 3)),
               np.zeros(0), np.ones(3)).shape == (0,)
