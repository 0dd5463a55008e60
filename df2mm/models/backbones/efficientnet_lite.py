"""EfficientNet-Lite, a backbone small enough to train on a CPU."""

import math
import re

from mmcv.cnn import ConvModule
from mmdet.models.layers import InvertedResidual
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

#: Width and depth multiplier of each variant.
ARCHS = {
    'lite0': (1.0, 1.0),
    'lite1': (1.0, 1.1),
    'lite2': (1.1, 1.2),
    'lite3': (1.2, 1.4),
    'lite4': (1.4, 1.8),
}

#: Blocks, kernel side, stride, expansion and channels of lite0's seven stages.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM_CHANNELS = 32


def scale_stages(width: float, depth: float) -> tuple:
    """``STAGES`` of a wider and deeper variant.

    Channels are rounded to a multiple of 8, never down by more than a tenth.
    The first and the last stage keep their depth: Lite fixes stem and head.
    """
    scaled = []
    for index, (blocks, kernel, stride, expansion, channels) in enumerate(STAGES):
        wide = max(8, int(channels * width + 4) // 8 * 8)
        if wide < 0.9 * channels * width:
            wide += 8
        if 0 < index < len(STAGES) - 1:
            blocks = math.ceil(blocks * depth)
        scaled.append((blocks, kernel, stride, expansion, wide))
    return tuple(scaled)


@MODELS.register_module()
class EfficientNetLite(BaseModule):
    """EfficientNet-Lite without its classifier.

    Shapes: an image of (H, W) gives stage k the size (ceil(H / s), ceil(W / s)),
    s = 2, 4, 8, 16, 16, 32, 32 for k = 0..6. Lite0's stages have 16, 24, 40, 80,
    112, 192 and 320 channels. Strided convolutions pad as TensorFlow's "same"
    does, by the size of what they get, so that any image size works.

    Args:
        arch (str): ``lite0`` to ``lite4``.
        out_indices (Sequence[int]): The stages to return, rising. Defaults to
            (1, 2, 4, 6), the last of each stride 4, 8, 16, 32.
        frozen_stages (int): -1 freezes nothing, 0 the stem, k > 0 the stem and
            the first k stages.
        norm_eval (bool): Keep BN's running statistics as loaded in training.
        norm_cfg (dict): Lite's own BN by default: momentum 0.01, eps 1e-3.
        init_cfg (dict, optional): With ``Pretrained``, both this class's own
            checkpoints and those of the package efficientnet-lite-pytorch load.

    Raises:
        ValueError: If ``arch``, ``out_indices`` or ``frozen_stages`` is none of
            the above.

    Source: Tan and Le, EfficientNet, ICML 2019, and its Lite variants: no
    squeeze-and-excitation, ReLU6. Differs: no stochastic depth.
    """

    def __init__(self,
                 arch='lite0',
                 out_indices=(1, 2, 4, 6),
                 frozen_stages=-1,
                 norm_eval=False,
                 norm_cfg=dict(type='BN', momentum=0.01, eps=1e-3),  # noqa: B006
                 init_cfg=None):
        if init_cfg is None:
            init_cfg = [
                dict(type='Kaiming', layer='Conv2d'),
                dict(type='Constant', layer='_BatchNorm', val=1),
            ]
        super().__init__(init_cfg)
        _check_arguments(arch, out_indices, frozen_stages)
        self.out_indices = tuple(out_indices)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval

        common = dict(norm_cfg=norm_cfg, act_cfg=dict(type='ReLU6'))
        self.stem = ConvModule(
            3, STEM_CHANNELS, 3, stride=2,
            conv_cfg=dict(type='Conv2dAdaptivePadding'), **common)
        self.stages = nn.ModuleList()
        in_channels = STEM_CHANNELS
        # Stages after the last one returned would be computed for nothing.
        for stage in scale_stages(*ARCHS[arch])[:self.out_indices[-1] + 1]:
            self.stages.append(
                _make_stage(in_channels, *stage, **common))
            in_channels = stage[-1]
        self._register_load_state_dict_pre_hook(self._rename_package_keys)
        self._freeze()

    def forward(self, x):
        """(B, 3, H, W) -> tuple of (B, C_k, H_k, W_k), k in ``out_indices``."""
        x = self.stem(x)
        outs = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in self.out_indices:
                outs.append(x)
        return tuple(outs)

    def train(self, mode=True):
        """Set the mode, but keep frozen stages and, by ``norm_eval``, BN fixed."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _freeze(self):
        if self.frozen_stages < 0:
            return
        for module in (self.stem, *self.stages[:self.frozen_stages]):
            module.eval()
            for parameter in module.parameters():
                parameter.requires_grad = False

    def _rename_package_keys(self, state_dict, prefix, *args):
        """Turn the keys of efficientnet-lite-pytorch into ours, in place."""
        if f'{prefix}_conv_stem.weight' not in state_dict:
            return
        blocks = [f'stages.{s}.{b}' for s, stage in enumerate(self.stages)
                  for b in range(len(stage))]
        for key in [key for key in state_dict if key.startswith(prefix)]:
            value = state_dict.pop(key)
            new_key = _rename_package_key(key[len(prefix):], blocks)
            if new_key is not None:
                state_dict[prefix + new_key] = value


def _make_stage(in_channels, blocks, kernel, stride, expansion, channels, **kwargs):
    """One stage: ``blocks`` blocks, the first of which strides and widens."""
    stage = nn.Sequential()
    for index in range(blocks):
        first_stride = stride if index == 0 else 1
        stage.append(InvertedResidual(
            in_channels, channels, in_channels * expansion,
            kernel_size=kernel, stride=first_stride,
            with_expand_conv=expansion != 1,
            # At stride 1 "same" is the plain kernel // 2 of torch's own
            # convolution, which spares a copy of the feature map.
            conv_cfg=dict(type='Conv2dAdaptivePadding') if first_stride > 1 else None,
            **kwargs))
        in_channels = channels
    return stage


def _rename_package_key(key, blocks):
    """Our name of a key of efficientnet-lite-pytorch; None for what we lack."""
    match = re.fullmatch(r'_blocks\.(\d+)\._(\w+?)\.(\w+)', key)
    if match is None:
        stem = {'_conv_stem': 'stem.conv', '_bn0': 'stem.bn'}
        module, _, leaf = key.rpartition('.')
        return f'{stem[module]}.{leaf}' if module in stem else None
    index, module, leaf = int(match[1]), match[2], match[3]
    if index >= len(blocks):
        return None
    names = {
        'expand_conv': 'expand_conv.conv',
        'bn0': 'expand_conv.bn',
        'depthwise_conv': 'depthwise_conv.conv',
        'bn1': 'depthwise_conv.bn',
        'project_conv': 'linear_conv.conv',
        'bn2': 'linear_conv.bn',
    }
    return f'{blocks[index]}.{names[module]}.{leaf}'


def _check_arguments(arch, out_indices, frozen_stages):
    if arch not in ARCHS:
        raise ValueError(f'arch must be one of {sorted(ARCHS)}, got {arch!r}')
    indices = list(out_indices)
    if (not indices or indices != sorted(set(indices))
            or indices[0] < 0 or indices[-1] >= len(STAGES)):
        raise ValueError(
            f'out_indices must rise within 0..{len(STAGES) - 1}, got {out_indices}')
    if not -1 <= frozen_stages <= len(STAGES):
        raise ValueError(
            f'frozen_stages must be in -1..{len(STAGES)}, got {frozen_stages}')
