"""mmcv.ops in torch and torchvision: by hand, empty, in half precision."""

import sys

import numpy as np
import pytest
import torch
from mmcv import ops
from mmcv.utils import collect_env
from mmcv.utils.ext_loader import check_ops_exist

from df2mm.compat import operators

pytestmark = pytest.mark.skipif(
    sys.modules['mmcv._ext'] is not operators,
    reason='a compiled mmcv is installed and has operators of its own')


def test_nms_by_hand():
    # The second covers 8/10 of the first, the third 1/3 of it.
    boxes = torch.tensor([[0., 0, 10, 10], [0, 0, 8, 10], [5, 0, 15, 10]])
    dets, kept = ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)
    assert kept.tolist() == [0, 2]
    assert dets[1].tolist() == pytest.approx([5, 0, 15, 10, 0.7])


def test_nms_keeps_the_order_of_equal_scores():
    boxes = torch.tensor([[20. * i, 0, 20 * i + 10, 10] for i in range(40)])
    _, kept = ops.nms(boxes, torch.full((40,), 0.5), 0.5)
    assert kept.tolist() == list(range(40))


def test_nms_offset_counts_the_last_pixel():
    # 0..9 and 0..4 are ten and five pixels wide: 5/10 with, 4/9 without.
    boxes = torch.tensor([[0., 0, 9, 9], [0, 0, 4, 9]])
    scores = torch.tensor([0.9, 0.8])
    assert len(ops.nms(boxes, scores, 0.47, offset=0)[1]) == 2
    assert len(ops.nms(boxes, scores, 0.47, offset=1)[1]) == 1


@pytest.mark.parametrize('method, score', [
    ('naive', None), ('linear', 0.8 * (1 - 0.8)),
    ('gaussian', 0.8 * np.exp(-0.8**2 / 0.5))])
def test_soft_nms_by_hand(method, score):
    boxes = np.array([[0, 0, 10, 10], [0, 0, 8, 10]], np.float32)
    dets, kept = ops.soft_nms(boxes, np.array([0.9, 0.8], np.float32), 0.5,
                              sigma=0.5, method=method)
    if score is None:
        assert kept.tolist() == [0]
    else:
        assert kept.tolist() == [0, 1]
        assert dets[1, 4] == pytest.approx(score)


def test_nms_match_by_hand():
    dets = torch.tensor([[0., 0, 8, 10, 0.8], [0, 0, 10, 10, 0.9],
                         [50, 0, 60, 10, 0.1]])
    groups = ops.nms_match(dets, 0.5)
    assert [group.tolist() for group in groups] == [[1, 0], [2]]


def test_roi_align_by_hand():
    # A ramp along x: a bin's value is its centre, minus half a pixel.
    ramp = torch.arange(8.).expand(1, 1, 8, 8)
    rois = torch.tensor([[0., 2, 2, 6, 6]])
    output = ops.roi_align(ramp, rois, (2, 2), 1.0, 2, 'avg', True)
    assert output[0, 0].tolist() == [[2.5, 4.5], [2.5, 4.5]]


def test_roi_pool_takes_the_last_pixel():
    # mmcv: x2 = 3 is inside, and a RoI is cut before it is rounded.
    ramp = torch.arange(8.).expand(1, 1, 8, 8)
    rois = torch.tensor([[0., 0, 0, 3, 3]])
    assert ops.roi_pool(ramp, rois, 2, 1.0)[0, 0].tolist() == [[1, 3], [1, 3]]


def test_deform_conv_without_offsets_is_a_convolution():
    data, weight = torch.randn(2, 4, 6, 7), torch.randn(3, 4, 3, 3)
    output = ops.deform_conv2d(data, torch.zeros(2, 18, 6, 7), weight, 1, 1)
    torch.testing.assert_close(
        output, torch.nn.functional.conv2d(data, weight, padding=1))


@pytest.mark.parametrize('call', [
    lambda data, **kwargs: ops.deform_conv2d(
        data, kwargs['offset'], kwargs['weight'], 1, 1),
    lambda data, **kwargs: ops.modulated_deform_conv2d(
        data, kwargs['offset'], torch.ones(2, 9, 6, 7).to(data),
        kwargs['weight'], None, 1, 1)])
def test_deform_conv_gradient_twice(call):
    """Two backward passes through one graph give the same gradients."""
    data = torch.randn(2, 4, 6, 7, requires_grad=True)
    weight = torch.randn(3, 4, 3, 3, requires_grad=True)
    offset = torch.randn(2, 18, 6, 7, requires_grad=True)
    output = call(data, offset=offset, weight=weight).square().sum()
    first = torch.autograd.grad(output, (data, offset, weight),
                                retain_graph=True)
    second = torch.autograd.grad(output, (data, offset, weight))
    only_weight = torch.autograd.grad(
        call(data.detach(), offset=offset.detach(),
             weight=weight).square().sum(), weight)
    for one, two in zip((*first, first[2]), (*second, *only_weight),
                        strict=True):
        torch.testing.assert_close(one, two)


def test_focal_loss_stays_exact_for_large_logits():
    """Where mmcv's float32 kernel saturates: -log(1 - sigmoid(x)) is x."""
    logits = torch.tensor([[40.]], requires_grad=True)
    loss = ops.sigmoid_focal_loss(logits, torch.tensor([1]), 2.0, 0.25, None,
                                  'sum')
    loss.backward()
    assert loss.item() == pytest.approx(0.75 * 40)
    assert logits.grad.item() == pytest.approx(0.75)


def test_sync_batch_norm_is_batch_norm_on_one_process():
    from mmcv.ops.sync_bn import SyncBatchNormFunction
    data = torch.randn(3, 4, 5, requires_grad=True)
    weight = torch.rand(4, requires_grad=True)
    bias = torch.rand(4, requires_grad=True)
    ours, theirs = [[torch.zeros(4), torch.ones(4)] for _ in range(2)]
    output = SyncBatchNormFunction.apply(
        data, *ours, weight, bias, 0.1, 1e-5, None, 1, 'default')
    expected = torch.nn.functional.batch_norm(
        data, *theirs, weight, bias, True, 0.1, 1e-5)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(ours, theirs)
    factor = torch.randn_like(output)
    for one, two in zip(
            torch.autograd.grad(output, (data, weight, bias), factor),
            torch.autograd.grad(expected, (data, weight, bias), factor),
            strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


EMPTY = torch.zeros(0, 4)


@pytest.mark.parametrize('call, shapes', [
    (lambda: ops.nms(EMPTY, EMPTY[:, 0], 0.5), [(0, 5), (0,)]),
    (lambda: ops.soft_nms(EMPTY, EMPTY[:, 0]), [(0, 5), (0,)]),
    (lambda: [torch.tensor(ops.nms_match(torch.zeros(0, 5), 0.5))], [(0,)]),
    (lambda: [ops.bbox_overlaps(EMPTY, torch.ones(3, 4))], [(0, 3)]),
    (lambda: [ops.roi_align(torch.ones(1, 2, 4, 4), torch.zeros(0, 5), 3)],
     [(0, 2, 3, 3)]),
    (lambda: [ops.roi_pool(torch.ones(1, 2, 4, 4), torch.zeros(0, 5), 3)],
     [(0, 2, 3, 3)]),
    (lambda: [ops.sigmoid_focal_loss(
        torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), 2.0, 0.25, None,
        'none')], [(0, 4)]),
])
def test_empty_inputs(call, shapes):
    assert [tuple(output.shape) for output in call()] == shapes


def half_cases():
    data = torch.randn(2, 4, 8, 8)
    rois = torch.tensor([[0., 1, 1, 6, 7], [1, 0, 0, 8, 8]])
    offset, mask = torch.randn(2, 18, 8, 8), torch.rand(2, 9, 8, 8)
    weight = torch.randn(4, 4, 3, 3) / 6
    target = torch.tensor([1, 4])
    yield 'roi_align', data, lambda x: ops.roi_align(
        x, rois.to(x), 3, 1.0, 2, 'avg', True)
    yield 'roi_align_max', data, lambda x: ops.roi_align(
        x, rois.to(x), 3, 1.0, 2, 'max', True)
    yield 'roi_pool', data, lambda x: ops.roi_pool(x, rois.to(x), 3, 1.0)
    yield 'deform_conv2d', data, lambda x: ops.deform_conv2d(
        x, offset.to(x), weight, 1, 1)
    yield 'modulated', data, lambda x: ops.modulated_deform_conv2d(
        x, offset.to(x), mask.to(x), weight, None, 1, 1)
    yield 'sigmoid_focal', data[:, :, 0, 0], lambda x: ops.sigmoid_focal_loss(
        x, target, 2.0, 0.25, None, 'none')
    yield 'carafe', data, lambda x: ops.carafe(
        x, torch.ones(2, 9, 16, 16).to(x), 3, 1, 2)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('name, data, call', half_cases(),
                         ids=lambda value: value if isinstance(value, str)
                         else '')
def test_half_precision(name, data, call, dtype):
    data = data.to(dtype)
    exact = data.float().requires_grad_()
    rounded = data.requires_grad_()
    expected, output = call(exact), call(rounded)
    assert output.dtype == dtype
    # Offsets and RoIs are rounded too: the bound is loose.
    torch.testing.assert_close(output.float(), expected, rtol=0.1, atol=0.1)
    expected.sum().backward()
    output.sum().backward()
    assert rounded.grad.dtype == dtype
    torch.testing.assert_close(rounded.grad.float(), exact.grad, rtol=0.1,
                               atol=0.2)


def test_autocast():
    torch.manual_seed(0)
    conv = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1),
        ops.ModulatedDeformConv2dPack(4, 4, 3, padding=1),
        ops.DeformConv2dPack(4, 4, 3, padding=1))
    align = ops.RoIAlign((2, 2), sampling_ratio=2)
    image = torch.randn(2, 3, 8, 8)
    rois = torch.tensor([[0., 1, 1, 6, 7], [1, 0, 0, 8, 8]])
    with torch.autocast('cpu', torch.bfloat16):
        features = conv(image)
        output = align(features, rois)
    assert features.dtype == output.dtype == torch.bfloat16
    output.float().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all()
               for weight in conv.parameters())


def test_attention_module_under_autocast():
    attention = ops.MultiScaleDeformableAttention(8, 2, 1, 2, batch_first=True)
    shapes = torch.tensor([[3, 4]])
    with torch.autocast('cpu', torch.bfloat16):
        output = attention(
            torch.randn(1, 5, 8), value=torch.randn(1, 12, 8),
            reference_points=torch.rand(1, 5, 1, 2), spatial_shapes=shapes,
            level_start_index=torch.tensor([0]))
    output.float().sum().backward()
    assert output.shape == (1, 5, 8)


@pytest.mark.parametrize('call, name', [
    (lambda: ops.convex_iou(torch.ones(1, 18), torch.ones(1, 8)),
     'convex_iou'),
    (lambda: ops.box_iou_rotated(torch.ones(1, 5), torch.ones(1, 5)),
     'box_iou_rotated'),
    (lambda: ops.roi_align_rotated(torch.ones(1, 1, 4, 4), torch.ones(1, 6),
                                   2, 1.0), 'roi_align_rotated_forward'),
])
def test_operator_without_counterpart_says_so_when_called(call, name):
    with pytest.raises(NotImplementedError,
                       match=rf"'{name}'.*--no-binary mmcv mmcv==2\.1\.0"):
        call()


def test_inverted_roi_is_named():
    rois = torch.tensor([[0., 0, 0, 4, 4], [0, 5, 0, 4, 4]])
    with pytest.raises(ValueError, match=r'x1 <= x2.*row 1'):
        ops.roi_align(torch.ones(1, 1, 4, 4), rois, 2)


def test_environment_report():
    environment = collect_env()
    assert 'df2mm' in environment['MMCV Compiler']
    assert environment['MMCV CUDA Compiler'] == 'not available'
    assert check_ops_exist()


def test_no_dunder_is_an_operator():
    with pytest.raises(AttributeError, match='__wrapped__'):
        operators.__wrapped__  # noqa: B018
