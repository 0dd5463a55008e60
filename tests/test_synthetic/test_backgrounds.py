import numpy as np
import pytest

from df2mm.synthetic.backgrounds import (
    CLUTTERED_SCENES,
    STUDIO_SCENES,
    cluttered_background,
    studio_background,
)
from df2mm.synthetic.stage import Stage

_SCENES = [(cluttered_background, scene) for scene in CLUTTERED_SCENES]
_SCENES += [(studio_background, scene) for scene in STUDIO_SCENES]


@pytest.mark.parametrize(('draw', 'scene'), _SCENES)
def test_every_scene_at_odd_sizes(draw, scene):
    for seed, (height, width) in enumerate(
        [(1, 1), (7, 300), (300, 7), (101, 77), (156, 117), (117, 156)]
    ):
        image = draw(np.random.default_rng(seed), height, width, scene)
        assert image.shape == (height, width, 3)
        assert image.dtype == np.float32
        assert np.isfinite(image).all()
        assert image.min() >= 0 and image.max() <= 1


def test_users_are_cluttered_and_shops_are_not():
    busy = []
    for draw in (cluttered_background, studio_background):
        edges = []
        for seed in range(30):
            image = draw(np.random.default_rng(seed), 156, 117).mean(2)
            # Edges of things, not grain: over eight pixels.
            coarse = image[:152, :112].reshape(19, 8, 14, 8).mean((1, 3))
            edges.append(np.abs(np.diff(coarse, axis=1)).mean())
        busy.append(np.median(edges))
    assert busy[0] > 2 * busy[1]


def test_scenes_differ_from_seed_to_seed():
    images = [
        cluttered_background(np.random.default_rng(seed), 60, 40, 'room')
        for seed in range(4)
    ]
    for number, image in enumerate(images[1:]):
        assert np.abs(image - images[number]).mean() > 0.02


@pytest.mark.parametrize(
    ('draw', 'kind', 'scenes'),
    [
        (cluttered_background, 'flat', {'surface'}),
        (studio_background, 'flat', {'tabletop', 'plain', 'gradient'}),
        (cluttered_background, 'hung', {'room', 'street', 'shop', 'surface'}),
        (cluttered_background, 'worn', set(CLUTTERED_SCENES) - {'surface'}),
        (studio_background, 'worn', set(STUDIO_SCENES) - {'tabletop'}),
    ],
)
def test_each_kind_draws_only_its_own_scenes(draw, kind, scenes):
    own = CLUTTERED_SCENES if draw is cluttered_background else STUDIO_SCENES
    drawn = set()
    for seed in range(25):
        got = draw(np.random.default_rng(seed), 12, 9, kind=kind)
        found = set()
        for scene in own:
            rng = np.random.default_rng(seed)
            # The draw among scenes takes one number.
            rng.random()
            if np.array_equal(got, draw(rng, 12, 9, scene)):
                found.add(scene)
        assert found, f'seed {seed} drew no scene'
        drawn |= found
    assert drawn <= scenes
    assert len(drawn) > 1 or len(scenes) == 1


@pytest.mark.parametrize(
    ('draw', 'args', 'message'),
    [
        (studio_background, (0, 5), 'at least 1 x 1, got height 0, width 5'),
        (cluttered_background, (5, -2), 'got height 5, width -2'),
        (studio_background, (9, 9, 'room'), "scene must be one of .* got 'room'"),
        (cluttered_background, (9, 9, 'moon'), "scene must be one of .* got 'moon'"),
        (studio_background, (9, 9, None, 'tied'), "kind must be one of .* got 'tied'"),
    ],
)
def test_bad_input(draw, args, message):
    with pytest.raises(ValueError, match=message):
        draw(np.random.default_rng(0), *args)


def test_stage_projects_by_arithmetic():
    # Focal length one width of 100: a metre at two metres spans 50 pixels.
    stage = Stage(80, 100, eye=1.0, focal=1.0)
    square = [(-0.5, 1.5, 2), (0.5, 1.5, 2), (0.5, 0.5, 2), (-0.5, 0.5, 2)]
    assert stage.project(square) == pytest.approx(
        np.array([[25, 15], [75, 15], [75, 65], [25, 65]])
    )


def test_stage_cuts_what_is_behind():
    stage = Stage(80, 100)
    assert len(stage.project([(0, 0, -1), (1, 0, -1), (1, 1, -2)])) == 0
    # One corner behind: the cut adds a corner, and none lies far outside.
    outline = stage.project([(0, 1.3, -1), (0.3, 1.3, 1), (0.3, 1.6, 1)])
    assert len(outline) >= 4
    assert np.abs(outline - [50, 40]).max() <= 101


def test_stage_paints_texels_where_they_belong():
    stage = Stage(80, 100, eye=1.0, focal=1.0)
    texture = np.zeros((2, 2, 3), np.float32)
    texture[0, 1] = 1
    stage.paint(texture, (-0.5, 1.5, 2), (1, 0, 0), (0, -1, 0))
    image = stage.image[..., 0]
    # The upper right texel covers x 50..75, y 15..40.
    assert image[20, 70] == pytest.approx(1, abs=0.01)
    assert image[20, 30] == pytest.approx(0, abs=0.01)
    assert image[60, 70] == pytest.approx(0, abs=0.01)
    assert image[27, 50] == pytest.approx(0.51, abs=0.03)
    assert image[10, 70] == 0
