"""Make the challenge's files of a checkpoint: landmarks and retrieval, to upload.

    submit.py CONFIG CHECKPOINT --out DIR
    submit.py CONFIG CHECKPOINT --out DIR --split validation --track keypoints

It predicts the images that json_for_test (of a validation split json_for_validation)
lists, checks every entry of what comes of it, and puts keypoints.zip and
retrieval.zip into DIR, each with the .json beside it. Consumers' images are queries,
shops' images the gallery. Nothing appears there unless all is well.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

# Before torch loads OpenMP: see tools/test.py.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

#: Track to the head that it needs.
HEADS = {'keypoints': 'keypoint_head', 'retrieval': 'match_head'}


def parse_args(argv):
    parser = argparse.ArgumentParser(
        prog='submit.py', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file, .pth or .safetensors')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR')
    parser.add_argument('--data-root', metavar='DIR', help='the folder of test/image '
                        "and json_for_test, if not where the config's data is")
    parser.add_argument('--split', choices=('test', 'validation'), default='test')
    parser.add_argument('--track', nargs='+', choices=HEADS, default=list(HEADS),
                        help='default: both')
    parser.add_argument('--batch-size', type=int, metavar='N',
                        help="images; default: the config's")
    parser.add_argument('--work-dir', metavar='DIR', help='folder of logs; '
                        'work_dirs/<name of the config> if not given')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE',
                        help='replace settings of the config')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'],
                        default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.batch_size is not None and args.batch_size < 1:
        parser.error(f'--batch-size must be at least 1, got {args.batch_size}')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def main(argv=None):
    args = parse_args(argv)
    from mmengine.dist import is_main_process

    from df2mm.engine import USER_ERRORS, end_distributed, exit_on, read_config
    from df2mm.evaluation.submission import read_challenge_images
    with exit_on(*USER_ERRORS, OSError):
        if args.out.exists() and not args.out.is_dir():
            raise ValueError(f'--out must be a folder, and {args.out} is a file')
        cfg = read_config(args.config, args.cfg_options, args.work_dir, args.launcher)
        check_heads(cfg, args.checkpoint, args.track)
        data_root = args.data_root or cfg.get('data_root')
        if not data_root:
            raise ValueError(f'{args.config} says no data_root. Give --data-root DIR')
        images = read_challenge_images(data_root, args.split, args.track)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that what is ready only needs another name.
        with tempfile.TemporaryDirectory(
                dir=args.out.parent, prefix=f'.{args.out.name}-') as folder:
            folder = Path(folder)
            predict(cfg, args, images, Path(data_root), folder)
            if is_main_process():
                finish(args, images, folder)
    end_distributed()
    return 0


def check_heads(cfg, checkpoint, tracks):
    """Raise ValueError if config or checkpoint lack what a track needs."""
    from df2mm.engine import load_state
    state = load_state(checkpoint)
    for track in HEADS:
        name = HEADS[track]
        in_state = any(key.startswith(f'roi_head.{name}.') for key in state)
        in_config = bool(cfg.model.get('roi_head', {}).get(name))
        if track in tracks and not (in_state and in_config):
            where = cfg.filename if not in_config else checkpoint
            others = [other for other in tracks if other != track]
            fix = f'Ask for --track {others[0]} alone, or give' if others else 'Give'
            raise ValueError(f'the {track} track needs a {name.replace("_", " ")}, and '
                             f'{where} has none. {fix} another model')
    if not any(key.startswith('roi_head.match_head.') for key in state) and (
            'match_head' in cfg.model.roi_head):
        # Only landmarks are asked for: the config of a later stage does as well.
        cfg.model.roi_head.match_head = None


def predict(cfg, args, images, data_root, folder):
    """Write the results of the tracks into a folder, without scoring any."""
    from df2mm.engine import build_runner, load_weights
    image_folder = (data_root / args.split / 'image').resolve()
    write_image_list(folder / 'images.json', images, image_folder)
    loader = cfg.test_dataloader
    loader.dataset = dict(
        type='DeepFashion2Dataset', ann_file=str((folder / 'images.json').resolve()),
        data_prefix=dict(img=str(image_folder)), test_mode=True,
        pipeline=[step for step in loader.dataset.pipeline
                  if step['type'] != 'LoadDeepFashion2Annotations'])
    if args.batch_size is not None:
        loader.batch_size = args.batch_size
    settings = cfg.get('test_evaluator') or {}
    settings = settings.get('retrieval') if isinstance(settings, dict) else None
    cfg.test_evaluator = dict(
        type='DeepFashion2Metric', metric=args.track, format_only=True,
        retrieval=dict(settings or {}, boxes='detected'),
        outfile_prefix=str(folder / 'results'))
    cfg.load_from = None
    cfg.model.pop('gt_boxes', None)
    runner = build_runner(cfg)
    _ = runner.test_loop
    load_weights(runner, args.checkpoint)
    runner.test()


def write_image_list(path, images, folder):
    """An annotation file of images without an item, which the dataset reads."""
    from df2mm.datasets.annotation import UNKNOWN_PAIR, ImageAnnotation
    from df2mm.datasets.coco import write_compact
    from df2mm.datasets.defects import Report
    from df2mm.datasets.image_header import read_image_size

    def rows():
        for image in images:
            report = Report(image.file_name)
            size = read_image_size(folder / image.file_name, report)
            if size is None:
                raise ValueError(f'{folder / image.file_name} is no image that can be '
                                 f'read: {report.defects[0].message}')
            yield (ImageAnnotation(image.img_id, image.source, UNKNOWN_PAIR, []), size,
                   image.file_name)

    write_compact(path, rows())


def finish(args, images, folder):
    """Check what was written, zip it and put it where it is wanted."""
    from df2mm.evaluation.submission import check_results, pack_results
    ready = []
    for track in args.track:
        path = folder / f'results.{track}.json'
        if not path.is_file():
            raise ValueError('fewer than 20 garments were found in the images of '
                             'shops, and an entry of the retrieval track names 20. Is '
                             'the checkpoint a trained one?')
        path = path.rename(folder / f'{track}.json')
        said = check_results(path, track, images)
        pack_results(path, path.with_suffix('.zip'))
        ready.append((path, said))
    args.out.mkdir(exist_ok=True)
    for path, said in ready:
        for file in (path, path.with_suffix('.zip')):
            os.replace(file, args.out / file.name)
        print(f'{args.out / path.stem}.zip: {said}, all well formed')


if __name__ == '__main__':
    sys.exit(main())
