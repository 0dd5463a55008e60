"""From a command line's arguments to a runner that is ready to start."""

import argparse
import os
import pickle
import sys
from contextlib import contextmanager
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from mmengine.config.utils import ConfigParsingError
from mmengine.dist import is_distributed
from mmengine.runner import Runner
from torch import distributed

#: What a user's mistake raises: a missing file, a setting that does not fit.
USER_ERRORS = (FileNotFoundError, ValueError, KeyError)


@contextmanager
def exit_on(*errors):
    """Turn these errors into one line on stderr and exit status 1.

    For tools, around what a user may have got wrong. Any other error is ours
    and keeps its traceback.
    """
    try:
        yield
    except errors as error:
        # str() of a KeyError is the repr of its message; an error from a
        # loader's worker carries a traceback and ends in its message.
        text = str(error.args[0] if isinstance(error, KeyError) else error).strip()
        if 'Traceback (most recent call last)' in text:
            text = text.splitlines()[-1]
        sys.exit(f'{Path(sys.argv[0]).name}: error: {" ".join(text.split())}')


def read_config(path, cfg_options=(), work_dir=None, launcher='none',
                data_root=None) -> Config:
    """Read a config and put what the command line says into it.

    Args:
        path (str): The config file.
        cfg_options (Sequence[str]): ``dotted.key=value``, as in OpenMMLab.
        work_dir (str, optional): Defaults to the config's own ``work_dir``, or
            else ``work_dirs/<name of the config>``.
        launcher (str): ``none``, ``pytorch``, ``slurm`` or ``mpi``.
        data_root (str, optional): Where the data is, in place of the config's own
            ``data_root``, in every path that begins with it.

    Raises:
        FileNotFoundError: If the config or one that it inherits is missing.
        ValueError: If it does not parse or an option does not fit it.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'config not found: {path}')
    try:
        cfg = Config.fromfile(path)
    except (ConfigParsingError, SyntaxError) as error:
        raise ValueError(f'config {path} does not parse: {error}') from error
    try:
        cfg.merge_from_dict(_parse_options(cfg_options))
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f'--cfg-options do not fit {path}: {error}') from error
    if data_root is not None:
        _move_data(cfg, str(data_root))
    cfg.launcher = launcher
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(path).stem)
    return cfg


def _move_data(cfg, new_root):
    """Replace the start of every path that begins with ``cfg.data_root``."""
    old_root = cfg.get('data_root')
    if not old_root:
        raise ValueError(f'--data-root needs data_root in {cfg.filename}')
    new_root = new_root.rstrip('/') + '/'

    def moved(value):
        if isinstance(value, dict):
            return {key: moved(entry) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(moved(entry) for entry in value)
        if isinstance(value, str) and value.startswith(old_root):
            return new_root + value[len(old_root):]
        return value

    for key in list(cfg):
        cfg[key] = moved(cfg[key])


def _parse_options(options):
    """['a.b=1', 'c=x,y'] -> {'a.b': 1, 'c': ['x', 'y']}, by mmengine's rules."""
    for option in options:
        if '=' not in option:
            raise ValueError(f'--cfg-options takes KEY=VALUE, got {option!r}')
    if not options:
        return {}
    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='+', action=DictAction)
    return parser.parse_args(['--options', *options]).options


def enable_amp(cfg: Config, dtype: str | None = None) -> None:
    """Set mixed precision.

    Args:
        cfg (Config): Changed.
        dtype (str, optional): 'float16', whose loss is scaled and which is for
            accelerators only, or 'bfloat16', which needs neither. Defaults to
            float16 on an accelerator and bfloat16 on the CPU.

    Raises:
        ValueError: If float16 is asked for without an accelerator.
    """
    cuda = torch.cuda.is_available()
    dtype = dtype or ('float16' if cuda else 'bfloat16')
    if dtype == 'float16' and not cuda:
        raise ValueError('float16 trains on a GPU only, and torch finds none. Use '
                         'bfloat16')
    if not cuda:
        cfg.optim_wrapper.type = 'CPUAmpOptimWrapper'
    elif dtype == 'float16':
        cfg.optim_wrapper.update(
            type='AmpOptimWrapper', dtype=dtype, loss_scale='dynamic')
    else:
        # A fixed scale of 1 leaves the loss alone.
        cfg.optim_wrapper.update(type='AmpOptimWrapper', dtype=dtype, loss_scale=1.0)


def accumulate(cfg: Config, count: int) -> None:
    """Step once every ``count`` batches, as if one batch were that much larger.

    Schedules that count iterations, such as a warm-up, count steps as before.

    Args:
        cfg (Config): Changed.
        count (int): 1 or more.

    Raises:
        ValueError: If ``count`` is not positive.
    """
    if count < 1:
        raise ValueError(f'batches a step must be at least 1, got {count}')
    cfg.optim_wrapper.accumulative_counts = count
    schedulers = cfg.get('param_scheduler') or []
    for scheduler in [schedulers] if isinstance(schedulers, dict) else schedulers:
        if not scheduler.get('by_epoch', True):
            for name in ('begin', 'end', 'T_max', 'total_iters', 'step_size'):
                if name in scheduler:
                    scheduler[name] *= count
            if 'milestones' in scheduler:
                scheduler.milestones = [count * at for at in scheduler.milestones]


def auto_scale_lr(cfg: Config) -> None:
    """Scale the learning rate by what a step sees / the config's base batch size.

    A step sees the batches of all processes, and of all the iterations that it
    accumulates: call it after :func:`accumulate`.

    Args:
        cfg (Config): Changed.

    Raises:
        ValueError: If the config has no ``auto_scale_lr.base_batch_size``.
    """
    if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
        raise ValueError(f'--auto-scale-lr needs auto_scale_lr = '
                         f'dict(base_batch_size=...) in {cfg.filename}')
    # mmengine compares with a process's batch times processes, and no more.
    count = cfg.optim_wrapper.get('accumulative_counts', 1)
    cfg.auto_scale_lr.update(
        enable=True, base_batch_size=cfg.auto_scale_lr.base_batch_size / count)


def build_runner(cfg: Config) -> Runner:
    """Start the process group, if any, and build the runner.

    Raises:
        ValueError: If ``cfg.launcher`` is ``pytorch`` outside torchrun.
    """
    if cfg.launcher == 'pytorch':
        if 'RANK' not in os.environ:
            raise ValueError(
                '--launcher pytorch runs under torchrun: '
                'torchrun --nproc_per_node N tools/train.py CONFIG --launcher pytorch')
        if not torch.cuda.is_available():
            _use_gloo(cfg)
    return Runner.from_cfg(cfg)


def end_distributed() -> None:
    """Leave the process group, if any, all processes together.

    One that goes first can abort another, whose gloo threads still wait for it.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def load_weights(runner: Runner, path) -> None:
    """Load a checkpoint into the runner's model: all of it, and no more.

    Raises:
        ValueError: If its parameters are not those of the model, or safe
            loading refuses the file.
    """
    try:
        runner.load_checkpoint(str(path), strict=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        text = ' '.join(str(error).split())
        raise ValueError(
            f'{path} does not load into the model of the config: '
            f'{text[:400]}{"..." if len(text) > 400 else ""}') from error


def _use_gloo(cfg):
    """Let processes without a GPU talk; mmengine would ask CUDA for a device."""
    if not is_distributed():
        distributed.init_process_group('gloo')
    cfg.model_wrapper_cfg = dict(
        type='MMDistributedDataParallel',
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False))
