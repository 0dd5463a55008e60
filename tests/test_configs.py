"""Every config builds, trains a step and predicts, on tiny images."""

from pathlib import Path

import pytest
import torch
import yaml
from mmdet.registry import MODELS

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
    changed = {name.split('.')[0] if not name.startswith('roi_head')
               else name.split('.')[1]
               for name, parameter in runner.model.named_parameters()
               if not torch.equal(before[name], parameter)}
    heads = {name for name, _ in runner.model.roi_head.named_children()
             if name.endswith('_head')}
    assert changed == {'backbone', 'neck', 'rpn_head', *heads}

    # Untrained scores are far under the threshold of the config.
    runner.model.roi_head.test_cfg.score_thr = 0.0
    runner.model.eval()
    samples = []
    for batch in runner.test_loop.dataloader:
        with torch.no_grad():
            samples += runner.model.test_step(batch)
    assert len(samples) == 4
    for sample in samples:
        predicted = sample.pred_instances
        assert len(predicted) > 0
        assert predicted.labels.max() < len(CATEGORY_NAMES)
        if 'mask_head' in heads:
            assert tuple(predicted.masks.shape) == (len(predicted), *sample.ori_shape)
        height, width = sample.ori_shape
        assert (predicted.bboxes >= 0).all()
        assert (predicted.bboxes <= torch.tensor([width, height] * 2) + 1e-3).all()
    runner.test_loop.evaluator.process(samples)
    metrics = runner.test_loop.evaluator.evaluate(len(samples))
    figures = dict(mask_head='segm_mAP', keypoint_head='keypoints_vis_mAP',
                   match_head='retrieval_top20', bbox_head='bbox_mAP')
    for head in heads & figures.keys():
        assert 0 <= metrics[f'df2/{figures[head]}'] <= 1


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


@pytest.mark.parametrize('stage, epochs, milestones', [
    ('match-rcnn-pn_r50_fpn_s1x', 17, [13, 16]),
    ('match-rcnn_r50_fpn_class-keys_1x', 12, [8, 11])])
def test_match_rcnn_trains_as_the_paper_says(stage, epochs, milestones):
    cfg = read_config(ROOT / f'configs/match_rcnn/{stage}_deepfashion2.py')
    assert cfg.optim_wrapper.optimizer.to_dict() == dict(
        type='SGD', lr=0.02, momentum=0.9, weight_decay=1e-5)
    assert cfg.train_cfg.max_epochs == epochs
    assert cfg.param_scheduler[1].milestones == milestones
    assert cfg.param_scheduler[1].end == epochs


def test_stages_are_one_chain():
    """What PN trains is found in MN, under the same names and of the same shapes."""
    names = ('match-rcnn-pn_effnet-lite0_fpn', 'match-rcnn_effnet-lite0_fpn_class-keys')
    stages = []
    for name in names:
        cfg = read_config(ROOT / f'configs/match_rcnn/{name}_8e_synthetic.py')
        cfg.model.backbone.init_cfg = None
        stages.append(MODELS.build(cfg.model).state_dict())
    perception, matching = stages
    assert all(matching[name].shape == value.shape
               for name, value in perception.items())
    assert {name.split('.')[1] for name in matching.keys() - perception.keys()} == {
        'match_head'}


def test_every_config_is_in_the_index():
    listed = []
    for entry in yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']:
        listed += yaml.safe_load((ROOT / entry).read_text())['Models']
    assert sorted(model['Config'] for model in listed) == CONFIGS
    assert all(Path(model['Config']).stem == model['Name'] for model in listed)
