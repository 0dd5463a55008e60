import hashlib
import struct

import numpy as np
import pytest
import torch
from mmengine.config import Config

from df2mm.apis.fingerprint import model_id, vector_settings

STATE = {'a.weight': torch.arange(6.).reshape(2, 3), 'b.bias': torch.ones(4)}
SETTINGS = dict(match_feed='class')


def test_it_is_a_sha256_of_names_shapes_and_numbers():
    parts = [b'{"match_feed":"class"}',
             b'a.weight', b'[2, 3]', struct.pack('<6f', 0, 1, 2, 3, 4, 5),
             b'b.bias', b'[4]', struct.pack('<4f', 1, 1, 1, 1)]
    data = b''.join(struct.pack('<Q', len(part)) + part for part in parts)
    expected = hashlib.sha256(data).hexdigest()
    # Written in galleries: it must never change.
    assert model_id(STATE, SETTINGS) == expected[:16] == '14841b5295c722a8'


@pytest.mark.parametrize('state', [
    dict(reversed(STATE.items())),
    {name: value.double() for name, value in STATE.items()},
    {name: value.bfloat16() for name, value in STATE.items()},
    {**STATE, 'a.weight': STATE['a.weight'].T.contiguous().T},
    {**STATE, 'norm.num_batches_tracked': torch.tensor(7)},
    {name: torch.nn.Parameter(value) for name, value in STATE.items()},
])
def test_what_it_does_not_depend_on(state):
    assert model_id(state, SETTINGS) == model_id(STATE, SETTINGS)


@pytest.mark.parametrize('state, settings', [
    ({**STATE, 'a.weight': STATE['a.weight'] + 1e-6}, SETTINGS),
    ({**STATE, 'a.weight': STATE['a.weight'].reshape(3, 2)}, SETTINGS),
    ({'a.weights': STATE['a.weight'], 'b.bias': STATE['b.bias']}, SETTINGS),
    ({'a.weight': STATE['a.weight']}, SETTINGS),
    (STATE, dict(match_feed='class+keys')),
])
def test_what_it_depends_on(state, settings):
    assert model_id(state, settings) != model_id(STATE, SETTINGS)


def settings_of(feed='class', mean=127, scale=(320, 320)):
    cfg = Config(dict(model=dict(
        data_preprocessor=dict(mean=[mean], type='DetDataPreprocessor'),
        roi_head=dict(match_feed=feed), test_cfg=dict(rcnn=dict(score_thr=0.1)))))
    return vector_settings(cfg, [dict(type='Resize', scale=scale)])


def test_settings():
    base = model_id(STATE, settings_of())
    for same in (settings_of(scale=[320, 320]), settings_of(mean=127.0),
                 settings_of(mean=np.float32(127))):
        assert model_id(STATE, same) == base
    for other in (settings_of('class+keys'), settings_of(mean=128),
                  settings_of(scale=(321, 320))):
        assert model_id(STATE, other) != base
    # Thresholds choose among vectors and do not change them.
    assert 'test_cfg' not in str(settings_of())
