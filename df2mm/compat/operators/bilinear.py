"""Bilinear sampling with the border rule of RoIAlign."""

from typing import NamedTuple

import torch


class Corners(NamedTuple):
    """The four pixels around each sampling point.

    Attributes:
        index (Tensor): (4, ...) int64, flat pixel: top left, top right,
            bottom left, bottom right.
        weight (Tensor): (4, ...) their shares; zero outside the map.
        inside (Tensor): (...) bool.
    """

    index: torch.Tensor
    weight: torch.Tensor
    inside: torch.Tensor


def corners(y, x, height, width):
    """Locate points on a map: up to one pixel outside counts as the border.

    Args:
        y (Tensor): any shape, in pixels, 0 at the first row's centre.
        x (Tensor): the same shape.
        height (int): rows of the map.
        width (int): columns of the map.
    """
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y_low, y_high, y_share = _split(y, height)
    x_low, x_high, x_share = _split(x, width)
    index = torch.stack([
        y_low * width + x_low, y_low * width + x_high,
        y_high * width + x_low, y_high * width + x_high])
    weight = torch.stack([
        (1 - y_share) * (1 - x_share), (1 - y_share) * x_share,
        y_share * (1 - x_share), y_share * x_share]) * inside
    return Corners(index, weight, inside)


def _split(position, size):
    position = position.clamp(min=0)
    low = position.long().clamp(max=size - 1)
    high = (low + 1).clamp(max=size - 1)
    # At the far border both pixels are the last one and the share is 0.
    share = torch.where(low >= size - 1, torch.zeros_like(position),
                        position - low)
    return low, high, share


def sample(feature, points):
    """Read a map (C, H*W) at points (...): (C, ...)."""
    return sum(feature[:, index] * weight
               for index, weight in zip(*points[:2], strict=True))


def scatter(grad, points, out):
    """Add the gradients (C, ...) of :func:`sample` to a map (C, H*W)."""
    for index, weight in zip(*points[:2], strict=True):
        out.index_add_(1, index.flatten(), (grad * weight).flatten(1))
