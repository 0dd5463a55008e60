"""The number type in which the operators compute."""

import torch


def working(*tensors):
    """Cast floating tensors to one type of at least float32.

    torchvision has no half-precision kernels on the CPU and no bfloat16 ones
    on CUDA, and under autocast mmcv mixes types. The callers write their
    results into tensors of the caller's type, which casts them back.

    Returns:
        list[Tensor]: float64 if any tensor is, otherwise float32.
    """
    wide = any(tensor.dtype == torch.float64 for tensor in tensors)
    dtype = torch.float64 if wide else torch.float32
    return [tensor.to(dtype) for tensor in tensors]
