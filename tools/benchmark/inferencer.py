"""Images a second of DeepFashion2Inferencer beside mmdet's DetInferencer.

Both get the same model, images, thresholds and batch size, and give plain Python
with masks as run lengths; ours gives landmarks and vectors too. The network alone
is the same model on the same batches, already read and resized, up to boxes and
small masks, and nothing else: what an inferencer takes beyond that is its share
outside the network. On a CPU that is a share of the processor's time, which other
programs on the machine disturb less than the clock's; on a GPU of the clock's. The
runs of all three alternate; figures are medians.

    python tools/benchmark/inferencer.py
    python tools/benchmark/inferencer.py --weights epoch_8.pth --images photos/

Without weights the network is untrained, and finds as many items in every image as
the config allows: masks at their most.
"""

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

CONFIG = (Path(__file__).parents[2] / 'configs/match_rcnn'
          / 'match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic.py')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', default=str(CONFIG))
    parser.add_argument('--weights', help='checkpoint; default: untrained')
    parser.add_argument('--images', help='folder; default: synthetic ones')
    parser.add_argument('--count', type=int, default=48, help='of the images')
    parser.add_argument('--batch', type=int, nargs='+', default=[1, 8])
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    args = parser.parse_args()
    if min(args.count, args.runs, *args.batch) < 1:
        sys.exit('--count, --batch and --runs must be at least 1')
    with tempfile.TemporaryDirectory() as folder:
        cfg, weights = model_files(args, folder)
        paths = image_files(args, folder)
        ours, theirs = inferencers(cfg, weights, args.device)
        print(f'{Path(args.config).stem}, {len(paths)} images, {args.device}')
        print(f'{"":5}{"images a second":^30}{"":9}{"processor ms an image":^30}'
              f'{"outside the network":^20}')
        names = ''.join(f'{name:>10}' for name in ('network', 'mmdet', 'df2mm'))
        print(f'{"batch":5}{names}{"ratio":>9}{names}{"mmdet":>10}{"df2mm":>10}')
        for size in args.batch:
            wall, processor = seconds(ours, theirs, paths, size, args.runs)
            network, mmdet, df2mm = processor if args.device == 'cpu' else wall
            print(f'{size:5}' + ''.join(f'{len(paths) / value:10.2f}' for value in wall)
                  + f'{wall[1] / wall[2]:9.2f}'
                  + ''.join(f'{value / len(paths) * 1e3:10.1f}' for value in processor)
                  + f'{1 - network / mmdet:10.1%}{1 - network / df2mm:10.1%}',
                  flush=True)


def model_files(args, folder):
    """A config without annotation to load, and a checkpoint."""
    import torch
    from mmdet.registry import MODELS
    from mmengine.registry import DefaultScope

    from df2mm.engine import read_config
    cfg = read_config(args.config)
    cfg.model.backbone.init_cfg = None
    pipeline = cfg.test_dataloader.dataset.pipeline
    cfg.test_dataloader.dataset.pipeline = [
        step for step in pipeline if step.type != 'LoadDeepFashion2Annotations']
    if args.weights:
        return cfg, args.weights
    cfg.model.test_cfg.rcnn.score_thr = 0.0
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model)
        model.init_weights()
    torch.save(dict(state_dict=model.state_dict()), f'{folder}/model.pth')
    return cfg, f'{folder}/model.pth'


def image_files(args, folder):
    from df2mm.apis.image_inputs import image_inputs
    from df2mm.synthetic import write_dataset
    if args.images is None:
        write_dataset(f'{folder}/data', args.count, 2, seed=0, progress=False)
    entries = image_inputs(args.images or f'{folder}/data/train/image')
    return [entry.name for entry in entries][:args.count]


def inferencers(cfg, weights, device):
    import copy

    from mmdet.apis import DetInferencer

    from df2mm.apis import DeepFashion2Inferencer
    # Ours first: mmdet's changes the config that it gets.
    ours = DeepFashion2Inferencer(cfg, weights, device)
    logging.disable(logging.WARNING)
    theirs = DetInferencer(copy.deepcopy(cfg), weights, device, show_progress=False)
    return ours, theirs


def seconds(ours, theirs, paths, size, runs):
    """Of the network alone, of mmdet's inferencer and of ours: clock and processor."""
    import torch

    from df2mm.apis.image_inputs import image_inputs
    from df2mm.apis.preparation import Preparation
    prepare = Preparation(ours.cfg)
    ready = [prepare(entry) for entry in image_inputs(paths)]

    def network():
        for i in range(0, len(ready), size):
            ours.predict_prepared(ready[i:i + size])
        if ours.device.type == 'cuda':
            torch.cuda.synchronize()

    calls = (network, lambda: theirs(paths, batch_size=size),
             lambda: ours(paths, batch_size=size, score_thr=0.0, nms_thr=None))
    times = [[] for _ in calls]
    for run in range(runs + 1):
        for call, taken in zip(calls, times, strict=True):
            began = time.perf_counter(), time.process_time()
            call()
            if run:  # The first warms up.
                taken.append((time.perf_counter() - began[0],
                              time.process_time() - began[1]))
    return tuple([statistics.median(values[clock] for values in taken)
                  for taken in times] for clock in (0, 1))


if __name__ == '__main__':
    main()
