from dataclasses import replace

import cv2
import numpy as np
import pytest

from df2mm.metainfo import CATEGORIES
from df2mm.synthetic.cuts import recut, sample_cut
from df2mm.synthetic.garments import build_garment
from df2mm.synthetic.people import VIEWS, Arm, Figure, sample_build, sample_pose


def make(category, view, seed):
    rng = np.random.default_rng(seed)
    figure = Figure(sample_build(rng), sample_pose(rng, view))
    return build_garment(sample_cut(rng, category.id), figure)


@pytest.mark.parametrize('category', CATEGORIES, ids=lambda c: c.name)
@pytest.mark.parametrize('view', VIEWS)
def test_landmarks_lie_on_the_cloth(category, view):
    for seed in range(6):
        garment = make(category, view, seed)
        assert garment.landmarks.shape == (category.num_landmarks, 2)
        assert np.isfinite(garment.landmarks).all()
        outlines = {p.name: p.outline.astype(np.float32) for p in garment.pieces}
        for index, (point, owners) in enumerate(
            zip(garment.landmarks, garment.owners, strict=True)
        ):
            owned = [outlines[name] for name in owners if name in outlines]
            if view != 'back':
                assert owned, f'landmark {index + 1} lies on no piece'
            # 0.15 heads is about the width of two fingers.
            assert (
                not owned
                or max(
                    cv2.pointPolygonTest(outline, tuple(point.tolist()), True)
                    for outline in owned
                )
                > -0.15
            )


@pytest.mark.parametrize('category', CATEGORIES, ids=lambda c: c.name)
def test_laid_flat_the_landmarks_stand_as_in_the_figure(category):
    """Order around the garment, and left and right, as the dataset's figure."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        build, pose = sample_build(rng), sample_pose(rng, 'flat')
        # Sleeves spread as the figure's are.
        pose = replace(pose, arms=(Arm(0.5, -0.05), Arm(0.45, -0.05)))
        garment = build_garment(sample_cut(rng, category.id), Figure(build, pose))
        points = garment.landmarks
        x, y = ((points - points.min(0)) / np.ptp(points, axis=0)).T
        figure_x, figure_y = category.template.T
        assert np.corrcoef(x, figure_x)[0, 1] > 0.85
        assert np.corrcoef(y, figure_y)[0, 1] > 0.75
        for left, right in category.left_right:
            assert points[left, 0] < points[right, 0] + 1e-6


@pytest.mark.parametrize('name', ['short sleeve top', 'trousers', 'sling dress'])
def test_an_upright_figure_gives_a_mirror_symmetric_garment(name):
    category = next(c for c in CATEGORIES if c.name == name)
    rng = np.random.default_rng(3)
    build, cut = sample_build(rng), sample_cut(rng, category.id)
    pose = sample_pose(rng, 'flat')
    pose = type(pose)(**{**vars(pose), 'arms': pose.arms[:1] * 2})
    points = build_garment(cut, Figure(build, pose)).landmarks
    np.testing.assert_allclose(
        points[category.flip_indices] * (-1, 1), points, atol=0.05
    )


def test_a_longer_cut_lowers_the_hem_and_nothing_else():
    rng = np.random.default_rng(1)
    build, pose, cut = sample_build(rng), sample_pose(rng, 'flat'), sample_cut(rng, 1)
    longer = type(cut)(**{**vars(cut), 'hem': cut.hem + 0.5})
    short, long = (build_garment(c, Figure(build, pose)) for c in (cut, longer))
    assert long.landmarks[15, 1] == pytest.approx(short.landmarks[15, 1] + 0.5)
    np.testing.assert_allclose(long.landmarks[:12], short.landmarks[:12])


def test_bending_an_arm_moves_the_sleeve_and_not_the_body():
    rng = np.random.default_rng(2)
    build, cut, pose = sample_build(rng), sample_cut(rng, 2), sample_pose(rng, 'flat')
    arm = pose.arms[0]
    bent = type(arm)(arm.lift, arm.bend - 1.0, arm.front)
    other = type(pose)(**{**vars(pose), 'arms': (bent, pose.arms[1])})
    before, after = (
        build_garment(cut, Figure(build, p)).landmarks for p in (pose, other)
    )
    assert np.hypot(*(after[10] - before[10])) > 0.4
    np.testing.assert_allclose(after[15:33], before[15:33])


def test_recut_is_the_same_category_and_another_cut():
    rng = np.random.default_rng(0)
    for category in CATEGORIES:
        cut = sample_cut(rng, category.id)
        other = recut(rng, cut)
        assert other.category_id == cut.category_id
        assert other != cut


def test_unknown_view():
    with pytest.raises(ValueError, match=r"view must be one of .* got 'above'"):
        sample_pose(np.random.default_rng(0), 'above')
