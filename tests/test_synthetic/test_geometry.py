import numpy as np
import pytest

from df2mm.synthetic.geometry import (
    Ladder,
    apply_affine,
    at_fraction,
    bent_limb,
    catmull_rom,
    tube,
)


def test_catmull_rom_passes_through_its_knots():
    knots = np.array([[0, 0], [2, 1], [3, 5]], float)
    curve = catmull_rom(knots, num=4)
    assert curve.shape == (9, 2)
    np.testing.assert_allclose(curve[::4], knots)


def test_at_fraction_measures_along_the_line():
    # An L of lengths 3 and 1: half of it is 2 along the first leg.
    line = np.array([[0, 0], [3, 0], [3, 1]], float)
    np.testing.assert_allclose(
        at_fraction(line, [0, 0.5, 0.75, 1]), [[0, 0], [2, 0], [3, 0], [3, 1]]
    )


def test_tube_that_runs_down_has_its_left_edge_on_the_left():
    ladder = tube(np.array([[5, 0], [5, 1], [5, 2]], float), np.array([1, 2, 3.0]))
    np.testing.assert_allclose(ladder.left, [[4, 0], [3, 1], [2, 2]])
    np.testing.assert_allclose(ladder.right, [[6, 0], [7, 1], [8, 2]])


def test_bent_limb_keeps_its_ends_and_rounds_the_joint():
    line = bent_limb((0, 0), (0, 10), (10, 10), num=21)
    np.testing.assert_allclose(line[[0, -1]], [[0, 0], [10, 10]])
    assert np.hypot(*(line - (0, 10)).T).min() > 0.5


def test_ladder_coordinates_of_a_rectangle_are_linear():
    # 8 wide, 4 high, at (2, 1): the pixel of column 5, row 2 has its middle at
    # (5.5, 2.5), so u = 3.5 / 8 and v = 1.5 / 4.
    ladder = Ladder(
        np.array([[2, 1], [2, 3], [2, 5]], float),
        np.array([[10, 1], [10, 3], [10, 5]], float),
    )
    u, v = ladder.coordinates(0, 0, 12, 6)
    assert u[2, 5] == pytest.approx(3.5 / 8)
    assert v[2, 5] == pytest.approx(1.5 / 4)
    assert u[2, 2] == pytest.approx(0.5 / 8)
    assert v[4, 9] == pytest.approx(3.5 / 4)


def test_ladder_coordinates_follow_a_bend():
    # A quarter ring of radii 20 and 40 around (0, 0), from the right downwards.
    angle = np.linspace(0, np.pi / 2, 9)
    ray = np.stack([np.cos(angle), np.sin(angle)], -1)
    ladder = Ladder(20 * ray, 40 * ray)
    u, v = ladder.coordinates(0, 0, 45, 45)
    x = y = int(30 / np.sqrt(2))
    assert u[y, x] == pytest.approx(0.5, abs=0.03)
    assert v[y, x] == pytest.approx(0.5, abs=0.03)


def test_apply_affine():
    affine = np.array([[2, 0, 1], [0, 3, -1.0]])
    np.testing.assert_allclose(apply_affine(affine, [[1, 1]]), [[3, 2]])
