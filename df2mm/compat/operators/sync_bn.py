"""The five steps of mmcv's synchronized batch normalisation (MMSyncBN).

Between the steps mmcv reduces over the processes. Shapes: N images, C
channels, S pixels; statistics are (C,) float32.
"""

from .precision import working


def sync_bn_forward_mean(input, mean):
    """Fill ``mean`` from ``input`` (N, C, S)."""
    data, = working(input)
    mean.copy_(data.mean((0, 2)))


def sync_bn_forward_var(input, mean, var):
    """Fill ``var`` with the biased variance about ``mean``."""
    data, = working(input)
    var.copy_((data - mean[:, None]).square().mean((0, 2)))


def sync_bn_forward_output(input, mean, var, weight, bias, running_mean,
                           running_var, norm, std, output, eps, momentum,
                           group_size):
    """Fill ``norm``, ``std`` and ``output``; move the running statistics."""
    data, = working(input)
    std.copy_((var + eps).sqrt())
    norm.copy_((data - mean[:, None]) / std[:, None])
    result = norm
    if weight is not None:
        result = norm * weight[:, None] + bias[:, None]
    output.copy_(result)
    if running_mean is None:
        return
    count = input.shape[0] * input.shape[2] * group_size
    unbiased = var * (count / (count - 1)) if count > 1 else var
    running_mean.copy_(momentum * mean + (1 - momentum) * running_mean)
    running_var.copy_(momentum * unbiased + (1 - momentum) * running_var)


def sync_bn_backward_param(grad_output, norm, grad_weight, grad_bias):
    """Fill the gradients of the affine parameters."""
    grad, = working(grad_output)
    grad_weight.copy_((grad * norm).sum((0, 2)))
    grad_bias.copy_(grad.sum((0, 2)))


def sync_bn_backward_data(grad_output, weight, grad_weight, grad_bias, norm,
                          std, grad_input):
    """Fill the gradient of the input."""
    grad, = working(grad_output)
    count = grad.shape[0] * grad.shape[2]
    centred = grad - (grad_bias[:, None]
                      + grad_weight[:, None] * norm) / count
    grad_input.copy_(centred * (weight / std)[:, None])
