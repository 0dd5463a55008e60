"""Sigmoid and softmax focal loss (Lin et al., ICCV 2017), and gradients.

Shapes: N samples, C classes. Targets are int64; a target outside 0..C-1 is
background. Logarithms are taken of the logits, not of rounded probabilities:
beyond a logit of about 16 the compiled operator saturates and this one does
not.
"""

import torch
import torch.nn.functional as F

from .precision import working


def sigmoid_focal_loss_forward(input, target, weight, output, gamma, alpha):
    """Fill ``output`` (N, C) with the losses of the logits (N, C).

    ``weight`` is (C,), one factor for each sample by its target, or empty;
    background samples count once.
    """
    logits, = working(input)
    hit = _one_hot(target, logits)
    p = logits.sigmoid()
    positive = -alpha * (1 - p)**gamma * F.logsigmoid(logits)
    negative = -(1 - alpha) * p**gamma * F.logsigmoid(-logits)
    loss = torch.where(hit, positive, negative)
    output.copy_(_weighted(loss, weight, target))


def sigmoid_focal_loss_backward(input, target, weight, grad_input, gamma,
                                alpha):
    """Fill ``grad_input`` (N, C) with the derivative of each loss."""
    logits, = working(input)
    hit = _one_hot(target, logits)
    p = logits.sigmoid()
    positive = -alpha * (1 - p)**gamma * (
        1 - p - gamma * p * F.logsigmoid(logits))
    negative = -(1 - alpha) * p**gamma * (
        gamma * (1 - p) * F.logsigmoid(-logits) - p)
    grad = torch.where(hit, positive, negative)
    grad_input.copy_(_weighted(grad, weight, target))


def softmax_focal_loss_forward(input, target, weight, output, gamma, alpha):
    """Fill ``output`` (N,) from probabilities (N, C); targets below 0 give 0.
    """
    probabilities, = working(input)
    p = _of_target(probabilities, target)
    loss = -alpha * (1 - p)**gamma * _log(p)
    loss = torch.where(target >= 0, loss, torch.zeros_like(loss))
    output.copy_(_weighted(loss[:, None], weight, target)[:, 0])


def softmax_focal_loss_backward(input, target, weight, buff, grad_input,
                                gamma, alpha):
    """Fill ``grad_input`` (N, C), the derivative by the logits."""
    probabilities, = working(input)
    p = _of_target(probabilities, target)
    # At p = 1 and gamma < 1 the power is infinite, the loss flat.
    slope = (1 - p).clamp(min=torch.finfo(p.dtype).tiny)**(gamma - 1)
    factor = alpha * (gamma * slope * p * _log(p) - (1 - p)**gamma)
    factor = torch.where(target >= 0, factor, torch.zeros_like(factor))
    factor = _weighted(factor[:, None], weight, target)
    hit = _one_hot(target, probabilities)
    grad_input.copy_(factor * (hit.to(factor) - probabilities))


def _one_hot(target, values):
    classes = torch.arange(values.shape[1], device=values.device)
    return target[:, None] == classes


def _of_target(probabilities, target):
    return probabilities.gather(1, target.clamp(min=0)[:, None])[:, 0]


def _log(p):
    return p.clamp(min=torch.finfo(torch.float32).tiny).log()


def _weighted(values, weight, target):
    if weight.numel() == 0:
        return values
    known = (target >= 0) & (target < len(weight))
    factor = weight.to(values)[target.clamp(0, len(weight) - 1)]
    return values * torch.where(known, factor, torch.ones_like(factor))[:, None]
