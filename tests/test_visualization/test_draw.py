import numpy as np
import pytest

from df2mm.metainfo import CATEGORIES, NUM_KEYPOINTS
from df2mm.visualization import draw_items, strokes
from df2mm.visualization.draw import visible_from_scores
from df2mm.visualization.labels import font, place_plate, shorten, text_color

SKIRT = 8  # label; landmarks 182..189, colour (64, 128, 128)
GRAY = 200


def gray_image(height=600, width=600):
    return np.full((height, width, 3), GRAY, np.uint8)


def skirt_keypoints(**points):
    """(1, 294, 2) and (1, 294) of a skirt; p1=(x, y, v) is landmark 1."""
    keypoints = np.zeros((1, NUM_KEYPOINTS, 2))
    visible = np.zeros((1, NUM_KEYPOINTS))
    for name, (x, y, v) in points.items():
        k = CATEGORIES[SKIRT].start + int(name[1:]) - 1
        keypoints[0, k], visible[0, k] = (x, y), v
    return keypoints, visible


def draw_skirt(image=None, bbox=(0, 0, 600, 600), **points):
    return draw_items(gray_image() if image is None else image, [bbox], [SKIRT], None,
                      *skirt_keypoints(**points), boxes=False, names=False)


def is_color(pixel, label=SKIRT):
    return np.abs(pixel.astype(int) - CATEGORIES[label].color).max() <= 3


def test_visible_dot_is_filled_and_has_a_light_edge():
    drawn = draw_skirt(p1=(300.5, 200.5, 2))
    # Radius 3.8 px at 600 px, then a white ring of 1 px.
    assert is_color(drawn[200, 300]) and is_color(drawn[200, 303])
    assert drawn[200, 304:307].min(-1).max() > GRAY
    assert (drawn[200, 307] == GRAY).all()


def test_occluded_dot_is_hollow():
    drawn = draw_skirt(p1=(300.5, 200.5, 1))
    assert (drawn[200, 300] == 255).all()
    assert is_color(drawn[200, 303])
    assert not is_color(drawn[200, 300])


def test_unlabelled_landmark_is_not_drawn():
    assert (draw_skirt(p1=(300, 200, 0)) == GRAY).all()


def test_only_the_slice_of_the_category_is_drawn():
    keypoints = np.full((1, NUM_KEYPOINTS, 2), 300.0)
    visible = np.full((1, NUM_KEYPOINTS), 2)
    visible[0, CATEGORIES[SKIRT].slice] = 0
    drawn = draw_items(gray_image(), [[0, 0, 600, 600]], [SKIRT], None, keypoints,
                       visible, boxes=False, names=False)
    assert (drawn == GRAY).all()


def line_pixels(drawn):
    """Which of the pixels between x = 220 and 380 on row 300 have the colour."""
    return np.array([is_color(pixel) for pixel in drawn[300, 220:380]])


def test_skeleton_line_is_solid_between_visible_landmarks():
    # 1 and 2 are neighbours on the skirt's waist.
    assert line_pixels(draw_skirt(p1=(200, 300.5, 2), p2=(400, 300.5, 2))).all()


def test_skeleton_line_is_dashed_and_thinner_where_an_end_is_occluded():
    solid = draw_skirt(p1=(200, 300.5, 2), p2=(400, 300.5, 2))
    dashed = draw_skirt(p1=(200, 300.5, 2), p2=(400, 300.5, 1))
    on = line_pixels(dashed)
    # Dashes of 5 px every 11 px or so: 160 px hold 13 to 16 of them.
    assert 13 <= np.count_nonzero(np.diff(on.astype(int)) == 1) <= 16
    assert 0.3 < on.mean() < 0.75
    x = 220 + np.flatnonzero(on)[3]
    # Red goes from 255 on the halo to 64 on the line: 2 px and 1.3 px of it.
    solid, dashed = ((255 - drawn[298:303, x, 0].astype(float)).sum() / (255 - 64)
                     for drawn in (solid, dashed))
    assert 1.8 < solid < 2.8 and dashed < solid - 0.4


def test_no_skeleton_line_where_an_end_is_not_labelled():
    drawn = draw_skirt(p1=(200, 300, 2), p2=(400, 300, 0))
    assert (drawn[:, 220:] == GRAY).all()


def test_keypoints_without_visibility_count_as_visible():
    keypoints = np.zeros((1, NUM_KEYPOINTS, 2))
    keypoints[:, CATEGORIES[SKIRT].slice] = 300.5, 200.5
    drawn = draw_items(gray_image(), [[0, 0, 600, 600]], [SKIRT], None, keypoints,
                       boxes=False, names=False)
    assert is_color(drawn[200, 300])


def test_box_border_lies_inside_the_box():
    drawn = draw_items(gray_image(), [[100, 50, 300, 400]], [0], names=False)
    color = CATEGORIES[0].color
    # 2 px at 600 px.
    for y, x in ((50, 100), (51, 200), (399, 299), (398, 200), (200, 101), (200, 298)):
        assert tuple(drawn[y, x]) == color
    for y, x in ((49, 100), (52, 200), (400, 299), (200, 99), (200, 102), (200, 300)):
        assert (drawn[y, x] == GRAY).all()


@pytest.mark.parametrize('form', ['polygons', 'bitmap'])
def test_mask_is_tinted_and_outlined(form):
    if form == 'polygons':
        masks = [[np.array([[100, 100], [300, 100], [300, 300], [100, 300]])]]
    else:
        masks = np.zeros((1, 600, 600), bool)
        masks[0, 100:300, 100:300] = True
    drawn = draw_items(gray_image(), [[100, 100, 300, 300]], [0], masks, boxes=False,
                       names=False)
    color = np.array(CATEGORIES[0].color)
    # 0.35 of the colour over 0.65 of the picture.
    assert np.abs(drawn[200, 200] - (0.65 * GRAY + 0.35 * color)).max() <= 1
    assert (drawn[200, 90] == GRAY).all() and (drawn[200, 310] == GRAY).all()
    edge = drawn[200, 97:104].astype(int)
    assert np.abs(edge - color).max(-1).min() < 40


def test_mask_of_two_polygons_is_their_union():
    square = np.array([[100, 100], [300, 100], [300, 300], [100, 300]])
    covered = strokes.coverage([square, square + 100], 600, 600)
    assert covered[250, 250] == covered[150, 150] == covered[350, 350] == 255
    assert covered[150, 350] == 0


def test_bitmap_hole_is_outlined():
    bitmap = np.zeros((50, 50), bool)
    bitmap[10:40, 10:40] = True
    bitmap[20:30, 20:30] = False
    assert len(strokes.outlines(bitmap)) == 2


def test_nothing_to_draw():
    image = gray_image(40, 30)
    drawn = draw_items(image, np.zeros((0, 4)), [], [], np.zeros((0, 294, 2)),
                       np.zeros((0, 294)), [])
    assert (drawn == image).all() and drawn is not image
    assert (draw_items(image, [], []) == image).all()


def test_inputs_stay_as_they_were():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (200, 150, 3), dtype=np.uint8)
    bboxes = np.array([[10.0, 20, 100, 180]])
    masks = [[np.array([[10.0, 20], [100, 20], [60, 180]])]]
    keypoints, visible = skirt_keypoints(p1=(20, 30, 2), p2=(60, 30, 1))
    given = [image, bboxes, masks[0][0], keypoints, visible]
    before = [array.copy() for array in given]
    for array in given:
        array.setflags(write=False)
    drawn = draw_items(image, bboxes, [SKIRT], masks, keypoints, visible, [0.5])
    assert (drawn != image).any()
    for array, copy in zip(given, before, strict=True):
        assert (array == copy).all()


def test_finer_canvas_leaves_what_is_not_drawn_on():
    rng = np.random.default_rng(0)
    for zoom in (1, 2, 3, 7, 16):
        canvas = rng.integers(0, 256, (31, 47, 3), dtype=np.uint8)
        before = canvas.copy()
        with strokes.finer(canvas, zoom) as (_, used):
            assert used == zoom
        assert (canvas == before).all()


@pytest.mark.parametrize('side', [120, 200, 4000])
def test_label_lies_inside_the_image(side):
    # The box's top edge is the image's: the plate has no room above it.
    bbox = np.array([0.6, 0, 1, 0.5]) * side
    drawn = draw_items(np.zeros((side, side, 3), np.uint8), [bbox], [2], scores=[0.87],
                       boxes=False)
    y, x = np.nonzero(drawn.any(-1))
    assert drawn.shape == (side, side, 3)
    # Letters grow with the image, and the plate is as wide as its letters.
    assert np.ptp(y) + 1 >= max(0.02 * side, 12)
    assert np.ptp(x) + 1 >= min(side, 100)


def test_labels_do_not_cover_each_other():
    placed = []
    for _ in range(6):
        plate = place_plate([50, 40, 250, 300], (120, 20), placed, (400, 400))
        x, y, width, height = plate
        assert 0 <= x <= 400 - width and 0 <= y <= 400 - height
        for other in placed:
            assert (x + width <= other[0] or other[0] + other[2] <= x
                    or y + height <= other[1] or other[1] + other[3] <= y)
        placed.append(plate)
    assert placed[0] == (50, 20, 120, 20)  # on the box's top edge


def test_label_text_reads_on_its_ground():
    assert text_color((0, 0, 128)) == (255, 255, 255)
    assert text_color((255, 240, 120)) == (20, 20, 20)


def test_long_text_is_cut():
    face = font(14)
    cut = shorten('short sleeve outwear 0.87', 80, face)
    assert cut.endswith('…') and face.getlength(cut) <= 80
    assert shorten('skirt', 80, face) == 'skirt'


def test_dashes_begin_and_end_with_a_full_dash():
    # 26 = dash 4 + 2 * (gap 7 + dash 4).
    pieces = strokes.dashes((0, 5), (26, 5), 4, 7)
    assert [(a[0], b[0]) for a, b in pieces] == [(0, 4), (11, 15), (22, 26)]
    assert len(strokes.dashes((0, 0), (9, 0), 4, 7)) == 1
    assert len(strokes.dashes((3, 3), (3, 3), 4, 7)) == 1


def test_far_away_coordinates_draw_nothing_and_do_not_fail():
    keypoints, visible = skirt_keypoints(p1=(1e12, -1e12, 2))
    drawn = draw_items(gray_image(), [[-1e12, -1e12, -1e11, 1e12]], [SKIRT],
                       [[np.array([[1e12, 0], [1e12, 9], [2e12, 3]])]], keypoints,
                       visible, names=False)
    assert (drawn == GRAY).all()


def test_box_without_area():
    drawn = draw_items(gray_image(), [[100, 100, 100, 100]], [0], scores=[0.5])
    assert tuple(drawn[100, 100]) == CATEGORIES[0].color


@pytest.mark.parametrize(('change', 'error', 'message'), [
    (dict(image=np.zeros((9, 9, 3))), TypeError, 'image must be uint8, got float64'),
    (dict(image=np.zeros((9, 9), np.uint8)), ValueError, r'\(H, W, 3\) .*got \(9, 9\)'),
    (dict(image=np.zeros((0, 9, 3), np.uint8)), ValueError, r'got \(0, 9, 3\)'),
    (dict(bboxes=[[0, 0, 9]]), ValueError,
     r'bboxes must have shape \(1, 4\), got \(1, 3\)'),
    (dict(bboxes=[]), ValueError, r'bboxes must have shape \(1, 4\), got \(0,\)'),
    (dict(bboxes=[[0, 0, np.nan, 9]]), ValueError, 'bboxes must be finite'),
    (dict(labels=[[8]]), ValueError, r'labels must have shape \(N,\), got \(1, 1\)'),
    (dict(labels=[13]), ValueError, 'labels must be in 0..12, got 13. A label is'),
    (dict(scores=[0.5, 0.6]), ValueError,
     r'scores must have shape \(1,\), got \(2,\)'),
    (dict(masks=np.zeros((1, 8, 9), bool)), ValueError,
     r'masks must have shape \(1, 9, 9\), got \(1, 8, 9\)'),
    (dict(masks=[]), ValueError, 'polygons of 1 items, got 0'),
    (dict(masks=[[[[1, 2], [3, 4]]]]), ValueError, r'P >= 3, got \(2, 2\) in item 0'),
    (dict(masks=[[[[1, 2], [3, np.inf], [5, 6]]]]), ValueError,
     'polygons of item 0 must be finite'),
    (dict(keypoints=np.zeros((1, 17, 2))), ValueError,
     r'keypoints must have shape \(1, 294, 2\), got \(1, 17, 2\)'),
    (dict(keypoints=np.full((1, 294, 2), np.nan)), ValueError,
     'must be finite where keypoints_visible is not 0, .* item 0'),
    (dict(keypoints=np.zeros((1, 294, 2)), keypoints_visible=np.zeros((1, 8))),
     ValueError, r'keypoints_visible must have shape \(1, 294\), got \(1, 8\)'),
    (dict(keypoints=np.zeros((1, 294, 2)), keypoints_visible=np.full((1, 294), 3)),
     ValueError, 'keypoints_visible must be 0, 1 or 2, got 3'),
    (dict(colors=[1, 2, 3]), ValueError,
     r'colors must have shape \(1, 3\), got \(3,\)'),
])
def test_bad_input(change, error, message):
    given = dict(image=np.zeros((9, 9, 3), np.uint8), bboxes=[[0, 0, 9, 9]],
                 labels=[SKIRT])
    with pytest.raises(error, match=message):
        draw_items(**{**given, **change})


def test_a_tiny_picture_has_no_names():
    """Plates of legible letters would cover what it shows."""
    for height, width, named in ((99, 200, False), (200, 99, False), (100, 100, True)):
        image = gray_image(height, width)
        plain = draw_items(image, [[5, 5, 60, 60]], [SKIRT], names=False)
        drawn = draw_items(image, [[5, 5, 60, 60]], [SKIRT])
        assert (drawn != plain).any() == named


def test_landmarks_of_low_scores_are_not_drawn():
    scores = np.zeros((1, NUM_KEYPOINTS))
    scores[0, :3] = 0.29, 0.3, 0.9
    assert visible_from_scores(scores, 0.3)[0, :4].tolist() == [0, 2, 2, 0]
