"""Multi-scale deformable attention and CARAFE upsampling."""

import torch
import torch.nn.functional as F

from .precision import working


def ms_deform_attn_forward(value, value_spatial_shapes,
                           value_level_start_index, sampling_locations,
                           attention_weights, im2col_step):
    """Deformable attention, (B, Q, M*D), by mmcv's own torch form.

    Args:
        value (Tensor): (B, sum of H*W over the L levels, M, D) for M heads.
        value_spatial_shapes (Tensor): (L, 2) rows and columns.
        value_level_start_index (Tensor): (L,), implied by the shapes.
        sampling_locations (Tensor): (B, Q, M, L, P, 2) x and y in 0..1.
        attention_weights (Tensor): (B, Q, M, L, P).
        im2col_step (int): a memory limit of the compiled operator; unused.
    """
    tensors = working(value, sampling_locations, attention_weights)
    return _attend(value_spatial_shapes, *tensors).to(value)


def ms_deform_attn_backward(value, value_spatial_shapes,
                            value_level_start_index, sampling_locations,
                            attention_weights, grad_output, grad_value,
                            grad_sampling_loc, grad_attn_weight, im2col_step):
    """Add the gradients of value, locations and weights."""
    tensors = working(value, sampling_locations, attention_weights)
    tensors = [tensor.detach().requires_grad_() for tensor in tensors]
    with torch.enable_grad():
        output = _attend(value_spatial_shapes, *tensors)
        grads = torch.autograd.grad(output, tensors, grad_output.to(output))
    targets = (grad_value, grad_sampling_loc, grad_attn_weight)
    for target, grad in zip(targets, grads, strict=True):
        target.add_(grad)


def _attend(shapes, value, locations, weights):
    from mmcv.ops.multi_scale_deform_attn import (
        multi_scale_deformable_attn_pytorch as attend,
    )

    # A list: reading a CUDA tensor number by number would stall at each.
    return attend(value, shapes.tolist(), locations, weights)


def carafe_naive_forward(features, masks, output, kernel_size, group_size,
                         scale_factor):
    """Fill ``output`` (N, C, S*H, S*W): each pixel reassembled from its source.

    Args:
        features (Tensor): (N, C, H, W).
        masks (Tensor): (N, G*K*K, S*H, S*W), the weights of the K by K
            sources of each output pixel.
        output (Tensor): written in place.
        kernel_size (int): K, odd.
        group_size (int): G, channel groups with masks of their own.
        scale_factor (int): S.
    """
    data, weights = working(features, masks)
    windows = _windows(data, kernel_size, group_size)
    weights = _by_source(weights, kernel_size, group_size, scale_factor)
    result = sum(window * weights[:, :, i, None]
                 for i, window in enumerate(windows))
    output.copy_(result.reshape(output.shape))


def carafe_naive_backward(grad_output, features, masks, grad_input,
                          grad_masks, kernel_size, group_size, scale_factor):
    """Add the gradients of features and masks."""
    grad, data, weights = working(grad_output, features, masks)
    num, channels, height, width = data.shape
    grad = grad.reshape(num, group_size, channels // group_size, height,
                        scale_factor, width, scale_factor)
    weights = _by_source(weights, kernel_size, group_size, scale_factor)
    reach = kernel_size // 2
    padded = data.new_zeros(num, channels, height + 2 * reach,
                            width + 2 * reach)
    for i, window in enumerate(_windows(data, kernel_size, group_size)):
        top, left = divmod(i, kernel_size)
        target = padded[:, :, top:top + height, left:left + width]
        target += (grad * weights[:, :, i, None]).sum((4, 6)).reshape(
            data.shape)
        _by_source(grad_masks, kernel_size, group_size,
                   scale_factor)[:, :, i] += (grad * window).sum(2)
    grad_input.add_(padded[:, :, reach:reach + height, reach:reach + width])


def carafe_forward(features, masks, rfeatures, routput, rmasks, output,
                   kernel_size, group_size, scale_factor):
    """:func:`carafe_naive_forward`, keeping the features for the gradient."""
    rfeatures.copy_(features)
    carafe_naive_forward(features, masks, output, kernel_size, group_size,
                         scale_factor)


def carafe_backward(top_grad, rfeatures, masks, rtop_grad, rbottom_grad_hs,
                    rbottom_grad, rmask_grad, bottom_grad, mask_grad,
                    kernel_size, group_size, scale_factor):
    """:func:`carafe_naive_backward` for what ``carafe_forward`` kept."""
    carafe_naive_backward(top_grad, rfeatures, masks, bottom_grad, mask_grad,
                          kernel_size, group_size, scale_factor)


def _windows(data, kernel_size, group_size):
    """The K*K shifted maps, each (N, G, C/G, H, 1, W, 1)."""
    num, channels, height, width = data.shape
    reach = kernel_size // 2
    padded = F.pad(data, (reach, reach, reach, reach))
    for top in range(kernel_size):
        for left in range(kernel_size):
            window = padded[:, :, top:top + height, left:left + width]
            yield window.reshape(num, group_size, channels // group_size,
                                 height, 1, width, 1)


def _by_source(masks, kernel_size, group_size, scale_factor):
    """View masks as (N, G, K*K, H, S, W, S)."""
    num, _, height, width = masks.shape
    return masks.view(num, group_size, kernel_size**2,
                      height // scale_factor, scale_factor,
                      width // scale_factor, scale_factor)
