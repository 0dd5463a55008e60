"""Channels in the innermost dimension of memory."""

import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Store a model's convolutions channels last: faster for small models on a CPU.

    What a convolution gets need not be so stored: its weight decides.
    """

    def before_run(self, runner) -> None:
        runner.model.to(memory_format=torch.channels_last)
