"""Train a model: python tools/train.py CONFIG [--work-dir DIR] [--resume].

On several processes: torchrun --nproc_per_node N tools/train.py CONFIG
--launcher pytorch; without a GPU they talk over gloo.
"""

import argparse
import os

# Before torch loads OpenMP: threads that spin while they wait slow a busy machine
# down many times over, and with loader workers beside them every CPU is busy.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')


def parse_args():
    parser = argparse.ArgumentParser(description='Train a model.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints; '
                        'work_dirs/<name of the config> if not given')
    parser.add_argument(
        '--resume', nargs='?', const='auto', metavar='CHECKPOINT',
        help='go on from CHECKPOINT or, without it, from the newest whole one '
        'in the work dir; where there is none, start from the beginning')
    parser.add_argument('--amp', action='store_true', help='mixed precision: float16 '
                        'on a GPU, bfloat16 on a CPU')
    parser.add_argument('--amp-dtype', choices=['float16', 'bfloat16'],
                        help='--amp in this precision')
    parser.add_argument('--accumulate', type=int, metavar='N', help='step once every '
                        'N batches: one process follows the schedule of N')
    parser.add_argument('--auto-scale-lr', action='store_true', help='scale the '
                        'learning rate by what a step sees (batch size x processes x '
                        "accumulated batches) / the config's base batch size")
    parser.add_argument('--data-root', metavar='DIR',
                        help="where the data is, if not where the config says")
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE',
                        help='replace settings of the config, such as '
                        'train_dataloader.batch_size=4')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'],
                        default='none')
    # torchrun's predecessors pass it; both spellings are in use.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def prepare(args):
    """The runner, with its data opened: what is missing shows before training."""
    from df2mm.engine import (
        accumulate,
        auto_scale_lr,
        build_runner,
        enable_amp,
        find_resumable,
        read_config,
        verify_checkpoint,
    )
    cfg = read_config(args.config, args.cfg_options, args.work_dir, args.launcher,
                      args.data_root)
    if args.amp or args.amp_dtype:
        enable_amp(cfg, args.amp_dtype)
    if args.accumulate is not None:
        accumulate(cfg, args.accumulate)
    if args.auto_scale_lr:
        auto_scale_lr(cfg)
    if args.resume == 'auto':
        checkpoint = find_resumable(cfg.work_dir)
        cfg.resume = checkpoint is not None
        # load_from of the config stays where there is nothing to resume.
        cfg.load_from = str(checkpoint) if checkpoint else cfg.get('load_from')
    elif args.resume:
        if args.resume.endswith('.safetensors'):
            raise ValueError(
                f'--resume: {args.resume} holds weights only, no state of a training. '
                f'Start from it with --cfg-options load_from={args.resume}')
        verify_checkpoint(args.resume)
        cfg.resume, cfg.load_from = True, args.resume
    runner = build_runner(cfg)
    # Reading the properties builds the loops and with them the datasets.
    _ = runner.train_loop, runner.val_loop
    return runner


def main():
    args = parse_args()
    from df2mm.engine import USER_ERRORS, end_distributed, exit_on
    with exit_on(*USER_ERRORS):
        runner = prepare(args)
    # From here on what the world does wrong: a full disk, an image that is gone.
    with exit_on(OSError):
        runner.train()
    end_distributed()


if __name__ == '__main__':
    main()
