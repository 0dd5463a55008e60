import math

import pytest
import torch

from df2mm.models.keypoint_coordinates import (
    inside,
    one_hot_bins,
    read_probabilities,
    to_pixels,
    to_units,
)

#: Plain, thin, of no size, turned inside out, and far from the origin.
BOXES = [(10., 20, 66, 132), (0, 0, 1333, 3), (5, 5, 5, 5), (9, 9, 4, 2),
         (1300.5, 700.25, 1333, 800)]


def centres_of_all_bins(height, width):
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    return torch.stack([(x + 0.5) / width, (y + 0.5) / height], -1).view(-1, 2)


def belief(middles, deviation, size=56):
    """(M, size, size): log probability of bins by a Gaussian around (M, 2) bins."""
    edges = torch.arange(size + 1.)
    axes = [(0.5 * torch.erf((edges - middle[:, None]) / deviation / math.sqrt(2)))
            .diff(dim=1).clamp(min=1e-9).log() for middle in middles.T]
    return axes[1][:, :, None] + axes[0][:, None, :]


def test_units_and_pixels_are_visible_arithmetic():
    box = torch.tensor([[10., 20, 66, 132]])
    units = to_units(torch.tensor([[38., 48]]), box)
    assert units.tolist() == [[(38 - 10) / 56, (48 - 20) / 112]]
    assert to_pixels(units, box).tolist() == [[38, 48]]


@pytest.mark.parametrize('box', BOXES)
@pytest.mark.parametrize('size', [(56, 56), (7, 12)])
def test_bin_centre_in_pixels_gives_back_its_bin_and_itself(box, size):
    units = centres_of_all_bins(*size)
    boxes = torch.tensor([box]).expand(len(units), 4)
    pixels = to_pixels(units, boxes)
    assert pixels.isfinite().all()
    bins = one_hot_bins(to_units(pixels, boxes), size)
    assert bins.tolist() == list(range(size[0] * size[1]))
    # The map that is sure of the bin is read as its centre.
    maps = torch.full((len(bins), len(bins)), -50.)
    maps[range(len(bins)), bins] = 50
    read, scores = read_probabilities(maps.view(-1, *size))
    torch.testing.assert_close(to_pixels(read, boxes), pixels, rtol=1e-6, atol=1e-3)
    assert scores.tolist() == [1] * len(bins)


def test_a_roi_of_no_size_is_one_pixel_wide():
    boxes = torch.tensor([[5., 5, 5, 5]])
    assert to_units(torch.tensor([[5.5, 6]]), boxes).tolist() == [[0.5, 1]]


def test_edges_are_inside_and_belong_to_the_outer_bins():
    units = torch.tensor([[0., 0], [1, 1], [0.5, 1], [-0.01, 0.5], [0.5, 1.01]])
    assert inside(units).tolist() == [True, True, True, False, False]
    assert one_hot_bins(units[:3], (4, 6)).tolist() == [0, 3 * 6 + 5, 3 * 6 + 3]


def test_reads_between_two_bins_by_their_probabilities():
    maps = torch.full((1, 20, 20), -math.inf)
    # Of row 10, column 7 has three quarters and column 8 a quarter.
    maps[0, 10, 7], maps[0, 10, 8] = math.log(3), math.log(1)
    units, scores = read_probabilities(maps)
    expected = [(0.75 * 7.5 + 0.25 * 8.5) / 20, 10.5 / 20]
    assert units[0].tolist() == pytest.approx(expected)
    assert scores.tolist() == pytest.approx([1])


def test_does_not_look_at_a_second_guess_far_away():
    maps = torch.full((1, 56, 56), -math.inf)
    maps[0, 40, 40], maps[0, 10, 10] = math.log(0.7), math.log(0.3)
    units, scores = read_probabilities(maps)
    assert units[0].tolist() == pytest.approx([40.5 / 56] * 2)
    assert scores.tolist() == pytest.approx([0.7])


@pytest.mark.parametrize('deviation', [0.5, 1, 1.5, 2])
def test_reads_finer_than_a_bin(deviation):
    generator = torch.Generator().manual_seed(0)
    middles = 8 + 40 * torch.rand(500, 2, generator=generator)
    maps = belief(middles, deviation)
    noise = 0.1 * torch.randn(maps.shape, generator=generator)

    def distance(bins):
        return (bins - middles).norm(dim=1).mean()

    assert distance(56 * read_probabilities(maps)[0]) < 0.01
    assert distance(56 * read_probabilities(maps + noise)[0]) < 0.05
    # What reading no finer gives: the mean over a square of its middle's distance.
    assert distance(middles.floor() + 0.5) == pytest.approx(0.383, abs=0.02)


def test_no_maps():
    units, scores = read_probabilities(torch.zeros(0, 56, 56))
    assert units.shape == (0, 2)
    assert scores.shape == (0,)
