"""torchvision's own operators."""

import functools

import torch


@functools.cache
def torchvision_operators():
    """``torch.ops.torchvision``, imported at the first call.

    Importing torchvision takes half as long as importing torch, and whoever
    only reads data needs none of it.
    """
    import torchvision  # noqa: F401  (registers its operators)

    return torch.ops.torchvision
