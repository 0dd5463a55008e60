import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from torch.utils.data import Dataset

from df2mm.engine import EpochSeedHook


class Draws(Dataset):
    """A sample is what each generator draws for it."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return [random.random(), np.random.rand(), torch.rand(()).item()]  # noqa: NPY002


def runner_of(num_workers, seed=0, **kwargs):
    loader = Runner.build_dataloader(
        dict(dataset=Draws(), batch_size=2, num_workers=num_workers,
             sampler=dict(type='DefaultSampler', shuffle=False), **kwargs), seed=seed)
    return SimpleNamespace(seed=seed, epoch=0, train_dataloader=loader,
                           logger=MMLogger.get_instance('epoch_seed'))


def draws(runner, epoch):
    hook = EpochSeedHook()
    hook.before_train(runner)
    runner.epoch = epoch
    hook.before_train_epoch(runner)
    batches = torch.cat([torch.tensor(np.array(batch, dtype=float)).reshape(-1)
                         for batch in runner.train_dataloader])
    return [*batches.tolist(), random.random(), torch.rand(()).item()]


@pytest.mark.parametrize('num_workers', [0, 2])
def test_an_epoch_draws_the_same_whatever_ran_before(num_workers):
    runner = runner_of(num_workers)
    first, second = draws(runner, 0), draws(runner, 1)
    assert draws(runner_of(num_workers), 1) == second
    assert len({*first, *second}) == len(first) + len(second)
    assert draws(runner_of(num_workers, seed=1), 1) != second


def test_a_loaders_own_worker_init_fn_stays():
    runner = runner_of(2)
    own = runner.train_dataloader.worker_init_fn = lambda worker_id: None
    EpochSeedHook().before_train(runner)
    assert runner.train_dataloader.worker_init_fn is own


def test_persistent_workers_are_warned_about(monkeypatch):
    runner = runner_of(1, persistent_workers=True)
    warnings = []
    monkeypatch.setattr(runner.logger, 'warning', warnings.append)
    EpochSeedHook().before_train(runner)
    assert 'Set it to False in train_dataloader' in warnings[0]
