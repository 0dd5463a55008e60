import math
import sys

import numpy as np
import pytest
import torch

from df2mm.models.keypoint_coding import build_coding

CROSS_ENTROPY = dict(type='CrossEntropyLoss', loss_weight=1.0)
GAUSSIAN = dict(
    codec=dict(type='MSRAHeatmap', input_size=(16, 16), heatmap_size=(16, 16), sigma=1),
    loss=dict(type='mmpose.KeypointMSELoss'))
SIMCC = dict(
    codec=dict(type='SimCCLabel', input_size=(16, 16), sigma=1.0),
    loss=dict(type='mmpose.KLDiscretLoss'))


def build(variant, **changes):
    return build_coding(dict(variant['codec'], **changes), variant['loss'], (16, 16))


def centres(bins):
    places = (torch.arange(bins) + 0.5) / bins
    return torch.stack([places, places.flip(0)], 1)


@pytest.mark.parametrize(('variant', 'bins', 'changes'), [
    (GAUSSIAN, 16, {}),
    (GAUSSIAN, 16, dict(input_size=(96, 48))),
    (GAUSSIAN, 16, dict(sigma=2)),
    (SIMCC, 32, {}),
    (SIMCC, 48, dict(simcc_split_ratio=3.0)),
    (SIMCC, 40, dict(input_size=(20, 20), smoothing_type='standard')),
])
def test_codecs_decode_the_bin_centres_they_encode(variant, bins, changes):
    coding = build(variant, **changes)
    units = centres(bins)
    encoded = coding.encode(units)
    read, scores = coding.read(*(encoded[name] for name in coding.names))
    np.testing.assert_allclose(read, units, atol=1e-5)
    assert scores.shape == (bins,)
    assert (scores > 0).all() and (scores <= 1).all()


@pytest.mark.parametrize('variant', [GAUSSIAN, SIMCC])
def test_the_far_edges_belong_to_the_last_bin(variant):
    coding = build(variant)
    encoded = coding.encode(torch.ones(1, 2))
    assert encoded['keypoint_weights'].tolist() == [[1]]
    read, _ = coding.read(*(encoded[name] for name in coding.names))
    np.testing.assert_allclose(read, 1 - 0.5 / coding.bins[None], rtol=1e-5)


def test_loss_of_heat_maps_is_the_mean_over_landmarks_and_bins():
    coding = build(GAUSSIAN)
    units = centres(16)[:5]
    maps = torch.randn(5, 16, 16)
    expected = np.mean((maps.numpy() - coding.encode(units)['heatmaps']) ** 2)
    assert float(coding.loss(coding(maps), units)) == pytest.approx(expected, rel=1e-5)


def test_loss_of_simcc_is_the_mean_over_landmarks():
    coding = build(SIMCC, smoothing_type='standard')
    logits = (torch.zeros(3, 32), torch.zeros(3, 32))
    # One-hot labels against no idea: log 32 in x and in y; mmpose's loss is the
    # mean over the bins of each, and their sum.
    assert float(coding.loss(logits, centres(32)[:3])) == pytest.approx(
        2 * math.log(32) / 32)


def test_simcc_reads_probabilities_at_the_temperature_of_its_loss():
    variant = dict(SIMCC, loss=dict(type='mmpose.KLDiscretLoss', beta=10.0))
    x, y = torch.zeros(1, 32), torch.zeros(1, 32)
    x[0, 7], y[0, 20] = 0.1 * math.log(31), 0.1 * math.log(93)
    units, scores = build(variant).decode((x, y))
    assert units[0].tolist() == pytest.approx([7.5 / 32, 20.5 / 32])
    # 31 of 31 + 31 in x, 93 of 93 + 31 in y: the lower one counts.
    assert scores.tolist() == pytest.approx([0.5])


@pytest.mark.parametrize('variant', [GAUSSIAN, SIMCC])
def test_no_maps(variant):
    coding = build(variant)
    units, scores = coding.decode(coding(torch.zeros(0, 16, 16)))
    assert units.shape == (0, 2)
    assert scores.shape == (0,)


@pytest.mark.parametrize(('codec', 'loss', 'message'), [
    (dict(type='NoCodec'), CROSS_ENTROPY, "codec must name one of .* got 'NoCodec'"),
    (dict(sigma=2), CROSS_ENTROPY, 'codec must name one of .* got None'),
    (dict(type='RegressionLabel', input_size=(16, 16)), CROSS_ENTROPY,
     r"got RegressionLabel, which makes \['keypoint_labels'"),
    (dict(GAUSSIAN['codec'], heatmap_size=(12, 16)), GAUSSIAN['loss'],
     r'one map of \(H, W\) \(16, 16\) a landmark, got 1 of \(16, 12\)'),
    (dict(GAUSSIAN['codec'], type='UDPHeatmap'), GAUSSIAN['loss'],
     'UDPHeatmap.decode must give back the centre'),
    (dict(SIMCC['codec'], decode_visibility=True), SIMCC['loss'],
     'one score a landmark, got 2. Leave decode_visibility=False'),
    (GAUSSIAN['codec'], CROSS_ENTROPY,
     'loss_keypoint CrossEntropyLoss must fit codec MSRAHeatmap'),
    (SIMCC['codec'], GAUSSIAN['loss'], 'must fit codec SimCCLabel'),
    (None, GAUSSIAN['loss'], 'must fit codec None, the one-hot map'),
])
@pytest.mark.filterwarnings('ignore:Using a target size')
def test_what_does_not_fit(codec, loss, message):
    with pytest.raises(ValueError, match=message):
        build_coding(codec, loss, (16, 16))


def test_only_a_codec_needs_mmpose(monkeypatch):
    for name in ('mmpose', 'mmpose.registry'):
        monkeypatch.setitem(sys.modules, name, None)
    build_coding(None, CROSS_ENTROPY, (16, 16))
    with pytest.raises(ImportError, match="codec 'MSRAHeatmap' is of mmpose, which"):
        build(GAUSSIAN)
