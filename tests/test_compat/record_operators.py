"""Record what mmcv's compiled operators give, for test_recorded_operators.py.

    python tests/test_compat/record_operators.py [OUT.npz]

Run it in an environment with the full mmcv 2.1.0 (``mmcv._ext``), torch and
ninja; the file in tests/data was written with torch 2.13 on a CPU. Inputs are
not stored: :func:`cases` makes them from fixed seeds, the same everywhere.

mmcv has CPU code for only some of its operators. For the others this script
compiles mmcv's own CUDA kernels as serial C++ (mmcv_kernels.cpp), so that the
recording is theirs too.
"""

import sys
from pathlib import Path

import numpy as np
import torch

DTYPES = {32: torch.float32, 64: torch.float64}
RECORDING = Path(__file__).parents[1] / 'data' / 'mmcv_operators.npz'


def boxes_of(random, count, size=40, side=20):
    """Boxes (count, 4), some of them beyond an image of ``size`` pixels."""
    start = random.uniform(-side / 2, size, (count, 2))
    return np.concatenate(
        [start, start + random.uniform(1, side, (count, 2))], 1)


def rois_of(random, count, images, **kwargs):
    index = random.randint(0, images, (count, 1))
    return np.concatenate([index, boxes_of(random, count, **kwargs)], 1)


def _suppression_cases():
    for seed, (count, threshold, offset) in enumerate([
            (0, 0.5, 0), (1, 0.5, 0), (60, 0.5, 0), (60, 0.3, 1),
            (200, 0.7, 0)]):
        random = np.random.RandomState(seed)
        data = dict(boxes=boxes_of(random, count),
                    scores=random.permutation(count) / max(count, 1))
        options = dict(iou_threshold=threshold, offset=offset)
        yield 'nms', data, options
        for method in ('naive', 'linear', 'gaussian'):
            yield 'soft_nms', data, dict(options, method=method,
                                         min_score=0.05, sigma=0.4)
        yield 'nms_match', data, dict(iou_threshold=threshold)
        if count == 0:
            continue
        for kind in ('nms', 'soft_nms'):
            yield 'batched_nms', dict(
                data, idxs=random.randint(0, 3, count)), dict(
                    nms_cfg=dict(type=kind, iou_threshold=threshold))
    random = np.random.RandomState(9)
    # Equal scores, and boxes that touch the threshold exactly: 3/10 and 1/2.
    ties = dict(boxes=np.array([[0, 0, 10, 1], [0, 0, 3, 1], [0, 0, 10, 1],
                                [20, 0, 30, 10], [20, 0, 30, 5]], float),
                scores=np.array([0.5, 0.5, 0.5, 0.9, 0.9]))
    for threshold in (0.3, 0.5):
        yield 'nms', ties, dict(iou_threshold=threshold)
        yield 'soft_nms', ties, dict(iou_threshold=threshold, method='linear',
                                     min_score=0.05, sigma=0.4)
        yield 'nms_match', ties, dict(iou_threshold=threshold)
    for mode in ('iou', 'iof'):
        for aligned in (False, True):
            yield 'bbox_overlaps', dict(
                bboxes1=boxes_of(random, 7),
                bboxes2=boxes_of(random, 7 if aligned else 4)), dict(
                    mode=mode, aligned=aligned, offset=int(aligned))


def _pooling_cases():
    for seed, (count, scale, ratio, aligned) in enumerate([
            (6, 1.0, 0, True), (6, 0.5, 2, True), (6, 0.25, 0, False),
            (6, 0.5, 2, False), (0, 1.0, 0, True)]):
        random = np.random.RandomState(20 + seed)
        data = dict(input=random.randn(2, 3, 9, 11),
                    rois=rois_of(random, count, 2, size=11 / scale,
                                 side=12 / scale))
        for mode in ('avg', 'max'):
            yield 'roi_align', data, dict(
                output_size=(3, 4), spatial_scale=scale, sampling_ratio=ratio,
                pool_mode=mode, aligned=aligned)
        yield 'roi_pool', data, dict(output_size=(3, 4), spatial_scale=scale)
        yield 'deform_roi_pool', dict(
            data, offset=random.randn(count, 2, 3, 4)), dict(
                output_size=(3, 4), spatial_scale=scale, sampling_ratio=ratio,
                gamma=0.1)


def _convolution_cases():
    for seed, (stride, padding, dilation, groups, deform_groups) in enumerate(
            [(1, 1, 1, 1, 1), (2, 1, 1, 2, 1), (1, 2, 2, 1, 2),
             ((2, 1), (0, 1), 1, 2, 4)]):
        random = np.random.RandomState(40 + seed)
        options = dict(stride=stride, padding=padding, dilation=dilation,
                       groups=groups, deform_groups=deform_groups)
        weight = random.randn(6, 8 // groups, 3, 3) / 9
        size = [(length + 2 * pad - 2 * dilation - 1) // step + 1
                for length, pad, step in zip(
                    (5, 6), np.broadcast_to(padding, 2),
                    np.broadcast_to(stride, 2), strict=True)]
        data = dict(input=random.randn(2, 8, 5, 6),
                    offset=2 * random.randn(2, 18 * deform_groups, *size))
        yield 'deform_conv2d', dict(data, weight=weight), options
        data['mask'] = random.uniform(size=(2, 9 * deform_groups, *size))
        data['weight'] = weight
        yield 'modulated_deform_conv2d', dict(data, bias=None), options
        yield 'modulated_deform_conv2d', dict(
            data, bias=random.randn(6)), options
    random = np.random.RandomState(49)
    yield 'masked_conv2d', dict(
        features=random.randn(1, 4, 6, 7),
        mask=(random.uniform(size=(1, 6, 7)) > 0.5).astype(float),
        weight=random.randn(5, 4, 3, 3), bias=random.randn(5)), dict(padding=1)


def _loss_cases():
    for seed, (count, gamma, alpha, weighted, reduction) in enumerate([
            (8, 2.0, 0.25, False, 'none'), (8, 1.5, 0.6, True, 'mean'),
            (8, 0.0, 0.5, False, 'sum'), (0, 2.0, 0.25, False, 'sum')]):
        random = np.random.RandomState(60 + seed)
        data = dict(input=3 * random.randn(count, 5),
                    weight=random.uniform(size=5) if weighted else None)
        options = dict(gamma=gamma, alpha=alpha, reduction=reduction)
        # Target 5 is background; with weights mmcv would read past their end.
        yield 'sigmoid_focal_loss', dict(
            data, target=random.randint(0, 5 if weighted else 6, count)
        ), options
        # Without a reduction mmcv's own softmax gradient does not work.
        if count and reduction != 'none':
            yield 'softmax_focal_loss', dict(
                data, target=random.randint(0, 5, count)), options


def _attention_cases():
    for seed, queries in enumerate([5, 0]):
        random = np.random.RandomState(80 + seed)
        weights = random.uniform(size=(2, queries, 2, 2, 3))
        yield 'ms_deform_attn', dict(
            value=random.randn(2, 26, 2, 4),
            locations=random.uniform(-0.2, 1.2, (2, queries, 2, 2, 3, 2)),
            weights=weights), dict(shapes=((4, 5), (2, 3)))
    for seed, (kernel, groups, scale) in enumerate([(3, 1, 2), (5, 2, 3)]):
        random = np.random.RandomState(90 + seed)
        yield 'carafe', dict(
            features=random.randn(2, 4, 4, 5),
            masks=random.uniform(
                size=(2, kernel**2 * groups, 4 * scale, 5 * scale))), dict(
                    kernel_size=kernel, group_size=groups, scale_factor=scale)


def cases():
    """Every case as (key, operator, inputs as arrays, options)."""
    sources = (_suppression_cases, _pooling_cases, _convolution_cases,
               _loss_cases, _attention_cases)
    number = 0
    for source in sources:
        for operator, inputs, options in source():
            yield f'{number:03d}-{operator}', operator, inputs, options
            number += 1


# Inputs through which no gradient flows.
_FIXED = ('boxes', 'scores', 'idxs', 'bboxes1', 'bboxes2', 'rois', 'mask_',
          'target')


def run(operator, inputs, options, dtype=torch.float32, device='cpu'):
    """Outputs and gradients of one case, as arrays by name.

    The gradients are those of the outputs' inner product with fixed numbers.
    """
    tensors = {}
    for name, value in inputs.items():
        if value is None:
            tensors[name] = None
            continue
        value = torch.as_tensor(value, device=device)
        if value.is_floating_point():
            value = value.to(dtype)
        if _is_differentiable(operator, name):
            value.requires_grad_()
        tensors[name] = value
    outputs = CALLS[operator](tensors, options)
    if not isinstance(outputs, (tuple, list)):
        outputs = [outputs]
    result = {f'output{i}': output.detach().cpu().numpy()
              for i, output in enumerate(outputs)}
    if operator != 'masked_conv2d' and outputs[0].requires_grad:
        random = np.random.RandomState(0)
        factor = torch.as_tensor(random.randn(*outputs[0].shape)).to(
            outputs[0])
        (outputs[0] * factor).sum().backward()
        for name, tensor in tensors.items():
            if tensor is not None and tensor.grad is not None:
                result[f'grad_{name}'] = tensor.grad.cpu().numpy()
    return result


def _is_differentiable(operator, name):
    if operator == 'masked_conv2d' or name in _FIXED:
        return False
    return not (operator.endswith('focal_loss') and name == 'weight')


def _nms_match(tensors, options):
    from mmcv.ops import nms_match
    dets = torch.cat([tensors['boxes'], tensors['scores'][:, None]], 1)
    groups = nms_match(dets, **options)
    empty = [torch.zeros(0, dtype=torch.long)]
    return (torch.cat([*groups, *empty]),
            torch.tensor([len(group) for group in groups], dtype=torch.long))


def _in_order(name, *arguments):
    """Call an autograd Function, which takes no keywords."""

    def call(tensors, options):
        import mmcv.ops
        values = [tensors.get(argument, options.get(argument))
                  for argument in arguments]
        return getattr(mmcv.ops, name)(*values)

    return call


def _by_keyword(name):

    def call(tensors, options):
        import mmcv.ops
        return getattr(mmcv.ops, name)(**tensors, **options)

    return call


def _ms_deform_attn(tensors, options):
    from mmcv.ops.multi_scale_deform_attn import (
        MultiScaleDeformableAttnFunction,
    )
    shapes = torch.tensor(options['shapes'], device=tensors['value'].device)
    starts = shapes.prod(1).cumsum(0) - shapes.prod(1)
    return MultiScaleDeformableAttnFunction.apply(
        tensors['value'], shapes, starts, tensors['locations'],
        tensors['weights'], 64)


_POOL = ('input', 'rois', 'output_size', 'spatial_scale')
_CONV = ('stride', 'padding', 'dilation', 'groups', 'deform_groups')
_LOSS = ('input', 'target', 'gamma', 'alpha', 'weight', 'reduction')
CALLS = {
    'nms': _by_keyword('nms'),
    'soft_nms': _by_keyword('soft_nms'),
    'nms_match': _nms_match,
    'batched_nms': _by_keyword('batched_nms'),
    'bbox_overlaps': _by_keyword('bbox_overlaps'),
    'roi_align': _in_order('roi_align', *_POOL, 'sampling_ratio', 'pool_mode',
                           'aligned'),
    'roi_pool': _in_order('roi_pool', *_POOL),
    'deform_roi_pool': _in_order(
        'deform_roi_pool', 'input', 'rois', 'offset', 'output_size',
        'spatial_scale', 'sampling_ratio', 'gamma'),
    'deform_conv2d': _in_order('deform_conv2d', 'input', 'offset', 'weight',
                               *_CONV),
    'modulated_deform_conv2d': _in_order(
        'modulated_deform_conv2d', 'input', 'offset', 'mask', 'weight',
        'bias', *_CONV),
    'masked_conv2d': _in_order('masked_conv2d', 'features', 'mask', 'weight',
                               'bias', 'padding'),
    'sigmoid_focal_loss': _in_order('sigmoid_focal_loss', *_LOSS),
    'softmax_focal_loss': _in_order('softmax_focal_loss', *_LOSS),
    'ms_deform_attn': _ms_deform_attn,
    'carafe': _in_order('carafe', 'features', 'masks', 'kernel_size',
                        'group_size', 'scale_factor'),
}


def main(path):
    from mmcv_kernels import use_kernels_as_operators
    use_kernels_as_operators()
    recording = {}
    for key, *case in cases():
        for bits, dtype in DTYPES.items():
            # mmcv's suppression knows float32 only.
            if bits == 64 and 'boxes' in case[1]:
                continue
            for name, value in run(*case, dtype=dtype).items():
                recording[f'{key}/{bits}/{name}'] = value
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix('.part.npz')
    np.savez_compressed(part, **recording)
    part.replace(path)
    sys.stdout.write(
        f'{len(recording)} arrays in {path}, {path.stat().st_size} bytes\n')


if __name__ == '__main__':
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDING)
