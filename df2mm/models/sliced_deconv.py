"""A transposed convolution that computes the maps of each RoI's category alone."""

from collections.abc import Sequence
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SlicedConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution whose output channels belong to categories.

    Its parameters are those of the plain layer, so that checkpoints of both load
    in each other; ``forward`` is the plain layer too and computes all K maps.

    Shapes: N RoIs, C input channels, (S, S) input and (H, W) output maps; category
    c has L_c of the K maps, one slice after the other; M = the sum of the RoIs' L.

    Args:
        in_channels (int): C.
        num_maps (Sequence[int]): L of each category; K is their sum.
        kernel_size, stride, padding: Those of ``nn.ConvTranspose2d``.
    """

    def __init__(self, in_channels: int, num_maps: Sequence[int], kernel_size: int,
                 stride: int, padding: int) -> None:
        super().__init__(in_channels, sum(num_maps), kernel_size, stride, padding)
        self.num_maps = tuple(num_maps)

    def forward_sliced(self, x: Tensor, counts: Sequence[int]) -> Tensor:
        """The maps of RoIs that are sorted by category.

        Args:
            x (Tensor): (N, C, S, S), the RoIs of category 0 first.
            counts (Sequence[int]): How many RoIs each category has; N together.

        Returns:
            Tensor: (M, H, W): RoI by RoI as they come, L of its category each.
        """
        # One split of the weight, and not a slice a category: backward then writes
        # its gradient once.
        weights = self.weight.split(self.num_maps, dim=1)
        biases = self.bias.split(self.num_maps)
        groups = [
            F.conv_transpose2d(part, weights[label], biases[label], self.stride,
                               self.padding).flatten(0, 1)
            for label, part in enumerate(x.split(counts)) if len(part)]
        if not groups:
            # Without any RoI, an empty result that still hangs on the parameters.
            groups = [super().forward(x).flatten(0, 1)]
        return torch.cat(groups)


def category_table(num_maps: Sequence[int]) -> Tensor:
    """(number of categories, K) bool: which of the K maps each category has."""
    table = torch.zeros(len(num_maps), sum(num_maps), dtype=torch.bool)
    for label, (length, end) in enumerate(
            zip(num_maps, accumulate(num_maps), strict=True)):
        table[label, end - length:end] = True
    return table


def rows_as_rois_came(members: Tensor, order: Tensor) -> Tensor:
    """Where the maps of sorted RoIs lie once the RoIs are as they came.

    Args:
        members (Tensor): (N, K) bool, the maps of each RoI as they came.
        order (Tensor): (N,) int64: sorted RoI n came at place ``order[n]``.

    Returns:
        Tensor: (M,) int64, so that ``sorted_rows[result]`` is in the RoIs' order.
    """
    places = members.flatten().cumsum(0).view_as(members) - 1
    return places[order][members[order]].argsort()
