"""mmdet's and mmpose's models train and predict on the operators.

mmdet's own configs, with a thin ResNet-50 and 64 by 64 images.
"""

import importlib
import pkgutil
import sys

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs
from mmdet.utils import register_all_modules
from mmengine.hub import get_config
from mmengine.logging import MessageHub
from mmengine.registry import DefaultScope

from df2mm.compat import operators

pytestmark = pytest.mark.skipif(
    sys.modules['mmcv._ext'] is not operators,
    reason='a compiled mmcv is installed and has operators of its own')
# Of a ResNet-50's stages at base width 4.
WIDTHS = (16, 32, 64, 128)


@pytest.fixture(autouse=True)
def scope():
    register_all_modules(init_default_scope=False)
    # TOOD asks for the epoch, which a runner would set.
    MessageHub.get_instance('operators').update_info('epoch', 0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def shrink(model):
    """A backbone of base width 4 and 16 channels behind it."""
    first = len(WIDTHS) - len(model.neck.in_channels)
    model.backbone.update(base_channels=4, init_cfg=None)
    model.neck.update(in_channels=list(WIDTHS[first:]), out_channels=16)


def two_stage(model):
    shrink(model)
    model.rpn_head.update(in_channels=16, feat_channels=16)
    model.train_cfg.rpn_proposal.max_per_img = 20
    model.test_cfg.rpn.max_per_img = 20
    model.train_cfg.rcnn.sampler.num = 16
    head = model.roi_head
    head.bbox_roi_extractor.out_channels = 16
    head.bbox_head.update(in_channels=16, fc_out_channels=16, num_classes=3)
    if 'mask_head' in head:
        head.mask_roi_extractor.out_channels = 16
        head.mask_head.update(in_channels=16, conv_out_channels=16,
                              num_convs=1, num_classes=3)


def one_stage(model):
    shrink(model)
    model.bbox_head.update(in_channels=16, feat_channels=16, stacked_convs=1,
                           num_classes=3)
    if model.bbox_head.type != 'RetinaHead':
        model.bbox_head.norm_cfg = dict(type='GN', num_groups=4)


def reppoints(model):
    one_stage(model)
    model.neck.norm_cfg.num_groups = 4
    model.bbox_head.point_feat_channels = 16


def deformable_detr(model):
    shrink(model)
    model.neck.norm_cfg.num_groups = 4
    model.num_queries = 10
    model.test_cfg.max_per_img = 10
    model.bbox_head.update(num_classes=3, embed_dims=16)
    for part, layer in (('encoder', 'self_attn_cfg'),
                        ('decoder', 'cross_attn_cfg')):
        model[part].num_layers = 2
        layers = model[part].layer_cfg
        layers[layer].update(embed_dims=16, num_heads=2)
        layers.ffn_cfg.update(embed_dims=16, feedforward_channels=32)
        if part == 'decoder':
            layers.self_attn_cfg.update(embed_dims=16, num_heads=2)
    model.positional_encoding.num_feats = 8


def carafe(model):
    two_stage(model)
    model.neck.norm_cfg = None
    model.neck.upsample_cfg.compressed_channels = 8


def deformable_pooling(model):
    two_stage(model)
    model.roi_head.bbox_roi_extractor.roi_layer.output_channels = 16


MODELS_OF_MMDET = {
    'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py': two_stage,
    'dcn/faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco.py': two_stage,
    'dcnv2/mask-rcnn_r50-mdconv-c3-c5_fpn_1x_coco.py': two_stage,
    'dcnv2/faster-rcnn_r50_fpn_mdpool_1x_coco.py': deformable_pooling,
    'carafe/faster-rcnn_r50_fpn-carafe_1x_coco.py': carafe,
    'retinanet/retinanet_r50_fpn_1x_coco.py': one_stage,
    'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py': one_stage,
    'atss/atss_r50_fpn_1x_coco.py': one_stage,
    'tood/tood_r50_fpn_1x_coco.py': one_stage,
    'reppoints/reppoints-moment_r50_fpn-gn_head-gn_1x_coco.py': reppoints,
    'deformable_detr/deformable-detr_r50_16xb2-50e_coco.py': deformable_detr,
}


def build(name, edit, device='cpu'):
    config = get_config(f'mmdet::{name}').model
    edit(config)
    torch.manual_seed(0)
    return MODELS.build(config).to(device)


def step_and_predict(model, **kwargs):
    """One training step on two images, the second of them empty; predict."""
    data = demo_mm_inputs(2, [[3, 64, 64]] * 2, num_items=[3, 0],
                          num_classes=3, **kwargs)
    data = model.data_preprocessor(data, True)
    model.train()
    losses = model.loss(data['inputs'], data['data_samples'])
    loss, _ = model.parse_losses(losses)
    loss.backward()
    grads = [weight.grad for weight in model.parameters()
             if weight.grad is not None]
    model.eval()
    with torch.no_grad():
        samples = model.predict(data['inputs'], data['data_samples'])
    return loss, grads, samples


@pytest.mark.parametrize('name', MODELS_OF_MMDET)
def test_model_trains_and_predicts(name):
    model = build(name, MODELS_OF_MMDET[name])
    masks = 'mask_head' in getattr(model, 'roi_head', torch.nn.Module(
    ))._modules
    loss, grads, samples = step_and_predict(model, with_mask=masks)
    assert loss.isfinite()
    assert all(grad.isfinite().all() for grad in grads)
    assert sum(grad.abs().sum() for grad in grads) > 0
    assert len(samples) == 2
    for sample in samples:
        assert sample.pred_instances.bboxes.shape[1] == 4
        assert not masks or sample.pred_instances.masks.shape[1:] == (64, 64)


def test_mask_rcnn_under_autocast():
    name = 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'
    model = build(name, two_stage)
    with torch.autocast('cpu', torch.bfloat16):
        loss, grads, samples = step_and_predict(model, with_mask=True)
    assert loss.isfinite()
    assert all(grad.isfinite().all() for grad in grads)
    assert len(samples) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
@pytest.mark.parametrize('name', MODELS_OF_MMDET)
def test_model_on_cuda(name):
    loss, _, samples = step_and_predict(
        build(name, MODELS_OF_MMDET[name], 'cuda'), with_mask=True)
    assert loss.isfinite()
    assert len(samples) == 2


def test_all_of_mmpose_imports():
    """Every module of mmpose.models, evaluation and datasets."""
    mmpose = pytest.importorskip('mmpose')
    for part in ('models', 'evaluation', 'datasets'):
        package = importlib.import_module(f'{mmpose.__name__}.{part}')
        for module in pkgutil.walk_packages(package.__path__,
                                            f'{package.__name__}.'):
            importlib.import_module(module.name)
