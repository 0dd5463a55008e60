"""What Match R-CNN costs beside mmdet's Mask R-CNN on the same network.

Both are built of their configs with the same backbone and get the same batch of
synthetic images, four user-shop pairs by default. A training step is forward, loss
and backward without the optimizer; inference is prediction of the same batch. Each
figure comes from a fresh process: the median of some runs after one to warm up, and
the most memory of the process.

    python tools/benchmark/match_rcnn.py
    python tools/benchmark/match_rcnn.py --backbone r50 --size 800 1333 --batch 2

Linux only on a CPU: the memory figures are those of /proc.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from measuring import in_fresh_process, measured

CONFIGS = Path(__file__).parents[2] / 'configs'
MODELS = {
    'effnet-lite0': {
        'Mask R-CNN': 'mask_rcnn/mask-rcnn_effnet-lite0_fpn_8e_synthetic.py',
        'Match R-CNN':
        'match_rcnn/match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic.py'},
    'r50': {
        'Mask R-CNN': 'mask_rcnn/mask-rcnn_r50_fpn_2x_deepfashion2.py',
        'Match R-CNN': 'match_rcnn/match-rcnn_r50_fpn_class-keys_1x_deepfashion2.py'},
}
STEPS = ('training', 'inference')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--backbone', choices=MODELS, default='effnet-lite0')
    parser.add_argument('--size', type=int, nargs=2, default=(320, 320),
                        metavar=('SHORT', 'LONG'), help='default: 320 320')
    parser.add_argument('--batch', type=int, default=8, help='images; even')
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument('--measure', nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.batch < 2 or args.batch % 2 or args.runs < 1:
        sys.exit('expected an even --batch and at least one of --runs, got '
                 f'{args.batch} and {args.runs}')
    if args.measure:
        print(json.dumps(measure(*args.measure, args)))
        return
    with tempfile.TemporaryDirectory() as folder:
        make_data(folder, args.batch)
        print(f'{args.backbone}, {args.batch} images of {args.size[0]} x {args.size[1]}'
              f' at most, {args.device}')
        print(f'{"":10}' + ''.join(f'{name + unit:>18}' for unit in (', s', ', MiB')
                                   for name in (*MODELS[args.backbone], 'ratio')))
        for step in STEPS:
            results = [in_fresh_process(
                __file__, '--measure', name, step, folder, '--backbone', args.backbone,
                '--size', *args.size, '--batch', args.batch, '--runs', args.runs,
                '--device', args.device) for name in MODELS[args.backbone]]
            columns = []
            for key, unit in (('seconds', 1), ('peak', 2**20)):
                values = [result[key] / unit for result in results]
                columns += [*values, values[1] / values[0]]
            print(f'{step:10}' + ''.join(f'{value:18,.2f}' for value in columns),
                  flush=True)


def make_data(folder, batch):
    from df2mm.datasets.convert import convert_split
    from df2mm.synthetic import write_dataset
    # Enough for as many user images with a partner.
    write_dataset(folder, 4 * batch + 8, 2, seed=0, progress=False)
    convert_split(Path(folder) / 'train', Path(folder) / 'annotations/train.json')


def measure(name, step, folder, args):
    """Median seconds of a step, and the most bytes of the process."""
    import torch
    from mmdet.registry import MODELS as REGISTRY
    from mmengine.registry import DefaultScope

    from df2mm.engine import read_config
    cfg = read_config(str(CONFIGS / MODELS[args.backbone][name]))
    cfg.model.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = REGISTRY.build(cfg.model).to(args.device)
        if args.device == 'cpu':
            model.to(memory_format=torch.channels_last)
        batch = load_batch(folder, args)
    # Untrained scores are under the config's threshold; as many as are allowed.
    model.roi_head.test_cfg.score_thr = 0.0
    run = train_once if step == 'training' else predict_once
    times = []

    def all_runs():
        for _ in range(args.runs + 1):
            torch.manual_seed(0)
            began = time.perf_counter()
            run(model, batch)
            if args.device != 'cpu':
                torch.cuda.synchronize()
            times.append(time.perf_counter() - began)

    peak = measured(all_runs)['peak']
    if args.device != 'cpu':
        peak = torch.cuda.max_memory_allocated()
    return dict(seconds=statistics.median(times[1:]), peak=peak)


def load_batch(folder, args):
    """User-shop pairs, as the training of the match network gets them."""
    from mmengine.dataset import pseudo_collate

    from df2mm.datasets import DeepFashion2Dataset
    from df2mm.datasets.pairs import find_pairs
    dataset = DeepFashion2Dataset(
        folder, 'train', 'annotations/train.json', workers=1, pipeline=[
            dict(type='LoadImageFromFile', color_type='color_ignore_orientation'),
            dict(type='LoadDeepFashion2Annotations', with_mask=True, poly2mask=False),
            dict(type='Resize', scale=tuple(args.size[::-1]), keep_ratio=True),
            dict(type='PackDeepFashion2Inputs')])
    pairs = find_pairs(dataset.index, dataset.positions)[:args.batch // 2]
    return pseudo_collate([dataset[int(place)] for place in pairs.ravel()])


def train_once(model, batch):
    import copy
    model.train()
    data = model.data_preprocessor(copy.deepcopy(batch), True)
    loss, _ = model.parse_losses(model(**data, mode='loss'))
    loss.backward()
    model.zero_grad()


def predict_once(model, batch):
    import copy

    import torch
    model.eval()
    with torch.no_grad():
        model.test_step(copy.deepcopy(batch))


if __name__ == '__main__':
    main()
