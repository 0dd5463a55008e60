"""What models cost: size, computing by stream, run time and memory.

Parameters, bytes of the weights and FLOPs are exact and take seconds. Run time and
memory are measured, each in a fresh process, with random weights and as many
proposals and detections as are counted: they do not depend on what a model finds.
No weights are needed and none are downloaded.

    python tools/benchmark/model_cost.py configs/match_rcnn/*.py --static
    python tools/benchmark/model_cost.py CONFIG --size 800 1333 --batch 1 --device cuda
    python tools/benchmark/model_cost.py CONFIG --json model_zoo/costs.json

On a CPU the memory is that of the whole process, Python and torch included, and
needs Linux; on CUDA it is what torch's allocator held at most.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from measuring import in_fresh_process, measured

# Before torch loads OpenMP: threads that spin while they wait slow a busy machine.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

#: Work of others, in processors, from which on a latency counts as disturbed.
BUSY = 0.3
#: What the committed file says of itself.
UNITS = ('bytes of the weights; flops of one image, a multiplication and an addition '
         'as 2; seconds a batch; peak_memory in bytes; sizes are height and width')


def parse_args(argv=None):
    parser = argparse.ArgumentParser(
        prog='model_cost.py', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument('--size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'),
                        help="pixels; default: the largest of the config's test "
                        'pipeline')
    parser.add_argument('--proposals', type=int, metavar='P', help='through the box '
                        "head, an image; default: the most by the config's test_cfg")
    parser.add_argument('--detections', type=int, metavar='D', help='through the '
                        'other heads, an image; the same')
    parser.add_argument('--device', default='cpu', help='cpu, cuda or cuda:N')
    parser.add_argument('--batch', type=int, default=1, metavar='N', help='images')
    parser.add_argument('--repeats', type=int, default=10, metavar='N')
    parser.add_argument('--static', action='store_true',
                        help='measure nothing: parameters, bytes and FLOPs alone')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures; '
                        'those of other configs and devices in the file stay')
    parser.add_argument('--measure', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    for name in ('batch', 'repeats', 'proposals', 'detections'):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            parser.error(f'--{name} must be at least 1, got {getattr(args, name)}')
    return args


def main(argv=None):
    args = parse_args(argv)
    if args.measure:
        print(json.dumps(measure(args)))
        return
    from df2mm.engine import exit_on, read_config
    from df2mm.zoo.cost import model_costs
    with exit_on(OSError, ValueError):
        check_device(args.device)
        known = read_costs(args.json)
        for path in args.configs:
            name = Path(path).stem
            costs = model_costs(
                read_config(path), args.size, args.proposals, args.detections)
            costs['runs'] = earlier_runs(known.get(name), costs)
            if not args.static:
                run = run_apart(path, costs, args)
                costs['runs'][run.pop('key')] = run
            known[name] = costs
            print(text_of(name, costs), flush=True)
            if args.json:
                write_costs(args.json, known)


def check_device(device):
    import torch
    if torch.device(device).type == 'cuda' and not torch.cuda.is_available():
        raise ValueError(f'--device {device} needs a GPU, and torch finds none. Use '
                         '--device cpu')


def read_costs(path) -> dict:
    """Costs by name of the config; none where there is no file."""
    if path is None or not path.exists():
        return {}
    from df2mm.zoo.leaderboard_files import read_costs as read
    return read(path)


def write_costs(path, costs):
    from df2mm.engine import AtomicBackend
    report = dict(units=UNITS, models=dict(sorted(costs.items())))
    AtomicBackend().put_text(json.dumps(report, indent=1) + '\n', path)


def earlier_runs(before, costs) -> dict:
    """Runs measured before that are of the same work."""
    same = ('parameters', 'flops', 'input_size', 'proposals', 'detections')
    if before is None or any(before.get(name) != costs[name] for name in same):
        return {}
    return before.get('runs', {})


def run_apart(path, costs, args) -> dict:
    return in_fresh_process(
        __file__, path, '--measure', '--size', *costs['size'], '--proposals',
        costs['proposals'], '--detections', costs['detections'], '--device',
        args.device, '--batch', args.batch, '--repeats', args.repeats)


def measure(args) -> dict:
    """Seconds and peak memory of predictions, in this process."""
    import numpy as np
    import torch

    from df2mm.engine import read_config
    from df2mm.zoo.cost import build_untrained, time_predictions
    device = torch.device(args.device)
    model = build_untrained(read_config(args.configs[0]))
    if device.type == 'cpu':
        model.to(memory_format=torch.channels_last)
    model.to(device)
    before = busy_seconds()
    done = measured(lambda: time_predictions(
        model, tuple(args.size), args.batch, args.repeats, args.proposals,
        args.detections))
    others = (busy_seconds() - before - done['processor']) / done['seconds']
    cuda = device.type == 'cuda'
    seconds = done['result']
    name = torch.cuda.get_device_name(device) if cuda else (
        f'CPU, {torch.get_num_threads()} threads')
    return dict(
        key=f'{name}, batch {args.batch}', device=device.type, batch=args.batch,
        repeats=args.repeats, median=round(float(np.median(seconds)), 5),
        p95=round(float(np.quantile(seconds, 0.95, method='higher')), 5),
        peak_memory=torch.cuda.max_memory_allocated(device) if cuda else done['peak'],
        # What else ran meanwhile, in processors: it slows a latency on a CPU.
        others=round(max(others, 0.0), 2), disturbed=others > BUSY)


def busy_seconds() -> float:
    """Seconds that all processors together have worked, for whatever process."""
    fields = Path('/proc/stat').read_text().split('\n', 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf('SC_CLK_TCK')


def text_of(name, costs) -> str:
    from df2mm.visualization import format_table
    size = costs['bytes']
    rows = [(stream, count / 1e6, costs['flops'].get(stream, 0) / 1e9)
            for stream, count in costs['parameters'].items()]
    lines = [
        f'\n{name}',
        f'weights {size["float32"] / 1e6:,.1f} MB in float32, '
        f'{size["float16"] / 1e6:,.1f} MB in float16; an image of '
        f'{costs["size"][0]} x {costs["size"][1]}, {costs["proposals"]:,} proposals, '
        f'{costs["detections"]} detections',
        format_table(('stream', 'M parameters', 'GFLOPs'), rows, digits=2)]
    for key, run in costs['runs'].items():
        lines.append(
            f'{key}: median {1000 * run["median"]:,.0f} ms, p95 '
            f'{1000 * run["p95"]:,.0f} ms of {run["repeats"]}, peak '
            f'{run["peak_memory"] / 2**20:,.0f} MiB' + (
                f'; {run["others"]} processors did other work meanwhile'
                if run['disturbed'] else ''))
    return '\n'.join(lines)


if __name__ == '__main__':
    sys.exit(main())
