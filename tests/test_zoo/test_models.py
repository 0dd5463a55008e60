import pytest
import torch

from df2mm.zoo.models import to_half


def test_what_float16_holds_is_halved_and_integers_stay():
    state = dict(weight=torch.tensor([1.0, 0.1, -65504.0]), zeros=torch.zeros(2),
                 empty=torch.zeros(0), num_batches_tracked=torch.tensor(100_000),
                 double=torch.tensor([0.5], dtype=torch.float64))
    half, kept = to_half(state)
    assert kept == []
    assert half['num_batches_tracked'].item() == 100_000
    assert {name: value.dtype for name, value in half.items()
            if name != 'num_batches_tracked'} == dict.fromkeys(
                ['weight', 'zeros', 'empty', 'double'], torch.float16)
    assert half['weight'].tolist() == [1.0, 0.0999755859375, -65504.0]


@pytest.mark.parametrize('name, values, keeps', [
    ('weight', [1.0, 70000.0], True),       # above 65504
    ('weight', [1e-9, 2e-9], True),         # below 6e-8: all of it would be zero
    ('weight', [1.0, 1e-9], False),         # 1e-9 beside 1 is nothing
    ('bn.running_var', [1.0, 1e-9], True),  # but something is divided by it
    ('bn.running_var', [1.0, 0.0], False),
    ('bn.running_mean', [1.0, 1e-20], False),
])
def test_what_float16_would_lose_stays(name, values, keeps):
    value = torch.tensor(values)
    half, kept = to_half({name: value})
    assert kept == [name] * keeps
    assert half[name].dtype == (torch.float32 if keeps else torch.float16)
    if keeps:
        assert torch.equal(half[name], value)


def test_no_memory_is_shared():
    value = torch.arange(4)
    half, _ = to_half(dict(a=value, b=value))
    assert len({tensor.data_ptr() for tensor in (*half.values(), value)}) == 3


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_a_failed_training_is_not_published(bad):
    with pytest.raises(ValueError, match=r'conv\.weight holds values that are not'):
        to_half({'conv.weight': torch.tensor([1.0, bad])})
