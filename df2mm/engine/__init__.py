"""What runs a training: seeds, checkpoints, mixed precision, launching."""

from df2mm.engine.channels_last_hook import ChannelsLastHook
from df2mm.engine.checkpoints import (
    AtomicBackend,
    check_state,
    find_resumable,
    load_state,
    verify_checkpoint,
)
from df2mm.engine.cpu_amp_optim_wrapper import CPUAmpOptimWrapper
from df2mm.engine.epoch_seed_hook import EpochSeedHook
from df2mm.engine.launch import (
    USER_ERRORS,
    accumulate,
    auto_scale_lr,
    build_runner,
    enable_amp,
    end_distributed,
    exit_on,
    load_weights,
    read_config,
)

__all__ = [
    'USER_ERRORS', 'AtomicBackend', 'CPUAmpOptimWrapper', 'ChannelsLastHook',
    'EpochSeedHook', 'accumulate', 'auto_scale_lr', 'build_runner', 'check_state',
    'enable_amp', 'end_distributed', 'exit_on', 'find_resumable', 'load_state',
    'load_weights', 'read_config', 'verify_checkpoint',
]
