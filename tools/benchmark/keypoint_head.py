"""Time the landmark head, sliced by category and dense, side by side.

A training step is forward, loss and backward; inference is forward and reading the
landmarks. RoIs show the categories as often as DeepFashion2's user images do. Each
figure comes from a fresh process: the median time of some runs after one to warm
up, and the most memory that the runs took on top of the head and its input.

    python tools/benchmark/keypoint_head.py
    python tools/benchmark/keypoint_head.py --last-only --rois 64

Linux only on a CPU: the memory figures are those of /proc.
"""

import argparse
import itertools
import json
import statistics
import time
from pathlib import Path

from measuring import CATEGORY_SHARES, in_fresh_process, smaps

FORMS, STEPS = ('sliced', 'dense'), ('training', 'inference')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rois', type=int, nargs='+', default=[128, 64])
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument(
        '--channels', type=int, default=512, help='of all layers but the last')
    parser.add_argument(
        '--last-only', action='store_true', help='the last deconvolution alone')
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument(
        '--threads', type=int, help='of a CPU; on a busy machine 1 is the fairest')
    parser.add_argument('--measure', nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if min(*args.rois, args.channels, args.runs) < 1:
        parser.error('--rois, --channels and --runs must be positive')
    if args.measure:
        form, step, rois = args.measure
        print(json.dumps(measure(form, step, int(rois), args)))
        return
    print(f'{"RoIs":>5} {"":10}' + ''.join(
        f'{title:>12}' for unit in ('s', 'MiB')
        for title in (*(f'{form}, {unit}' for form in FORMS), 'ratio')))
    for rois, step in itertools.product(args.rois, STEPS):
        results = [run(form, step, rois, args) for form in FORMS]
        columns = [value for key, unit in (('seconds', 1), ('peak', 2**20))
                   for value in compare([result[key] / unit for result in results])]
        print(f'{rois:5} {step:10}' + ''.join(f'{value:12.2f}' for value in columns),
              flush=True)


def compare(values):
    return [*values, values[1] / values[0]]


def run(form, step, rois, args):
    options = ['--last-only'] if args.last_only else []
    if args.threads:
        options += ['--threads', args.threads]
    return in_fresh_process(
        __file__, '--measure', form, step, rois, '--device', args.device,
        '--channels', args.channels, '--runs', args.runs, *options)


def measure(form, step, rois, args):
    """Median seconds of a step, and the bytes that it takes at most."""
    import torch

    from df2mm.models.keypoint_head import KeypointHead

    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    head = KeypointHead(
        conv_out_channels=args.channels, deconv_out_channels=args.channels,
        sliced=form == 'sliced').to(args.device)
    batch = make_batch(rois, args)
    forward = last_layer if args.last_only else KeypointHead.forward
    work = {'training': train, 'inference': infer}[step]
    before = memory(args.device)
    seconds = []
    for _ in range(args.runs + 1):
        began = time.perf_counter()
        work(head, forward, *batch)
        if args.device != 'cpu':
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return dict(seconds=statistics.median(seconds[1:]),
                peak=memory(args.device, peak=True) - before)


def make_batch(rois, args):
    """Inputs, labels and, a RoI, its sampling result and ground truth in one."""
    import torch
    from mmengine.structures import InstanceData

    from df2mm.metainfo import CATEGORIES, NUM_KEYPOINTS

    labels = torch.tensor(draw_labels(rois), device=args.device)
    shape = (args.channels, 28, 28) if args.last_only else (256, 14, 14)
    feats = torch.randn(rois, *shape, device=args.device)
    boxes = torch.tensor([[20., 30, 320, 430]], device=args.device).repeat(rois, 1)
    keypoints = torch.zeros(rois, NUM_KEYPOINTS, 2)
    for row, label in zip(keypoints, labels.tolist(), strict=True):
        category = CATEGORIES[label]
        row[category.slice] = torch.from_numpy(
            category.template * (300, 400) + (20, 30)).float()
    keypoints = keypoints.to(args.device)
    truth = InstanceData(
        labels=labels, keypoints=keypoints, bboxes=boxes,
        keypoints_visible=(keypoints > 0).any(dim=2).long(), pos_priors=boxes,
        pos_gt_labels=labels, pos_assigned_gt_inds=torch.arange(rois))
    return feats, labels, truth


def draw_labels(rois):
    """The category of each RoI: as frequent as they are, by largest remainders."""
    exact = [share * rois / sum(CATEGORY_SHARES) for share in CATEGORY_SHARES]
    counts = [int(count) for count in exact]
    by_rest = sorted(range(len(exact)), key=lambda k: counts[k] - exact[k])
    for label in by_rest[:rois - sum(counts)]:
        counts[label] += 1
    return [label for label, count in enumerate(counts) for _ in range(count)]


def last_layer(head, x, labels):
    """The maps of RoIs, which are sorted here, by the last layer alone."""
    import torch
    if not head.sliced:
        return (head.deconv_maps(x)[head._table[labels]],)
    counts = torch.bincount(labels, minlength=head.num_classes).tolist()
    return (head.deconv_maps.forward_sliced(x, counts),)


def train(head, forward, feats, labels, truth):
    # The layers below want a gradient too.
    feats = feats.detach().requires_grad_()
    head.zero_grad()
    losses = head.loss_and_target(forward(head, feats, labels), [truth], [truth])
    losses['loss_keypoint']['loss_keypoint'].backward()


def infer(head, forward, feats, labels, truth):
    import torch
    with torch.inference_mode():
        head.predict_by_feat(forward(head, feats, labels), [truth.clone()], [{}])


def memory(device, peak=False):
    """Bytes held now, which starts a new peak, or the most since then."""
    import torch
    if device != 'cpu':
        if peak:
            return torch.cuda.max_memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    if peak:
        status = Path('/proc/self/status').read_text()
        return int(status.partition('VmHWM:')[2].split()[0]) << 10
    Path('/proc/self/clear_refs').write_text('5')
    return smaps('self', 'Rss:')


if __name__ == '__main__':
    main()
