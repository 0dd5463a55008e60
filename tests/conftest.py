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
