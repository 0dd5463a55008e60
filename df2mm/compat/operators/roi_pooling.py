"""RoIAlign, RoIPool and deformable RoI pooling.

Shapes: N images, C channels, H and W rows and columns, R RoIs, P and Q rows
and columns of an output. A RoI is (image index, x1, y1, x2, y2).
"""

import math

import torch

from .bilinear import corners, sample, scatter
from .native import torchvision_operators
from .precision import working


def roi_align_forward(input, rois, output, argmax_y, argmax_x, aligned_height,
                      aligned_width, spatial_scale, sampling_ratio, pool_mode,
                      aligned):
    """Fill ``output`` (R, C, P, Q); ``pool_mode`` 0 is max, 1 is average.

    Differs from the compiled operator: an empty RoI under max pooling gives
    0, not -10000.

    Raises:
        ValueError: on the CPU, if ``aligned`` and a RoI ends before it starts.
    """
    features, boxes = working(input, rois)
    _check_rois(boxes, aligned)
    if pool_mode == 1:
        output.copy_(torchvision_operators().roi_align(
            features.contiguous(), boxes.contiguous(), spatial_scale,
            aligned_height, aligned_width, sampling_ratio, aligned))
        return
    size = (aligned_height, aligned_width)
    height, width = features.shape[2:]
    for r, box in enumerate(boxes):
        y, x = _grid(box, size, spatial_scale, sampling_ratio, aligned)
        if y.numel() == 0:
            # Far outside the map, so that the gradient goes nowhere.
            argmax_y[r], argmax_x[r] = -2, -2
            continue
        feature = features[int(box[0])].flatten(1)
        values = sample(feature, corners(y, x, height, width))
        best, where = values.max(-1)
        output[r] = best
        argmax_y[r] = y.expand_as(values).gather(-1, where[..., None])[..., 0]
        argmax_x[r] = x.expand_as(values).gather(-1, where[..., None])[..., 0]


def roi_align_backward(grad_output, rois, argmax_y, argmax_x, grad_input,
                       aligned_height, aligned_width, spatial_scale,
                       sampling_ratio, pool_mode, aligned):
    """Add the gradient of the input (N, C, H, W) to ``grad_input``."""
    grad, boxes, ys, xs = working(grad_output, rois, argmax_y, argmax_x)
    num, channels, height, width = grad_input.shape
    if pool_mode == 1:
        grad_input.add_(torchvision_operators()._roi_align_backward(
            grad.contiguous(), boxes.contiguous(), spatial_scale,
            aligned_height, aligned_width, num, channels, height, width,
            sampling_ratio, aligned))
        return
    result = grad.new_zeros(num, channels, height * width)
    flat = result.view(1, -1)
    channel = torch.arange(channels, device=grad.device)[:, None, None]
    for r, box in enumerate(boxes):
        points = corners(ys[r], xs[r], height, width)
        # Each channel has its own point: address all maps as one.
        base = (int(box[0]) * channels + channel) * height * width
        scatter(grad[r][None], points._replace(index=points.index + base),
                flat)
    grad_input.add_(result.view_as(grad_input))


def roi_pool_forward(input, rois, output, argmax, pooled_height, pooled_width,
                     spatial_scale):
    """Fill ``output`` and ``argmax`` (R, C, P, Q): the largest in each bin.

    mmcv's rule, which is not torchvision's: x2 and y2 are the last pixel
    inside, and RoIs are not rounded before they are cut into bins.
    """
    features, boxes = working(input, rois)
    height, width = features.shape[2:]
    output.zero_()
    argmax.fill_(-1)
    columns = torch.arange(width, device=features.device)
    rows = torch.arange(height, device=features.device)
    for r, box in enumerate(boxes):
        x_start, x_end = _bins(box[1], box[3], spatial_scale, pooled_width,
                               width)
        y_start, y_end = _bins(box[2], box[4], spatial_scale, pooled_height,
                               height)
        if x_start is None or y_start is None:
            continue
        feature = features[int(box[0])]
        in_x = (columns >= x_start[:, None]) & (columns < x_end[:, None])
        in_y = (rows >= y_start[:, None]) & (rows < y_end[:, None])
        # (C, H, Q): the largest of each row, then (C, P, Q): of those.
        best, at_x = feature[:, :, None].masked_fill(
            ~in_x, -math.inf).max(-1)
        best, at_y = best[:, None].masked_fill(
            ~in_y[:, :, None], -math.inf).max(2)
        index = at_y * width + at_x.gather(1, at_y)
        empty = ~(in_y.any(1)[:, None] & in_x.any(1))
        output[r] = best.masked_fill(empty, 0)
        argmax[r] = index.masked_fill(empty, -1)


def roi_pool_backward(grad_output, rois, argmax, grad_input, pooled_height,
                      pooled_width, spatial_scale):
    """Add the gradient of the input (N, C, H, W) to ``grad_input``."""
    if grad_output.numel() == 0:
        return
    grad, = working(grad_output)
    num, channels, height, width = grad_input.shape
    result = grad.new_zeros(num * channels, height * width)
    index = argmax.flatten(2).long()
    grad = grad.flatten(2) * (index >= 0)
    channel = torch.arange(channels, device=grad.device)
    plane = rois[:, 0].long()[:, None] * channels + channel
    flat = plane[..., None] * (height * width) + index.clamp(min=0)
    result.view(-1).index_add_(0, flat.flatten(), grad.flatten())
    grad_input.add_(result.view_as(grad_input))


def deform_roi_pool_forward(input, rois, offset, output, pooled_height,
                            pooled_width, spatial_scale, sampling_ratio,
                            gamma):
    """Fill ``output`` (R, C, P, Q): RoIAlign whose bins are moved.

    ``offset`` (R, 2, P, Q) holds x and y in ``gamma`` RoI sizes, or is empty.
    """
    features, boxes, offset = working(input, rois, offset)
    height, width = features.shape[2:]
    size = (pooled_height, pooled_width)
    for r, box in enumerate(boxes):
        y, x = _moved_grid(r, box, offset, size, spatial_scale,
                           sampling_ratio, gamma)
        feature = features[int(box[0])].flatten(1)
        values = sample(feature, corners(y, x, height, width))
        output[r] = values.sum(-1) / max(y.shape[-1], 1)


def deform_roi_pool_backward(grad_output, input, rois, offset, grad_input,
                             grad_offset, pooled_height, pooled_width,
                             spatial_scale, sampling_ratio, gamma):
    """Add the gradients of the input and of the offsets."""
    grad, features, boxes, offset = working(grad_output, input, rois, offset)
    height, width = features.shape[2:]
    size = (pooled_height, pooled_width)
    result = torch.zeros_like(features).flatten(2)
    for r, box in enumerate(boxes):
        y, x = _moved_grid(r, box, offset, size, spatial_scale,
                           sampling_ratio, gamma)
        if y.numel() == 0:
            continue
        points = corners(y, x, height, width)
        share = (grad[r] / y.shape[-1])[..., None].expand(
            -1, -1, -1, y.shape[-1])
        scatter(share, points, result[int(box[0])])
        if offset.numel() == 0:
            continue
        feature = features[int(box[0])].flatten(1)
        tl, tr, bl, br = (feature[:, index] for index in points.index)
        low, high = points.index[0], points.index[3]
        y_low, x_low = low // width, low % width
        y_high, x_high = high // width, high % width
        slope_x = (br * (y - y_low) + tr * (y_high - y)
                   + bl * (y_low - y) + tl * (y - y_high))
        slope_y = (br * (x - x_low) + bl * (x_high - x)
                   + tr * (x_low - x) + tl * (x - x_high))
        sides = (box[3:] - box[1:3]) * spatial_scale * gamma
        share = share * points.inside
        grad_offset[r, 0] += (share * slope_x).sum((0, -1)) * sides[0]
        grad_offset[r, 1] += (share * slope_y).sum((0, -1)) * sides[1]
    grad_input.add_(result.view_as(grad_input))


def _check_rois(boxes, aligned):
    # Reading the answer would stall a GPU; there such RoIs give zeros.
    if not aligned or boxes.is_cuda or boxes.numel() == 0:
        return
    bad = (boxes[:, 3:] < boxes[:, 1:3]).any(1).nonzero()
    if len(bad):
        row = int(bad[0])
        raise ValueError(
            'roi_align expects RoIs (index, x1, y1, x2, y2) with x1 <= x2 and '
            f'y1 <= y2, got {boxes[row].tolist()} in row {row}. Clip or order '
            'the boxes first')


def _grid(box, size, spatial_scale, sampling_ratio, aligned):
    """Sampling points of one RoI: y and x of shape (P, Q, S)."""
    shift = 0.5 if aligned else 0.0
    start = box[1:3] * spatial_scale - shift
    sides = (box[3:] * spatial_scale - shift) - start
    if not aligned:
        sides = sides.clamp(min=1)
    axes = []
    for axis, bins in ((1, size[0]), (0, size[1])):
        side = sides[axis]
        steps = sampling_ratio
        if steps <= 0:
            steps = max(math.ceil(float(side) / bins), 0)
        position = torch.arange(bins * steps, dtype=box.dtype,
                                device=box.device) + 0.5
        axes.append((start[axis] + position * side / max(bins * steps, 1)
                     ).view(bins, steps))
    y, x = axes
    y = y[:, None, :, None].expand(-1, x.shape[0], -1, x.shape[1])
    x = x[None, :, None, :].expand_as(y)
    return y.flatten(2), x.flatten(2)


def _moved_grid(r, box, offset, size, spatial_scale, sampling_ratio, gamma):
    y, x = _grid(box, size, spatial_scale, sampling_ratio, aligned=True)
    if offset.numel() == 0:
        return y, x
    sides = (box[3:] - box[1:3]) * spatial_scale * gamma
    return (y + (offset[r, 1] * sides[1])[..., None],
            x + (offset[r, 0] * sides[0])[..., None])


def _bins(low, high, spatial_scale, bins, size):
    """First and past-the-last pixel of each bin, or None, None if empty."""
    start = low * spatial_scale
    length = (high + 1) * spatial_scale - start
    if length <= 0:
        return None, None
    step = length / bins
    edge = torch.arange(bins + 1, dtype=step.dtype, device=step.device)
    edge = edge * step + start
    return (edge[:-1].floor().clamp(0, size).long(),
            edge[1:].ceil().clamp(0, size).long())
