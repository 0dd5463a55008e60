"""Checkpoints are saved, resumed and refused as df2mm.compat.loading says."""

import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import CheckpointLoader, Runner
from torch.utils.data import DataLoader

from df2mm import compat


class Line(BaseModel):
    """y = a x + b."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.line = torch.nn.Linear(1, 1)

    def forward(self, inputs, mode='tensor', **kwargs):
        output = self.line(inputs)
        if mode == 'loss':
            return dict(loss=(output - 2 * inputs).square().mean())
        return output


def collate(items):
    return dict(inputs=torch.stack(items))


def build(work_dir, epochs, resume=False):
    """A runner over eight numbers that saves after each epoch."""
    data = [torch.tensor([number / 8]) for number in range(8)]
    return Runner(
        Line(), str(work_dir),
        train_dataloader=DataLoader(data, batch_size=2, collate_fn=collate),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        # Without an end, mmengine ends the schedule with each run.
        param_scheduler=dict(type='ExponentialLR', gamma=0.9, end=3),
        default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
        resume=resume, default_scope='mmengine', log_level='ERROR',
        experiment_name=f'line-{os.path.basename(work_dir)}-{epochs}-{resume}')


def test_resumed_run_ends_where_an_unbroken_one_does(tmp_path):
    whole = build(tmp_path / 'whole', epochs=3)
    whole.train()
    build(tmp_path / 'broken', epochs=2).train()
    second = build(tmp_path / 'broken', epochs=3, resume=True)
    second.train()

    assert second.epoch == 3
    for name, weight in whole.model.state_dict().items():
        torch.testing.assert_close(second.model.state_dict()[name], weight,
                                   rtol=0, atol=0)
    # The log goes on from the first run's: 3 epochs of 4 steps.
    losses = second.message_hub.get_scalar('train/loss').data[0]
    np.testing.assert_array_equal(
        losses, whole.message_hub.get_scalar('train/loss').data[0])
    assert len(losses) == 12


def test_history_buffer_keeps_its_values_and_limit(tmp_path):
    history = HistoryBuffer([1., 2., 4.], [1, 1, 2], max_length=3)
    torch.save(history, tmp_path / 'log.pth')

    loaded = torch.load(tmp_path / 'log.pth')

    assert loaded.max_length == 3
    assert loaded.data[0].tolist() == [1., 2., 4.]
    assert loaded.data[1].tolist() == [1, 1, 2]
    assert loaded.mean() == (1 + 2 + 4) / (1 + 1 + 2)
    loaded.update(8.)
    assert loaded.data[0].tolist() == [2., 4., 8.]


def test_empty_history_buffer(tmp_path):
    torch.save(HistoryBuffer(), tmp_path / 'log.pth')
    assert len(torch.load(tmp_path / 'log.pth').data[0]) == 0


@pytest.mark.parametrize('value', [
    np.float64(0.5), np.float32(0.5), np.int64(3), np.bool_(True),
    np.str_('a'), np.arange(4, dtype=np.uint8), np.ones((2, 3), np.float16),
    np.array(['vest', 'sling']), np.zeros(0), np.ones(2, np.complex64),
], ids=lambda value: f'{type(value).__name__}-{value.dtype}')
def test_numpy_values_load(tmp_path, value):
    torch.save(dict(best=value), tmp_path / 'value.pth')
    loaded = torch.load(tmp_path / 'value.pth')['best']
    assert loaded.dtype == value.dtype
    np.testing.assert_array_equal(loaded, value)


@pytest.mark.parametrize('core', ['numpy.core', 'numpy._core'])
def test_numpy_values_of_either_numpy_load(tmp_path, core):
    """A scalar and an array whose pickle names numpy 1's or numpy 2's core."""
    path = tmp_path / 'value.pth'
    torch.save([np.float64(0.5), np.arange(3.)], path)
    here = np.core.multiarray.scalar.__module__.removesuffix('.multiarray')
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert any(here.encode() in data for data in files.values())
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in files.items():
            archive.writestr(name, data.replace(
                f'{here}.multiarray'.encode(), f'{core}.multiarray'.encode()))

    scalar, array = torch.load(path)

    assert scalar == 0.5
    assert array.tolist() == [0, 1, 2]


class Hostile:
    """Unpickling it runs a command."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class Getter:
    """Unpickling it looks up a function by name."""

    def __reduce__(self):
        return getattr, ('text', 'upper')


@pytest.mark.parametrize('load', [
    CheckpointLoader.load_checkpoint,
    lambda path, **kwargs: CheckpointLoader.load_checkpoint(
        'file://' + path, **kwargs),
], ids=['path', 'url'])
@pytest.mark.parametrize('name, content, reason', [
    ('os-system', lambda path: Hostile(f'touch {path}'),
     r'asks for posix\.system.*refused'),
    ('getattr', lambda path: Getter(), r'asks for getattr.*state_dict'),
    ('object', lambda path: pickle.Pickler, r'asks for pickle\.Pickler'),
])
def test_hostile_checkpoint_is_refused(tmp_path, monkeypatch, load, name,
                                       content, reason):
    # A local server would need a socket; torch.hub reads file: URLs as well.
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    schemes = dict(CheckpointLoader._schemes)
    schemes['file://'] = schemes['https://']
    monkeypatch.setattr(CheckpointLoader, '_schemes', dict(
        sorted(schemes.items(), reverse=True)))
    mark = tmp_path / 'ran'
    file = tmp_path / f'{name}.pth'
    torch.save(dict(state_dict={}, extra=content(mark)), file)

    with pytest.raises(ValueError, match=reason) as caught:
        load(str(file), map_location='cpu')

    assert file.name in str(caught.value)
    assert not mark.exists()


def test_checkpoint_written_without_df2mm_says_why(tmp_path, monkeypatch):
    monkeypatch.delattr(HistoryBuffer, '__reduce__')
    file = tmp_path / 'old.pth'
    torch.save(dict(state_dict={}, message_hub=HistoryBuffer([1.], [1])), file)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r'getattr.*written with df2mm'):
        CheckpointLoader.load_checkpoint(str(file), map_location='cpu')


def test_damaged_checkpoint_is_named(tmp_path):
    file = tmp_path / 'page.pth'
    file.write_text('<html>404 Not Found</html>')
    with pytest.raises(ValueError, match=r'page\.pth is not a checkpoint'):
        CheckpointLoader.load_checkpoint(str(file), map_location='cpu')


def test_apply_again_changes_nothing():
    load = CheckpointLoader.load_checkpoint.__func__
    compat.apply()
    assert CheckpointLoader.load_checkpoint.__func__ is load
