"""An untrained model, a gallery made with it, and a browser."""

import os
import shutil
import subprocess

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import DefaultScope

from df2mm.retrieval import Entry, GalleryIndex

NAME = 'match_rcnn/match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic'


@pytest.fixture(scope='session')
def model_files(tiny_config, tmp_path_factory):
    """Config and checkpoint; it finds a few garments of low scores in everything."""
    cfg = tiny_config(NAME)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model)
        model.init_weights()
    folder = tmp_path_factory.mktemp('model')
    cfg.dump(folder / 'match.py')
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'match.pth')
    return folder / 'match.py', folder / 'match.pth'


@pytest.fixture(scope='session')
def inferencer(model_files):
    from df2mm.apis import DeepFashion2Inferencer
    return DeepFashion2Inferencer(*model_files, 'cpu')


@pytest.fixture(scope='session')
def images_root(synthetic_root):
    return synthetic_root / 'validation/image'


@pytest.fixture(scope='session')
def gallery(inferencer, images_root):
    """Of the synthetic validation images; its texts try to run as code."""
    gallery = None
    for found in inferencer.iterate([str(images_root)], source='shop', nms_thr=0.6):
        if gallery is None:
            gallery = GalleryIndex(found.gallery_vectors.shape[1], inferencer.model_id)
        image = os.path.basename(found.name)
        gallery.add(found.gallery_vectors, [
            Entry(image, tuple(box), label, fields=dict(
                price=10 + i, shop='https://shop.invalid/1',
                note='<img src=x onerror="window.ran=1">${window.ran=1}{{note}}'))
            for i, (box, label) in enumerate(zip(
                found.bboxes.tolist(), found.labels.tolist(), strict=True))])
    return gallery


@pytest.fixture(scope='session')
def chromium():
    """A browser of the system, from its package manager where it has none."""
    def installed():
        names = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
        return next(filter(None, map(shutil.which, names)), None)

    if not installed() and shutil.which('apt-get') and os.geteuid() == 0:
        subprocess.run(['apt-get', 'install', '-y', 'chromium'], check=False,
                       capture_output=True, timeout=600)
    return installed() or pytest.skip(
        'no chromium or google-chrome on the PATH, and apt-get cannot install one here')
