import csv
import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest

import df2mm.synthetic.textures as textures
from df2mm.synthetic.colors import distance, garment_color, shade, to_lab
from df2mm.synthetic.fabrics import (
    FABRIC_KINDS,
    FabricSpec,
    recolor,
    render_fabric,
    repattern,
    sample_fabric,
)
from df2mm.synthetic.folds import FOLD_KINDS, fold_field
from df2mm.synthetic.noise import grid, smooth_noise
from df2mm.synthetic.weaves import WEAVES

_FOLDER = Path(textures.__file__).with_name('textures')


def _spec(kind, seed=0):
    return sample_fabric(np.random.default_rng(seed), kind)


@pytest.mark.parametrize('kind', FABRIC_KINDS)
def test_every_kind_renders_at_odd_sizes(kind):
    for seed in range(8):
        spec = pickle.loads(pickle.dumps(_spec(kind, seed)))
        for height, width in ((1, 1), (7, 300), (40, 3), (61, 47)):
            image = render_fabric(spec, height, width)
            assert image.shape == (height, width, 3)
            assert image.dtype == np.float32
            assert np.isfinite(image).all()
            assert image.min() >= 0 and image.max() <= 1


@pytest.mark.parametrize('kind', FABRIC_KINDS)
def test_kind_looks_the_same_at_another_size(kind):
    spec = _spec(kind, 3)
    small, large = (render_fabric(spec, side, side) for side in (96, 192))
    halved = large.reshape(96, 2, 96, 2, 3).mean((1, 3))
    # Compared in eighths of a garment: layout counts, yarn does not.
    blocks = [a.reshape(8, 12, 8, 12, 3).mean((1, 3)) for a in (small, halved)]
    assert np.abs(blocks[0] - blocks[1]).max() < 0.09


@pytest.mark.parametrize('weave', WEAVES)
def test_plain_fabric_is_its_colour_but_not_flat(weave):
    spec = FabricSpec('plain', 'solid', ((0.6, 0.3, 0.2),), weave, 1.0, 5)
    image = render_fabric(spec, 200, 200)
    assert np.abs(image.mean((0, 1)) - (0.6, 0.3, 0.2)).max() < 0.03
    assert 0.003 < image[..., 0].std() < 0.08


def test_stripes_by_arithmetic():
    black, white = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    # Even stripes of 0.032 widths: 400 pixels hold 12.8-pixel stripes.
    spec = FabricSpec('stripes', 'down-even', (white, black), 'satin', 1.0, 1)
    row = render_fabric(spec, 4, 400)[0, :, 0]
    assert (row[1:12] > 0.75).all()
    assert (row[14:25] < 0.1).all()
    assert (row[27:38] > 0.75).all()
    # Pixel 12 is 0.8 white and 0.2 black.
    assert row[12] == pytest.approx(0.8, abs=0.15)


@pytest.mark.parametrize('kind', FABRIC_KINDS)
def test_recolor_keeps_the_pattern_and_changes_the_colour(kind):
    for seed in range(6):
        spec = _spec(kind, seed)
        other = recolor(spec, np.random.default_rng(seed + 100))
        assert (other.kind, other.variant) == (spec.kind, spec.variant)
        assert (other.scale, other.seed) == (spec.scale, spec.seed)
        assert distance(spec.dominant_color, other.dominant_color) > 20
        means = [render_fabric(s, 64, 64).mean((0, 1)) for s in (spec, other)]
        assert distance(*means) > 6


@pytest.mark.parametrize('kind', FABRIC_KINDS)
def test_repattern_keeps_the_colour_and_changes_the_kind(kind):
    for seed in range(6):
        spec = _spec(kind, seed)
        other = repattern(spec, np.random.default_rng(seed + 100))
        assert other.kind != spec.kind
        assert distance(spec.dominant_color, other.dominant_color) < 1


def test_plain_is_the_commonest_of_many():
    rng = np.random.default_rng(0)
    kinds = [sample_fabric(rng).kind for _ in range(1500)]
    counts = {kind: kinds.count(kind) for kind in FABRIC_KINDS}
    assert max(counts, key=counts.get) == 'plain'
    assert min(counts.values()) > 0


def test_spec_is_frozen_and_hashable():
    spec = _spec('checks')
    assert hash(spec) == hash(_spec('checks'))
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.seed = 1


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: _spec('velvet'), r"fabric kind must be one of .* got 'velvet'"),
        (lambda: render_fabric(_spec('plain'), 0, 5), 'at least 1 x 1, got height 0'),
        (lambda: render_fabric(_spec('plain'), 5, -1), 'got height 5, width -1'),
        (
            lambda: render_fabric(dataclasses.replace(_spec('plain'), kind='x'), 5, 5),
            "got 'x'",
        ),
        (lambda: textures.texture_color('no.jpg'), "cloth tile .* got 'no.jpg'"),
        (
            lambda: fold_field(np.random.default_rng(0), 9, 9, 'iron'),
            "fold kind must be one of .* got 'iron'",
        ),
        (
            lambda: fold_field(np.random.default_rng(0), 9, 0, 'soft'),
            'at least 1 x 1, got height 9, width 0',
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_every_tile_has_its_source_and_closes_on_itself():
    with (_FOLDER / 'SOURCE.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert {row['tile'] for row in rows} == {p.name for p in _FOLDER.glob('*.jpg')}
    assert sum(row['use'] == 'cloth' for row in rows) >= 40
    assert (_FOLDER / 'LICENSE').read_text().startswith('Creative Commons')
    total = sum(path.stat().st_size for path in _FOLDER.iterdir())
    assert total < 1.5e6
    for row in rows:
        tile = textures._tile(row['tile']).astype(float)
        inside = np.abs(np.diff(tile, axis=0)).mean()
        seam = np.abs(tile[0] - tile[-1]).mean()
        assert seam < 2.5 * inside + 4, row['tile']


def test_demo_photos_are_not_texture_sources():
    demo = _FOLDER.parents[1] / 'data' / 'cc0_photos'
    with (_FOLDER / 'SOURCE.csv').open(newline='') as file:
        used = {row['photo'] for row in csv.DictReader(file)}
    with (demo / 'SOURCE.csv').open(newline='') as file:
        shown = {row['file'] for row in csv.DictReader(file)}
    assert shown == {path.name for path in demo.glob('*.jpg')}
    assert len(shown) == 16
    assert not shown & used


@pytest.mark.parametrize('kind', FOLD_KINDS)
def test_folds_shade_about_one(kind):
    anchors = [(0.1, 0.2), (0.9, 0.2)]
    for height, width in ((256, 200), (1, 1), (5, 90)):
        first, second = (
            fold_field(np.random.default_rng(4), height, width, kind, anchors)
            for _ in range(2)
        )
        shading, shift = first
        assert shading.shape == (height, width)
        assert shift.shape == (height, width, 2)
        assert shading.dtype == shift.dtype == np.float32
        assert shading.min() >= 0.6 and shading.max() <= 1.25
        assert np.abs(shift).max() <= 0.03 * width
        assert np.array_equal(shading, second[0])
        assert np.array_equal(shift, second[1])


def test_folds_are_cloth_not_noise():
    shading, _ = fold_field(np.random.default_rng(1), 256, 256, 'vertical')
    assert abs(shading.mean() - 1) < 0.08
    assert 0.02 < shading.std() < 0.2
    # Drapes run down: brightness changes across them far more than along.
    across, along = (np.abs(np.diff(shading, axis=axis)).mean() for axis in (1, 0))
    assert across > 2 * along


def test_folds_without_strength_are_none():
    shading, shift = fold_field(np.random.default_rng(1), 64, 64, 'sharp', strength=0)
    assert np.allclose(shading, 1)
    assert np.allclose(shift, 0)


def test_colour_arithmetic():
    assert to_lab((1.0, 1.0, 1.0)) == pytest.approx([100, 0, 0], abs=0.1)
    assert distance((1.0, 1.0, 1.0), (0.0, 0.0, 0.0)) == pytest.approx(100, abs=0.1)
    grey = shade((0.5, 0.5, 0.5), 20)
    assert to_lab(grey)[0] - to_lab((0.5, 0.5, 0.5))[0] == pytest.approx(20, abs=0.2)
    color = garment_color(np.random.default_rng(2))
    assert len(color) == 3 and all(0 <= c <= 1 for c in color)


def test_grid_is_pixel_centres_in_widths():
    x, y = grid(2, 4)
    assert x.tolist() == [[0.125, 0.375, 0.625, 0.875]]
    assert y.tolist() == [[0.125], [0.375]]


def test_noise_has_unit_scale_and_its_frequency():
    field = smooth_noise(np.random.default_rng(0), 400, 400, 20)
    assert abs(field.mean()) < 0.2
    assert 0.7 < field.std() < 1.3
    crossings = (np.diff(np.sign(field), axis=1) != 0).sum(1).mean()
    assert 5 < crossings < 20
