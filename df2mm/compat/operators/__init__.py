"""The functions of ``mmcv._ext`` in torch and torchvision.

mmcv's Python code asks a module ``mmcv._ext`` for functions by name, hands
them tensors to fill and wraps them in autograd Functions of its own. This
package answers to that name (see :func:`df2mm.compat.apply`). Arguments keep
mmcv's names, since it passes most of them by keyword.

Any other operator exists too, so that ``import mmcv.ops`` works, and raises
NotImplementedError when it is called.
"""

from .attention import (
    carafe_backward,
    carafe_forward,
    carafe_naive_backward,
    carafe_naive_forward,
    ms_deform_attn_backward,
    ms_deform_attn_forward,
)
from .boxes import bbox_overlaps, nms, nms_match, softnms
from .convolution import (
    deform_conv_backward_input,
    deform_conv_backward_parameters,
    deform_conv_forward,
    masked_col2im_forward,
    masked_im2col_forward,
    modulated_deform_conv_backward,
    modulated_deform_conv_forward,
)
from .focal_loss import (
    sigmoid_focal_loss_backward,
    sigmoid_focal_loss_forward,
    softmax_focal_loss_backward,
    softmax_focal_loss_forward,
)
from .roi_pooling import (
    deform_roi_pool_backward,
    deform_roi_pool_forward,
    roi_align_backward,
    roi_align_forward,
    roi_pool_backward,
    roi_pool_forward,
)
from .sync_bn import (
    sync_bn_backward_data,
    sync_bn_backward_param,
    sync_bn_forward_mean,
    sync_bn_forward_output,
    sync_bn_forward_var,
)

__all__ = [
    'bbox_overlaps', 'carafe_backward', 'carafe_forward',
    'carafe_naive_backward', 'carafe_naive_forward',
    'deform_conv_backward_input', 'deform_conv_backward_parameters',
    'deform_conv_forward', 'deform_roi_pool_backward',
    'deform_roi_pool_forward', 'get_compiler_version',
    'get_compiling_cuda_version', 'masked_col2im_forward',
    'masked_im2col_forward', 'modulated_deform_conv_backward',
    'modulated_deform_conv_forward', 'ms_deform_attn_backward',
    'ms_deform_attn_forward', 'nms', 'nms_match', 'roi_align_backward',
    'roi_align_forward', 'roi_pool_backward', 'roi_pool_forward',
    'sigmoid_focal_loss_backward', 'sigmoid_focal_loss_forward',
    'softmax_focal_loss_backward', 'softmax_focal_loss_forward', 'softnms',
    'sync_bn_backward_data', 'sync_bn_backward_param',
    'sync_bn_forward_mean', 'sync_bn_forward_output', 'sync_bn_forward_var',
]


def get_compiler_version():
    """What stands in mmcv's environment report instead of a compiler."""
    return 'none (operators by df2mm.compat and torchvision)'


def get_compiling_cuda_version():
    """What stands in mmcv's environment report instead of a CUDA version."""
    return 'not available'


def __getattr__(name):
    """Any other operator, which raises when it is called."""
    if name.startswith('__'):
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')

    def unavailable(*args, **kwargs):
        raise NotImplementedError(
            f"mmcv operator '{name}' has no counterpart in torch or "
            'torchvision, and no compiled mmcv is installed. To get it: pip '
            'uninstall mmcv-lite, then MMCV_WITH_OPS=1 pip install '
            '--no-build-isolation --no-binary mmcv mmcv==2.1.0 (a C++ '
            "compiler and about 16 minutes); see README.md, 'Install'")

    unavailable.__name__ = unavailable.__qualname__ = name
    return unavailable
