import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from torch import nn

from df2mm.engine import (
    ChannelsLastHook,
    accumulate,
    auto_scale_lr,
    enable_amp,
    exit_on,
    read_config,
)
from df2mm.engine.cpu_amp_optim_wrapper import CPUAmpOptimWrapper


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'small.py'
    path.write_text(
        "data_root = 'data/here/'\n"
        "loader = dict(dataset=dict(data_root=data_root), batch_size=2)\n"
        "evaluator = [dict(ann_file=data_root + 'a.json'), dict(ann_file='b.json')]\n"
        "optim_wrapper = dict(type='OptimWrapper')\n")
    return path


def test_read_config(config):
    cfg = read_config(config, ['loader.batch_size=4', 'new=[1,2]'])
    assert cfg.loader.batch_size == 4
    assert cfg.new == [1, 2]
    assert cfg.work_dir == 'work_dirs/small'
    assert cfg.launcher == 'none'
    assert read_config(config, work_dir='w').work_dir == 'w'


def test_data_root_moves_every_path_under_it(config):
    cfg = read_config(config, data_root='elsewhere')
    assert cfg.data_root == cfg.loader.dataset.data_root == 'elsewhere/'
    assert [e.ann_file for e in cfg.evaluator] == ['elsewhere/a.json', 'b.json']


@pytest.mark.parametrize(('text', 'kwargs', 'error', 'message'), [
    (None, {}, FileNotFoundError, 'config not found: .*small.py'),
    ('a = (', {}, ValueError, 'config .*small.py does not parse'),
    ("_base_ = './gone.py'", {}, FileNotFoundError, 'gone.py'),
    ('a = 1', dict(cfg_options=['a']), ValueError, "takes KEY=VALUE, got 'a'"),
    ('a = 1', dict(cfg_options=['a.b=1']), ValueError, '--cfg-options do not fit'),
    ('a = 1', dict(data_root='d'), ValueError, '--data-root needs data_root in'),
])
def test_bad_configs(config, text, kwargs, error, message):
    config.unlink()
    if text is not None:
        config.write_text(text)
    with pytest.raises(error, match=message):
        read_config(config, **kwargs)


@pytest.mark.parametrize('error', [
    KeyError('no\nsuch key'), ValueError('no such key'),
    ValueError('Caught it.\nTraceback (most recent call last):\n  ...\nno such key')])
def test_exit_on_says_it_in_one_line(error, monkeypatch):
    monkeypatch.setattr('sys.argv', ['/some/tools/train.py'])
    with pytest.raises(SystemExit) as caught, exit_on(ValueError, KeyError):
        raise error
    assert caught.value.code == 'train.py: error: no such key'


def test_exit_on_leaves_our_own_errors_alone():
    with pytest.raises(RuntimeError, match='ours'), exit_on(ValueError):
        raise RuntimeError('ours')


def test_amp_without_a_gpu_is_bfloat16(config, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    cfg = read_config(config)
    enable_amp(cfg)
    assert cfg.optim_wrapper.type == 'CPUAmpOptimWrapper'
    layer = nn.Linear(2, 2)
    wrapper = CPUAmpOptimWrapper(torch.optim.SGD(layer.parameters(), lr=0.1))
    with wrapper.optim_context(layer):
        assert layer(torch.ones(1, 2)).dtype == torch.bfloat16
    assert layer.weight.dtype == torch.float32
    with OptimWrapper(wrapper.optimizer).optim_context(layer):
        assert layer(torch.ones(1, 2)).dtype == torch.float32


def test_amp_on_a_gpu_is_float16_with_a_scaled_loss(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper', clip_grad=None)))
    enable_amp(cfg)
    assert cfg.optim_wrapper.to_dict() == dict(
        type='AmpOptimWrapper', clip_grad=None, dtype='float16', loss_scale='dynamic')
    enable_amp(cfg, 'bfloat16')
    assert cfg.optim_wrapper.to_dict() == dict(
        type='AmpOptimWrapper', clip_grad=None, dtype='bfloat16', loss_scale=1.0)


def test_float16_without_a_gpu_is_refused(config, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match='float16 trains on a GPU only'):
        enable_amp(read_config(config), 'float16')


def test_accumulating_keeps_the_schedule_and_counts_in_the_batch():
    cfg = Config(dict(
        optim_wrapper=dict(type='OptimWrapper'),
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=500),
            dict(type='MultiStepLR', by_epoch=False, milestones=[600, 800]),
            dict(type='MultiStepLR', by_epoch=True, begin=0, end=12, milestones=[8])],
        auto_scale_lr=dict(enable=False, base_batch_size=16)))
    accumulate(cfg, 8)
    auto_scale_lr(cfg)
    assert cfg.optim_wrapper.accumulative_counts == 8
    warm_up, steps, epochs = cfg.param_scheduler
    assert (warm_up.begin, warm_up.end) == (0, 4000)
    assert steps.milestones == [4800, 6400]
    assert (epochs.end, epochs.milestones) == (12, [8])
    # mmengine divides by it: 2 images a batch scale by 1.
    assert cfg.auto_scale_lr.to_dict() == dict(enable=True, base_batch_size=2.0)


def test_what_cannot_be_accumulated_or_scaled(config):
    cfg = read_config(config)
    with pytest.raises(ValueError, match='batches a step must be at least 1, got 0'):
        accumulate(cfg, 0)
    cfg.pop('auto_scale_lr')
    with pytest.raises(ValueError, match='--auto-scale-lr needs auto_scale_lr'):
        auto_scale_lr(cfg)


def test_channels_last_leaves_the_result_alone():
    layer = nn.Conv2d(3, 4, 3)
    image = torch.randn(1, 3, 8, 8)
    before = layer(image)
    runner = type('Runner', (), dict(model=layer))
    ChannelsLastHook().before_run(runner)
    after = layer(image)
    assert after.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(after, before)
