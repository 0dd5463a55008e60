"""Deformable convolution (v1 and modulated) and masked convolution.

Shapes: N images, C and O channels in and out, kernel (K, L), G deformable
groups. Offsets are (N, 2*G*K*L, H', W') with y before x, masks
(N, G*K*L, H', W'): mmcv's layout is torchvision's.
"""

import torch
import torch.nn.functional as F

from .native import torchvision_operators
from .precision import working


def deform_conv_forward(input, weight, offset, output, columns, ones, kW, kH,
                        dW, dH, padW, padH, dilationW, dilationH, group,
                        deformable_group, im2col_step):
    """Fill ``output`` (N, O, H', W')."""
    output.copy_(_convolve(
        *working(input, weight, offset), None, None,
        _geometry(dH, dW, padH, padW, dilationH, dilationW, group,
                  deformable_group)))


def deform_conv_backward_input(input, offset, gradOutput, gradInput,
                               gradOffset, weight, columns, kW, kH, dW, dH,
                               padW, padH, dilationW, dilationH, group,
                               deformable_group, im2col_step):
    """Add the gradients of the input and the offsets.

    torchvision gives all gradients at once; the weight's is left in
    ``columns``, mmcv's scratch space, for the call that follows.
    """
    grads = _gradients(
        gradOutput, input, weight, offset, None, None,
        _geometry(dH, dW, padH, padW, dilationH, dilationW, group,
                  deformable_group))
    gradInput.add_(grads[0])
    gradOffset.add_(grads[2])
    columns.resize_(grads[1].shape).copy_(grads[1])


def deform_conv_backward_parameters(input, offset, gradOutput, gradWeight,
                                    columns, ones, kW, kH, dW, dH, padW, padH,
                                    dilationW, dilationH, group,
                                    deformable_group, scale, im2col_step):
    """Add the gradient of the weight, times ``scale``."""
    if columns.shape == gradWeight.shape:
        grad = columns.clone()
        # Used once: another backward pass computes its own.
        columns.resize_(0)
    else:
        grad = _gradients(
            gradOutput, input, torch.zeros_like(gradWeight), offset, None,
            None, _geometry(dH, dW, padH, padW, dilationH, dilationW, group,
                            deformable_group))[1]
    gradWeight.add_(grad.to(gradWeight), alpha=scale)


def modulated_deform_conv_forward(input, weight, bias, ones, offset, mask,
                                  output, columns, kernel_h, kernel_w,
                                  stride_h, stride_w, pad_h, pad_w,
                                  dilation_h, dilation_w, group,
                                  deformable_group, with_bias):
    """Fill ``output`` (N, O, H', W')."""
    geometry = _geometry(stride_h, stride_w, pad_h, pad_w, dilation_h,
                         dilation_w, group, deformable_group)
    data, weight, offset, mask, bias = working(input, weight, offset, mask,
                                               bias)
    output.copy_(_convolve(data, weight, offset, mask,
                           bias if with_bias else None, geometry))


def modulated_deform_conv_backward(input, weight, bias, ones, offset, mask,
                                   columns, grad_input, grad_weight,
                                   grad_bias, grad_offset, grad_mask,
                                   grad_output, kernel_h, kernel_w, stride_h,
                                   stride_w, pad_h, pad_w, dilation_h,
                                   dilation_w, group, deformable_group,
                                   with_bias):
    """Add all five gradients."""
    grads = _gradients(
        grad_output, input, weight, offset, mask,
        bias if with_bias else None,
        _geometry(stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w,
                  group, deformable_group))
    targets = (grad_input, grad_weight, grad_offset, grad_mask, grad_bias)
    for target, grad in zip(targets, grads, strict=True):
        if target is not grad_bias or with_bias:
            target.add_(grad)


def masked_im2col_forward(im, mask_h_idx, mask_w_idx, col, kernel_h, kernel_w,
                          pad_h, pad_w):
    """Fill ``col`` (C*K*L, M) with the patches around M positions of an image.

    ``im`` is (1, C, H, W); positions are rows and columns of the output.
    """
    padded = F.pad(im[0], (pad_w, pad_w, pad_h, pad_h))
    col.copy_(torch.stack(
        [padded[:, mask_h_idx + i, mask_w_idx + j]
         for i in range(kernel_h) for j in range(kernel_w)],
        dim=1).flatten(0, 1))


def masked_col2im_forward(col, mask_h_idx, mask_w_idx, im, height, width,
                          channels):
    """Write the columns of ``col`` (O, M) to their places in ``im``."""
    im[0][:, mask_h_idx, mask_w_idx] = col.to(im)


def _geometry(stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w,
              groups, deform_groups):
    return (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups,
            deform_groups)


def _arguments(data, weight, offset, mask, bias, geometry):
    use_mask = mask is not None
    if mask is None:
        mask = data.new_zeros(data.shape[0], 1)
    if bias is None:
        bias = data.new_zeros(weight.shape[0])
    tensors = [tensor.contiguous()
               for tensor in (data, weight, offset, mask, bias)]
    return (*tensors, *geometry, use_mask)


def _convolve(data, weight, offset, mask, bias, geometry):
    return torchvision_operators().deform_conv2d(
        *_arguments(data, weight, offset, mask, bias, geometry))


def _gradients(grad_output, data, weight, offset, mask, bias, geometry):
    """Gradients of input, weight, offset, mask and bias."""
    tensors = [grad_output, data, weight, offset]
    grad, data, weight, offset = working(*tensors)
    mask = None if mask is None else mask.to(data)
    bias = None if bias is None else bias.to(data)
    return torchvision_operators()._deform_conv2d_backward(
        grad.contiguous(),
        *_arguments(data, weight, offset, mask, bias, geometry))
