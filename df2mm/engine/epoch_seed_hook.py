"""Random numbers that depend on the epoch, not on what ran before it."""

import random

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.dataset import worker_init_fn as default_worker_init_fn
from mmengine.dist import get_rank
from mmengine.hooks import Hook


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed Python, NumPy and torch at the start of every training epoch.

    The seed is made of the run's seed, the epoch and the rank, so a run resumed
    at an epoch's end draws the numbers that the unbroken run would have drawn:
    RoI sampling in the model, and augmentation in the loader's workers. (As
    mmengine seeds them, workers repeat the same numbers in every epoch.)

    Needs an epoch-based loop. Workers must start anew with each epoch, that is
    ``persistent_workers=False``: where they do not, a warning says so.
    """

    # After the hooks that may draw random numbers before an epoch.
    priority = 'LOWEST'

    def before_train(self, runner) -> None:
        loader = runner.train_dataloader
        if loader.num_workers > 0 and loader.persistent_workers:
            runner.logger.warning(
                'With persistent_workers=True a resumed run does not repeat the '
                'augmentation of an unbroken one. Set it to False in '
                'train_dataloader for exact resuming.')
        # torch seeds its workers itself, from the generator seeded below.
        if getattr(loader.worker_init_fn, 'func', None) is default_worker_init_fn:
            loader.worker_init_fn = None

    def before_train_epoch(self, runner) -> None:
        words = np.random.SeedSequence(
            [runner.seed, runner.epoch, get_rank()]).generate_state(1)
        seed = int(words[0])
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  mmdet and mmcv draw from it
        torch.manual_seed(seed)
