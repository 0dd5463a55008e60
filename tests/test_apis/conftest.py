"""A small untrained model that finds a few items in everything."""

from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import DefaultScope

from df2mm.engine import read_config

ROOT = Path(__file__).parents[2]
MATCH = 'match_rcnn/match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic'
MASK = 'mask_rcnn/mask-rcnn_effnet-lite0_fpn_8e_synthetic'


def tiny_config(name):
    """A config of ours for small images, with no threshold on scores."""
    cfg = read_config(ROOT / f'configs/{name}.py')
    for step in cfg.test_dataloader.dataset.pipeline:
        if step.type == 'Resize':
            step.scale = (96, 96)
    cfg.model.backbone.init_cfg = None
    cfg.model.test_cfg.rpn.max_per_img = 20
    cfg.model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=4)
    return cfg


def random_model(cfg):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model)
        model.init_weights()
    return model.eval()


@pytest.fixture(scope='session')
def cfg():
    return tiny_config(MATCH)


@pytest.fixture(scope='session')
def mask_cfg():
    """Of a Mask R-CNN, without landmarks and vectors."""
    return tiny_config(MASK)


@pytest.fixture(scope='session')
def state(cfg):
    return random_model(cfg).state_dict()


@pytest.fixture(scope='session')
def checkpoint(state, tmp_path_factory):
    path = tmp_path_factory.mktemp('model') / 'match.pth'
    torch.save(dict(state_dict=state, meta={}), path)
    return path


@pytest.fixture(scope='session')
def mask_checkpoint(mask_cfg, tmp_path_factory):
    path = tmp_path_factory.mktemp('model') / 'mask.pth'
    torch.save(random_model(mask_cfg).state_dict(), path)
    return path


@pytest.fixture(scope='session')
def inferencer(cfg, checkpoint):
    from df2mm.apis import DeepFashion2Inferencer
    return DeepFashion2Inferencer(cfg, checkpoint, 'cpu')
