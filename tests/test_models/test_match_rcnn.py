"""The whole model learns: every stream, from four pairs of images."""

import copy
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import load_checkpoint

from df2mm.datasets import DeepFashion2Dataset
from df2mm.datasets.convert import convert_split
from df2mm.datasets.pairs import find_pairs
from df2mm.engine import read_config
from df2mm.evaluation import DeepFashion2Metric
from df2mm.synthetic import write_dataset

CONFIG = (Path(__file__).parents[2] / 'configs/match_rcnn'
          / 'match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic.py')
SIDE, STEPS = 160, 120


@pytest.fixture(scope='module', autouse=True)
def mmdet_scope():
    """Built outside of a runner, a model finds mmdet's layers by this."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


@pytest.fixture(scope='module')
def pairs_root(tmp_path_factory):
    """A dataset whose training split has at least four user-shop pairs."""
    root = tmp_path_factory.mktemp('pairs')
    write_dataset(root, 100, 2, seed=1, workers=2, progress=False)
    convert_split(root / 'train', root / 'annotations/train.json', workers=1)
    return root


def four_pairs(root, pipeline):
    """Samples of four user images and their shop images, all of other identities.

    Their garments are no small ones: at SIDE pixels those are dots.
    """
    dataset = DeepFashion2Dataset(
        root, 'train', 'annotations/train.json', pipeline=pipeline, workers=1)
    index = dataset.index
    smallest = np.minimum.reduceat(index.variations[:, 0], index.item_offsets[:-1])
    pairs = find_pairs(index, dataset.positions)
    pairs = pairs[(smallest[dataset.positions[pairs]] > 1).all(1)]
    _, first = np.unique(index.pair_ids[dataset.positions[pairs[:, 0]]],
                         return_index=True)
    assert len(first) >= 4
    return [dataset[int(place)] for place in pairs[first[:4]].ravel()]


def model_and_pipelines(root):
    """The small model as its config has it, and pipelines of small images."""
    cfg = read_config(CONFIG, data_root=root)
    pipelines = []
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        for transform in loader.dataset.pipeline:
            if transform.type == 'Resize':
                transform.scale = (SIDE, SIDE)
            if transform.type == 'RandomFlip':
                transform.prob = 0.0
        pipelines.append(loader.dataset.pipeline)
    cfg.model.test_cfg.rcnn.score_thr = 0.3
    cfg.model.train_cfg.rcnn.sampler.num = 16
    cfg.model.train_cfg.rpn.sampler.num = 32
    # All pairs count: in one batch that is always the same, hard ones change.
    cfg.model.roi_head.match_head.update(pos_fraction=0.5, neg_pos_ratio=None)
    model = MODELS.build(cfg.model)
    return model, build_optim_wrapper(model, cfg.optim_wrapper), pipelines


def test_it_overfits_four_pairs(pairs_root):
    torch.manual_seed(0)
    model, wrapper, pipelines = model_and_pipelines(pairs_root)
    model.init_weights()
    model.to(memory_format=torch.channels_last)
    batch = pseudo_collate(four_pairs(pairs_root, pipelines[0]))
    rates = [group['lr'] for group in wrapper.optimizer.param_groups]
    model.train()
    for step in range(STEPS):
        factor = min(1, (step + 1) / 20, 3 * (1 - step / STEPS))
        for group, rate in zip(wrapper.optimizer.param_groups, rates, strict=True):
            group['lr'] = rate * factor
        model.train_step(copy.deepcopy(batch), wrapper)

    metric = DeepFashion2Metric(
        ann_file=pairs_root / 'annotations/train.json', workers=1)
    model.eval()
    with torch.no_grad():
        samples = model.test_step(pseudo_collate(four_pairs(pairs_root, pipelines[1])))
    metric.process(None, [sample.to_dict() for sample in samples])
    metrics = metric.evaluate(len(samples))
    assert metrics['df2/bbox_mAP_50'] > 0.95
    assert metrics['df2/keypoints_vis_mAP_50'] > 0.95
    assert metrics['df2/retrieval_top1'] > 0.9
    # Where one garment covers another, a map of 28 x 28 shows it last.
    assert metrics['df2/segm_mAP_50'] > 0.7


WORKER = '''
import pickle, sys
import torch
import torch.distributed as dist
import df2mm
from mmengine.model import MMDistributedDataParallel
rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group('gloo', init_method=f'file://{folder}/init', rank=rank,
                        world_size=2)
model, batch = torch.load(f'{folder}/model.pt', weights_only=False)
# What find_unused_parameters=False waits for is a gradient of every parameter.
model = MMDistributedDataParallel(model, broadcast_buffers=False)
if rank:
    for sample in batch['data_samples']:
        sample.gt_instances = sample.gt_instances[:0]
model.train()
for _ in range(2):
    data = model.module.data_preprocessor(batch, True)
    losses = model(**data, mode='loss')
    total, _ = model.module.parse_losses(losses)
    total.backward()
grads = sum(p.grad.abs().sum() for p in model.parameters() if p.grad is not None)
with open(f'{folder}/grad.{rank}', 'w') as file:
    file.write(str(float(grads)))
# Who ends first must not cut the other off.
dist.barrier()
dist.destroy_process_group()
'''


def test_processes_do_not_wait_for_one_without_items(pairs_root, tmp_path):
    """Two train together, one of which has images without anything on them."""
    model, _, pipelines = model_and_pipelines(pairs_root)
    batch = pseudo_collate(four_pairs(pairs_root, pipelines[0])[:2])
    torch.save((model, batch), tmp_path / 'model.pt')
    processes = [subprocess.Popen(
        [sys.executable, '-c', WORKER, str(rank), str(tmp_path)],
        env={**os.environ, 'OMP_NUM_THREADS': '1'}) for rank in (0, 1)]
    try:
        assert [process.wait(240) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    grads = [float((tmp_path / f'grad.{rank}').read_text()) for rank in (0, 1)]
    assert grads[0] == grads[1] > 0


def test_weights_of_a_coco_mask_rcnn_load_where_they_fit(pairs_root, tmp_path, caplog):
    """What does not fit, for another number of categories, is named and left."""
    model, _, _ = model_and_pipelines(pairs_root)
    cfg = read_config(CONFIG)
    coco = copy.deepcopy(cfg.model)
    coco.roi_head.bbox_head.num_classes = 80
    coco.roi_head.update(keypoint_head=None, match_head=None)
    coco = MODELS.build(coco)
    with torch.no_grad():
        coco.neck.lateral_convs[0].conv.weight.fill_(7)
    path = tmp_path / 'coco.pth'
    torch.save(dict(state_dict=coco.state_dict()), path)
    before = model.roi_head.bbox_head.fc_cls.weight.clone()
    load_checkpoint(model, str(path), map_location='cpu', strict=False,
                    logger=logging.getLogger('loading'))
    assert (model.neck.lateral_convs[0].conv.weight == 7).all()
    assert torch.equal(model.roi_head.bbox_head.fc_cls.weight, before)
    assert 'size mismatch for roi_head.bbox_head.fc_cls.weight' in caplog.text
    assert 'roi_head.keypoint_head.convs.0.conv.weight' in caplog.text
    assert 'roi_head.match_head.fc_match.weight' in caplog.text
