"""mmcv's CUDA kernels, compiled as serial C++ for the CPU.

Used by record_operators.py for the operators that mmcv has no CPU code for.
The kernels are loops over output elements; with one thread in one block they
are ordinary functions.
"""

import tempfile
from pathlib import Path

_SHIM = """
#pragma once
#include <torch/extension.h>
#include <algorithm>
#include <cfloat>
#include <cmath>
#define __global__ static
#define __device__ static
#define __forceinline__ inline
#define __shared__
#define __syncthreads()
struct Index { int x, y, z; };
static const Index threadIdx{0, 0, 0}, blockIdx{0, 0, 0};
static const Index blockDim{1, 1, 1}, gridDim{1, 1, 1};
using at::Tensor;
using std::max;
using std::min;
template <typename T>
static T atomicAdd(T *address, T value) {
  const T old = *address;
  *address += value;
  return old;
}
#include "common_cuda_helper.hpp"
"""


def use_kernels_as_operators():
    """Compile the kernels and put them into ``mmcv._ext``.

    Raises:
        ImportError: If mmcv has no compiled operators.
    """
    import mmcv
    import mmcv._ext
    from torch.utils.cpp_extension import load

    headers = Path(mmcv.__file__).parent / 'ops' / 'csrc' / 'common' / 'cuda'
    shim = Path(tempfile.mkdtemp())
    (shim / 'cuda.h').write_text('')
    (shim / 'pytorch_cuda_helper.hpp').write_text(_SHIM)
    kernels = load('df2mm_mmcv_kernels',
                   [str(Path(__file__).with_name('mmcv_kernels.cpp'))],
                   extra_include_paths=[str(shim), str(headers)])
    for name in dir(kernels):
        if not name.startswith('_'):
            setattr(mmcv._ext, name, getattr(kernels, name))
