"""Every test sees the stack as df2mm.compat prepares it."""

# Import order in test files is alphabetical, but mmcv.ops can only be
# imported after df2mm where mmcv has no compiled operators.
import df2mm  # noqa: F401, I001
from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def synthetic_root(tmp_path_factory):
    """A dataset of 8 training and 4 validation images, raw and compact."""
    from df2mm.datasets.convert import convert_split
    from df2mm.synthetic import write_dataset
    root = tmp_path_factory.mktemp('data') / 'synthetic'
    write_dataset(root, 8, 4, seed=0, workers=1, progress=False)
    for split in ('train', 'validation'):
        convert_split(root / split, root / f'annotations/{split}.json', workers=1)
    return root


# A file, for other processes. Flips and sampled RoIs draw random numbers.
TINY_TRAINING = """
_base_ = '{configs}/mask_rcnn/mask-rcnn_effnet-lite0_fpn_8e_synthetic.py'
model = dict(
    backbone=dict(init_cfg=None),
    train_cfg=dict(rcnn=dict(sampler=dict(num=8))))
train_pipeline = _base_.train_pipeline
train_pipeline[2].update(scale=(64, 64))
train_dataloader = dict(
    batch_size={batch_size}, num_workers=0,
    dataset=dict(pipeline=train_pipeline, workers=1))
val_pipeline = _base_.test_pipeline
val_pipeline[1].update(scale=(64, 64))
val_dataloader = dict(
    batch_size={batch_size}, num_workers=0, persistent_workers=False,
    dataset=dict(pipeline=val_pipeline, workers=1))
test_dataloader = val_dataloader
"""


@pytest.fixture(scope='session')
def tiny_training():
    """Makes the text of a config that trains the smallest model there is."""
    return lambda configs, batch_size, more: TINY_TRAINING.format(
        configs=configs, batch_size=batch_size) + more


@pytest.fixture(scope='session')
def tiny_config():
    """Makes a config of ours for small images, without a threshold on scores."""
    from df2mm.engine import read_config

    def make(name, max_per_img=4):
        cfg = read_config(Path(__file__).parents[1] / f'configs/{name}.py')
        for step in cfg.test_dataloader.dataset.pipeline:
            if step.type == 'Resize':
                step.scale = (96, 96)
        cfg.model.backbone.init_cfg = None
        cfg.model.test_cfg.rpn.max_per_img = 20
        cfg.model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=max_per_img)
        return cfg
    return make
