"""Every operator gives what mmcv's compiled one gave, forward and gradient.

The recording (tests/data/mmcv_operators.npz) is made by record_operators.py.
Agreement is to 1e-5 in float32 and 1e-8 in float64, indices exactly. What
differs on purpose is not in the cases:

- a RoI without area under max pooling gives 0, mmcv's -10000;
- focal loss beyond logits of about 16, where mmcv's float32 saturates;
- weighted sigmoid focal loss of background, where mmcv reads past the weights.
"""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from df2mm.compat import operators

pytestmark = pytest.mark.skipif(
    sys.modules['mmcv._ext'] is not operators,
    reason='a compiled mmcv is installed: the recording is its own')

recorder = runpy.run_path(str(Path(__file__).with_name('record_operators.py')))
CASES = {key: case for key, *case in recorder['cases']()}
# mmcv's kernels round to float32 inside, in expf, whatever the type.
ROUNDED = ('sigmoid_focal_loss',)


@pytest.fixture(scope='module')
def recording():
    with np.load(recorder['RECORDING']) as file:
        return dict(file)


def recorded_of(recording, key, bits):
    prefix = f'{key}/{bits}/'
    return {name.removeprefix(prefix): value
            for name, value in recording.items() if name.startswith(prefix)}


def compare(given, recorded, tolerance):
    assert given.keys() == recorded.keys()
    for name, value in recorded.items():
        assert given[name].dtype == value.dtype, name
        limit = 0 if value.dtype.kind == 'i' else tolerance
        np.testing.assert_allclose(given[name], value, rtol=limit, atol=limit,
                                   err_msg=name)


@pytest.mark.parametrize('bits', [32, 64])
@pytest.mark.parametrize('key', CASES)
def test_operator_gives_what_mmcv_gave(recording, key, bits):
    recorded = recorded_of(recording, key, bits)
    if bits == 64 and not recorded:
        # mmcv has float32 only: the same boxes must come out.
        recorded = {
            name: value.astype(np.float64) if value.dtype.kind == 'f' else value
            for name, value in recorded_of(recording, key, 32).items()}
        tolerance = 1e-6
    else:
        rounded = CASES[key][0] in ROUNDED
        tolerance = 1e-5 if bits == 32 else 1e-6 if rounded else 1e-8
    given = recorder['run'](*CASES[key], dtype=recorder['DTYPES'][bits])
    compare(given, recorded, tolerance)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
@pytest.mark.parametrize('key', CASES)
def test_operator_on_cuda(recording, key):
    given = recorder['run'](*CASES[key], device='cuda')
    compare(given, recorded_of(recording, key, 32), 1e-4)


def test_recording_and_cases_agree(recording):
    assert {name.split('/')[0] for name in recording} == set(CASES)
