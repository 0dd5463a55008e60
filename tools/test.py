"""Test a checkpoint: python tools/test.py CONFIG CHECKPOINT [--out FILE.json]."""

import argparse
import json
import os

# Before torch loads OpenMP: threads that spin while they wait slow a busy machine
# down many times over, and with loader workers beside them every CPU is busy.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')


def parse_args():
    parser = argparse.ArgumentParser(description='Test a checkpoint.')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file, .pth or .safetensors')
    parser.add_argument('--work-dir', help='folder of logs; '
                        'work_dirs/<name of the config> if not given')
    parser.add_argument('--out', metavar='FILE.json', help='write the metrics')
    parser.add_argument('--dump', metavar='FILE.pkl', help='write the predictions, '
                        "as mmdet's analysis tools read them")
    parser.add_argument('--show-dir', metavar='DIR',
                        help='write pictures of the predictions')
    parser.add_argument('--data-root', metavar='DIR',
                        help="where the data is, if not where the config says")
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE',
                        help='replace settings of the config')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'],
                        default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.out and not args.out.endswith('.json'):
        parser.error(f'--out must end in .json, got {args.out}')
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump must end in .pkl, got {args.dump}')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def prepare(args):
    """The runner, with its data opened and the weights in the model."""
    from mmdet.evaluation import DumpDetResults

    from df2mm.engine import build_runner, load_weights, read_config, verify_checkpoint
    cfg = read_config(args.config, args.cfg_options, args.work_dir, args.launcher,
                      args.data_root)
    verify_checkpoint(args.checkpoint)
    # load_from of a training config must not follow the weights under test.
    cfg.load_from = None
    if args.show_dir:
        cfg.default_hooks.visualization.update(
            draw=True, test_out_dir=os.path.abspath(args.show_dir))
    runner = build_runner(cfg)
    if args.dump:
        runner.test_loop.evaluator.metrics.append(DumpDetResults(args.dump))
    _ = runner.test_loop
    load_weights(runner, args.checkpoint)
    return runner


def main():
    args = parse_args()
    from mmengine.dist import is_main_process

    from df2mm.engine import USER_ERRORS, AtomicBackend, end_distributed, exit_on
    from df2mm.zoo import sha256_of
    with exit_on(*USER_ERRORS):
        runner = prepare(args)
    with exit_on(OSError):
        metrics = runner.test()
        if args.out and is_main_process():
            report = dict(
                config=args.config, checkpoint=args.checkpoint,
                sha256=sha256_of(args.checkpoint),
                data_root=args.data_root or runner.cfg.get('data_root'),
                cfg_options=args.cfg_options,
                metrics={key: float(value) for key, value in metrics.items()})
            AtomicBackend().put_text(json.dumps(report, indent=2) + '\n', args.out)
    end_distributed()


if __name__ == '__main__':
    main()
