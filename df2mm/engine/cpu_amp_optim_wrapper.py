"""Mixed precision without a GPU."""

from contextlib import contextmanager

import torch
from mmdet.registry import OPTIM_WRAPPERS
from mmengine.optim import OptimWrapper


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """Train with bfloat16 autocast on the CPU.

    mmengine's AmpOptimWrapper refuses to run there. bfloat16 has the range of
    float32, so the loss needs no scaling.
    """

    @contextmanager
    def optim_context(self, model):
        with super().optim_context(model), torch.autocast('cpu', torch.bfloat16):
            yield
