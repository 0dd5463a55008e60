"""A small untrained model that finds a few items in everything."""

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import DefaultScope

MATCH = 'match_rcnn/match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic'
MASK = 'mask_rcnn/mask-rcnn_effnet-lite0_fpn_8e_synthetic'


def random_model(cfg):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model)
        model.init_weights()
    return model.eval()


@pytest.fixture(scope='session')
def cfg(tiny_config):
    return tiny_config(MATCH)


@pytest.fixture(scope='session')
def mask_cfg(tiny_config):
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
