"""Every config builds, trains a step and predicts, on tiny images."""

from pathlib import Path

import numpy as np
import pytest
import torch

from df2mm.engine import build_runner, read_config
from df2mm.metainfo import CATEGORY_NAMES

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(path.relative_to(ROOT).as_posix()
                 for path in ROOT.glob('configs/*/*.py')
                 if path.parent.name != '_base_')


def shrink(pipeline):
    for transform in pipeline:
        if transform.type == 'Resize':
            transform.scale = (128, 96)


@pytest.fixture(params=CONFIGS)
def runner(request, synthetic_root, tmp_path):
    cfg = read_config(ROOT / request.param, work_dir=tmp_path,
                      data_root=synthetic_root)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False, batch_size=2)
        loader.dataset.workers = 1
        shrink(loader.dataset.pipeline)
    cfg.model.backbone.init_cfg = None  # what would be downloaded
    cfg.model.train_cfg.rcnn.sampler.num = 32
    cfg.model.train_cfg.rpn_proposal.max_per_img = 50
    cfg.model.test_cfg.rpn.max_per_img = 50
    cfg.model.test_cfg.rcnn.max_per_img = 4
    return build_runner(cfg)


def test_config_trains_and_predicts(runner):
    optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.model.init_weights()
    runner.call_hook('before_run')
    before = {name: parameter.detach().clone()
              for name, parameter in runner.model.named_parameters()}
    losses = runner.model.train().train_step(
        next(iter(runner.train_loop.dataloader)), optim_wrapper)
    assert all(torch.isfinite(value).all() for value in losses.values())
    changed = {name.split('.')[0]
               for name, parameter in runner.model.named_parameters()
               if not torch.equal(before[name], parameter)}
    assert changed == {'backbone', 'neck', 'rpn_head', 'roi_head'}

    # Untrained scores are far under the threshold of the config.
    runner.model.roi_head.test_cfg.score_thr = 0.0
    runner.model.eval()
    with torch.no_grad():
        samples = runner.model.test_step(next(iter(runner.test_loop.dataloader)))
    assert len(samples) == 2
    for sample in samples:
        predicted = sample.pred_instances
        assert len(predicted) > 0
        assert predicted.labels.max() < len(CATEGORY_NAMES)
        assert tuple(predicted.masks.shape) == (len(predicted), *sample.ori_shape)
        height, width = sample.ori_shape
        assert (predicted.bboxes >= 0).all()
        assert (predicted.bboxes <= torch.tensor([width, height] * 2)).all()
    runner.test_loop.evaluator.process(samples)
    metrics = runner.test_loop.evaluator.evaluate(2)
    assert np.isfinite([metrics['df2/bbox_mAP'], metrics['df2/segm_mAP']]).all()


def test_r50_trains_as_the_paper_says():
    cfg = read_config(ROOT / 'configs/mask_rcnn/mask-rcnn_r50_fpn_2x_deepfashion2.py')
    # 16 images a batch on 8 GPUs.
    assert cfg.train_dataloader.batch_size * 8 == cfg.auto_scale_lr.base_batch_size
    assert cfg.optim_wrapper.optimizer.to_dict() == dict(
        type='SGD', lr=0.02, momentum=0.9, weight_decay=1e-5)
    assert cfg.train_cfg.max_epochs == 24
    assert cfg.param_scheduler[1].milestones == [16, 22]
    resize = next(t for t in cfg.train_pipeline if t.type == 'Resize')
    assert resize.scale == (1333, 800)
    assert cfg.model.roi_head.bbox_head.num_classes == 13
    assert cfg.model.roi_head.mask_head.num_classes == 13
    assert cfg.model.backbone.init_cfg.checkpoint == 'torchvision://resnet50'
