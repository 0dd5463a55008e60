import numpy as np

from df2mm.synthetic.painting import Canvas


def square(x0, y0, x1, y1):
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)


def make_canvas():
    return Canvas(np.full((40, 40, 3), 0.5, np.float32), unit=20.0)


def test_a_polygon_covers_its_pixels_and_owns_them():
    canvas = make_canvas()
    canvas.fill([square(10, 10, 20, 30)], (1, 0, 0), item=0, piece='body', edge=0)
    np.testing.assert_allclose(canvas.image[15, 15], (1, 0, 0), atol=1e-6)
    np.testing.assert_allclose(canvas.image[5, 5], 0.5)
    mask = canvas.item_mask(0)
    # Edges are inclusive of the pixels they run through.
    assert 10 * 20 <= mask.sum() <= 12 * 22
    assert mask[20, 15]
    assert not mask[20, 25]


def test_what_is_painted_later_takes_the_pixels_and_hides_landmarks():
    canvas = make_canvas()
    canvas.fill([square(5, 5, 35, 35)], (1, 0, 0), item=0, piece='body')
    assert canvas.visible(np.array([20.0, 20.0]), 0, frozenset({'body'}))
    canvas.fill([square(15, 15, 25, 25)], (0, 1, 0))
    assert not canvas.visible(np.array([20.0, 20.0]), 0, frozenset({'body'}))
    assert canvas.visible(np.array([10.0, 10.0]), 0, frozenset({'body'}))
    assert not canvas.visible(np.array([10.0, 10.0]), 0, frozenset({'sleeve1'}))
    assert not canvas.item_mask(0)[20, 20]


def test_off_the_canvas_nothing_happens():
    canvas = make_canvas()
    before = canvas.image.copy()
    assert canvas.fill([square(100, 100, 120, 120)], (1, 0, 0), item=0) is None
    np.testing.assert_array_equal(canvas.image, before)
    assert not canvas.item_mask(0).any()


def test_a_shadow_darkens_figures_and_not_the_wall():
    canvas = make_canvas()
    canvas.fill([square(0, 0, 20, 40)], (0.8, 0.8, 0.8), edge=0)
    before = canvas.image.copy()
    canvas.fill([square(5, 10, 30, 16)], (0, 0, 0), shadow=0.5, edge=0)
    below = np.s_[18, 10]
    beside = np.s_[18, 27]
    assert canvas.image[below][0] < before[below][0] - 0.02
    np.testing.assert_array_equal(canvas.image[beside], before[beside])
