"""Costs of models, where a hand can count them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from df2mm.engine import read_config
from df2mm.metainfo import CATEGORIES
from df2mm.zoo.cost import (
    STREAMS,
    build_untrained,
    model_costs,
    predict_fixed,
    test_size,
)

ROOT = Path(__file__).parents[2]
MATCH = ROOT / 'configs/match_rcnn'
SMALL = MATCH / 'match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic.py'
MASK = ROOT / 'configs/mask_rcnn/mask-rcnn_effnet-lite0_fpn_8e_synthetic.py'


@pytest.fixture(scope='module')
def r50():
    return model_costs(
        read_config(MATCH / 'match-rcnn_r50_fpn_class-keys_1x_deepfashion2.py'))


def test_streams_add_up(r50):
    for costs in (r50['parameters'], r50['flops']):
        assert costs.keys() == {*STREAMS, 'total'}
        assert sum(costs[name] for name in STREAMS) == costs['total']
    # 1333 is filled up to a multiple of 32.
    assert (r50['size'], r50['input_size']) == ([800, 1333], [800, 1344])
    assert (r50['proposals'], r50['detections']) == (1000, 100)


def test_convolutions_by_hand(r50):
    # FPN on maps of strides 4 to 32 of 800 x 1344: a 1 x 1 convolution to 256
    # channels, then 3 x 3; a multiplication and an addition are two.
    places = [800 * 1344 // stride**2 for stride in (4, 8, 16, 32)]
    assert r50['flops']['neck'] == 2 * sum(
        count * (width + 9 * 256) * 256
        for count, width in zip(places, (256, 512, 1024, 2048), strict=True))
    # 1000 RoIs of 256 x 7 x 7: fc 1024, 1024, then 14 classes and 4 x 13 deltas.
    assert r50['flops']['box head'] == 2000 * (
        256 * 49 * 1024 + 1024 * 1024 + 1024 * (14 + 52))
    # The categories in turn. On 14 x 14: eight 3 x 3 convolutions, a 4 x 4
    # deconvolution; on 28 x 28 one to the maps of the RoI's own category.
    maps = sum(CATEGORIES[i % 13].num_landmarks for i in range(100))
    assert r50['flops']['keypoint head'] == 2 * (
        100 * 196 * (9 * 512 * (256 + 7 * 512) + 16 * 512 * 512)
        + 784 * 16 * 512 * maps)


def test_parameters_and_bytes_are_those_of_the_weights(r50):
    # fc6, fc7, classes and deltas, with their biases.
    assert r50['parameters']['box head'] == (
        (256 * 49 + 1) * 1024 + 1025 * 1024 + 1025 * (14 + 52))
    model = build_untrained(read_config(SMALL))
    costs = model_costs(read_config(SMALL))
    state = model.state_dict()
    assert costs['bytes']['float32'] == sum(
        t.numel() * t.element_size() for t in state.values())
    counts = sum(t.numel() for t in state.values() if not t.is_floating_point())
    assert costs['bytes']['float32'] - 8 * counts == 2 * (
        costs['bytes']['float16'] - 8 * counts)


@pytest.mark.parametrize('config', [SMALL, MASK])
def test_a_prediction_costs_what_is_counted(config):
    cfg = read_config(config)
    costs = model_costs(cfg, (64, 96), proposals=7, detections=15)
    model = build_untrained(cfg)
    boxes = torch.tensor([[4.0, 4, 60, 60]])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        found, = predict_fixed(model, [torch.zeros(3, 64, 96, dtype=torch.uint8)],
                               boxes.repeat(7, 1), boxes.repeat(15, 1))
    assert len(found) == 15 and found.masks.shape == (15, 64, 96)
    # Beyond the streams, the match vectors of what was found: nothing to speak of.
    extra = counter.get_total_flops() - costs['flops']['total']
    assert 0 <= extra < 1e-3 * costs['flops']['total']


def test_tool_writes_and_keeps_figures(tmp_path):
    out = tmp_path / 'costs.json'
    out.write_text(json.dumps(dict(models={'other': model_costs(
        read_config(MASK), (64, 64), 5, 5)})))
    done = subprocess.run(
        [sys.executable, 'tools/benchmark/model_cost.py', SMALL, '--size', '64', '64',
         '--proposals', '5', '--detections', '3', '--repeats', '1', '--json', out],
        cwd=ROOT, text=True, capture_output=True, timeout=300,
        env=dict(os.environ, OMP_NUM_THREADS='1'))
    assert done.returncode == 0, done.stderr[-2000:]
    models = json.loads(out.read_text())['models']
    assert models.keys() == {'other', SMALL.stem}
    run, = models[SMALL.stem]['runs'].values()
    assert 0 < run['median'] <= run['p95']
    # At least the weights.
    assert run['peak_memory'] > models[SMALL.stem]['bytes']['float32']
    assert 'keypoint head' in done.stdout and 'median' in done.stdout


@pytest.mark.parametrize('options, message', [
    (dict(size=(0, 5)), 'height and width in pixels'),
    (dict(proposals=0), 'proposals must be a positive number, got 0'),
    (dict(detections=-1), 'detections must be a positive number, got -1')])
def test_wrong_numbers(options, message):
    with pytest.raises(ValueError, match=message):
        model_costs(read_config(SMALL), **options)


def test_wrong_configs():
    cfg = read_config(SMALL)
    cfg.test_dataloader.dataset.pipeline = []
    with pytest.raises(ValueError, match='no Resize'):
        test_size(cfg)
    cfg = read_config(SMALL)
    cfg.model = dict(type='RetinaNet', backbone=cfg.model.backbone,
                     neck=cfg.model.neck, bbox_head=dict(
        type='RetinaHead', num_classes=13, in_channels=96))
    with pytest.raises(ValueError, match='two-stage models with one box head'):
        build_untrained(cfg)
