"""Make data, train the small Match R-CNN on it, test it and show what it finds.

The training starts from the published checkpoint, which has seen other images, and
with --from-scratch from ImageNet weights.

python tools/demo.py --out DIR, which is what `make demo` does: everything that
the other tools do one by one, in minutes and without a GPU. Called again with
the same DIR it goes on where it stopped.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = (ROOT / 'configs/match_rcnn'
          / 'match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic.py')
#: Photos that no training sees; the second folder only where it is present.
PHOTOS = (ROOT / 'df2mm/data/cc0_photos', ROOT.parent / 'shared/reference/real_samples')
STEPS = 7
#: Garments whose matches are shown.
SHEETS = 8
#: One garment, one box: what scores count twice, a picture need not show twice.
NMS_THR = 0.6

# As in tools/train.py, for the pictures that this process predicts.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')


def parse_args():
    parser = argparse.ArgumentParser(
        description='Make synthetic data, train the small Match R-CNN on it, test it, '
        'search a gallery, and write a page of what it finds.')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR',
                        help='folder of everything that is made')
    parser.add_argument('--train-images', type=int, default=800, metavar='N',
                        help='default: %(default)s')
    parser.add_argument('--val-images', type=int, default=150, metavar='N',
                        help='default: %(default)s')
    parser.add_argument('--from-scratch', action='store_true', help='train from '
                        'ImageNet weights, not from the published checkpoint')
    parser.add_argument('--epochs', type=int, metavar='N',
                        help='default: 1, from scratch 3')
    # The published checkpoint was trained on data of seed 0.
    parser.add_argument('--seed', type=int, default=1, metavar='N',
                        help='of the data; default: %(default)s')
    parser.add_argument('--pictures', type=int, default=12, metavar='N',
                        help='synthetic images to show; default: %(default)s')
    parser.add_argument('--photos', type=Path, nargs='+', metavar='DIR',
                        help='folders of photos to show in place of our own')
    parser.add_argument('--score-thr', type=float, default=0.45, metavar='S',
                        help='least score of what is drawn; default: %(default)s')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE',
                        help='replace settings of the config')
    args = parser.parse_args()
    if args.epochs is None:
        args.epochs = 3 if args.from_scratch else 1
    for name, least in (('train_images', 8), ('val_images', 8), ('epochs', 1),
                        ('pictures', 0)):
        if getattr(args, name) < least:
            parser.error(f'--{name.replace("_", "-")} must be at least {least}')
    for folder in args.photos or ():
        if not folder.is_dir():
            parser.error(f'--photos: no such folder: {folder}')
    return args


class Steps:
    """Says which step runs, and how long it all has taken."""

    def __init__(self):
        self.start, self.number = time.monotonic(), 0

    def begin(self, text):
        self.number += 1
        self.say(f'{self.number}/{STEPS}  {text}')

    def say(self, text):
        minutes, seconds = divmod(round(self.seconds()), 60)
        print(f'[{minutes:2d}:{seconds:02d}] {text}', flush=True)

    def seconds(self):
        return time.monotonic() - self.start


def claim(args):
    """Keep the folder to one set of sizes, so that a second call can go on."""
    from df2mm.engine import AtomicBackend
    settings = dict(train_images=args.train_images, val_images=args.val_images,
                    epochs=args.epochs, seed=args.seed, cfg_options=args.cfg_options,
                    from_scratch=args.from_scratch)
    path = args.out / 'demo.json'
    if path.is_file() and json.loads(path.read_text()) != settings:
        raise ValueError(f'{args.out} holds a demo of other settings: '
                         f'{path.read_text().strip()}. Choose another --out')
    AtomicBackend().put_text(json.dumps(settings), path)


def run_tool(name, *args, log, on_line=lambda line: None):
    """Run one of our tools as a user would; its output goes to ``log``.

    Raises:
        ChildProcessError: If it fails; with the last line that it wrote.
    """
    command = [sys.executable, str(ROOT / 'tools' / f'{name}.py'), *map(str, args)]
    last = ''
    with open(log, 'a') as file, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors='replace') as process:
        for line in process.stdout:
            file.write(line)
            last = line.strip() or last
            on_line(line)
    if process.returncode:
        raise ChildProcessError(f'tools/{name}.py failed: {last} (see {log})')


def make_data(args, steps):
    from df2mm.datasets.convert import convert_split
    from df2mm.synthetic import write_dataset
    steps.begin(f'Painting {args.train_images} + {args.val_images} images')
    root = args.out / 'data'
    write_dataset(root, args.train_images, args.val_images, seed=args.seed,
                  progress=sys.stderr.isatty())
    steps.begin('Converting the annotation')
    for split in ('train', 'validation'):
        done = convert_split(root / split, root / f'annotations/{split}.json')
        steps.say(f'     {split}: {done.num_images} images, {done.num_items} items')
    return root


def train(args, data_root, steps):
    """Train; returns the checkpoint."""
    from df2mm import zoo
    from df2mm.engine import verify_checkpoint
    steps.begin(f'Training {CONFIG.stem}, epochs: {args.epochs}')
    work_dir = args.out / 'train'
    checkpoint = work_dir / f'epoch_{args.epochs}.pth'
    if checkpoint.is_file():
        verify_checkpoint(checkpoint)
        steps.say('     already done')
        return checkpoint
    pattern = re.compile(r'Epoch\(train\) \[(\d+)\]\[ *(\d+)/(\d+)\].* eta: (\S+) .*'
                         r' loss: ([\d.]+)')

    start = ()
    if not args.from_scratch:
        # A tenth of the rate: it has learnt most of it.
        start = (f'load_from={zoo.find(CONFIG.stem)}',
                 'optim_wrapper.optimizer.lr=1e-4')

    def on_line(line):
        if found := pattern.search(line):
            epoch, batch, batches, eta, loss = found.groups()
            steps.say(f'     epoch {epoch}, batch {batch} of {batches}, '
                      f'loss {float(loss):.2f}, {eta} left')

    run_tool('train', CONFIG, '--data-root', data_root, '--work-dir', work_dir,
             '--resume', '--cfg-options', f'train_cfg.max_epochs={args.epochs}',
             # The next step tests; once is enough.
             f'train_cfg.val_begin={args.epochs + 1}',
             f'param_scheduler.1.end={args.epochs}',
             'default_hooks.logger.interval=20', *start, *args.cfg_options,
             log=args.out / 'train.log', on_line=on_line)
    return checkpoint


def test(args, data_root, checkpoint, steps):
    """Test; returns the scores of boxes, masks and landmarks, and of retrieval."""
    from df2mm.evaluation import (
        read_detections,
        read_ground_truth,
        read_retrieval,
        read_retrieval_truth,
        score_detections,
    )
    from df2mm.evaluation.retrieval_of_records import score_found
    steps.begin(f'Testing on {args.val_images} images')
    results = args.out / 'test' / 'results'
    metrics = args.out / 'metrics.json'
    if metrics.is_file() and metrics.stat().st_mtime > checkpoint.stat().st_mtime:
        steps.say('     already done')
    else:
        run_tool('test', CONFIG, checkpoint, '--data-root', data_root, '--work-dir',
                 args.out / 'test', '--out', metrics, '--cfg-options',
                 f'test_evaluator.outfile_prefix={results}', *args.cfg_options,
                 log=args.out / 'test.log')
    ann_file = data_root / 'annotations/validation.json'
    truth = read_ground_truth(ann_file, keypoints=True, masks=True)
    detections = {task: read_detections(
        results.with_suffix(f'.{task}.json'), task,
        truth.full_landmark_keys() if task == 'keypoints' else (), empty_ok=True)
        for task in ('bbox', 'segm', 'keypoints')}
    scores = {task: score_detections(task, truth, found, subsets=True)
              for task, found in detections.items()}
    scores['keypoints_vis'] = score_detections(
        'keypoints', truth.visible_only(), detections['keypoints'], subsets=True)
    ranked = results.with_suffix('.retrieval.json')
    if not ranked.is_file():
        raise ValueError('retrieval needs 20 garments found in shop images, and there '
                         'are fewer: take more --val-images, train more --epochs')
    return scores, score_found(read_retrieval_truth(ann_file, ann_file),
                               read_retrieval(ranked), subsets=True)


def draw_synthetic(args, data_root, inferencer):
    """Validation images, annotated and predicted, side by side: (file, caption)s."""
    from df2mm.datasets.browse import draw_annotation
    from df2mm.datasets.coco_reader import iter_coco
    from df2mm.visualization.images import read_image, write_image
    from df2mm.visualization.sheet import side_by_side
    records = list(iter_coco(data_root / 'annotations/validation.json'))
    step = max(1, len(records) // max(1, args.pictures))
    records = records[::step][:args.pictures]
    paths = [data_root / 'validation/image' / file_name for *_, file_name in records]
    pictures = []
    for (annotation, *_), path, found in zip(records, paths, inferencer.iterate(
            paths, score_thr=args.score_thr, nms_thr=NMS_THR), strict=True):
        truth = draw_annotation(read_image(path), annotation)
        file = args.out / 'pictures/synthetic' / path.name
        write_image(file, side_by_side([truth, found.draw()], ['annotated', 'found']))
        pictures.append((file, f'{annotation.source} image {annotation.img_id}'))
    return pictures


def draw_photos(args, folder, inferencer):
    """Every JPEG of a folder with what is found in it: (file, caption)s."""
    from df2mm.visualization.images import write_image
    pictures = []
    for found in inferencer.iterate(sorted(folder.glob('*.jpg')), source='user',
                                    score_thr=args.score_thr, nms_thr=NMS_THR):
        file = args.out / 'pictures' / folder.name / Path(found.name).name
        write_image(file, found.draw())
        pictures.append((file, f'{file.stem}: {len(found.labels) or "nothing"} found'))
    return pictures


def search(args, data_root, inferencer, steps):
    """Build a gallery of the shop images, and search it with the user images.

    Returns the pictures of some searches: (file, caption)s.
    """
    from df2mm.apis import image_inputs
    from df2mm.apis.gallery_images import add_images, search_images
    from df2mm.apis.identities import Identities
    from df2mm.apis.match_sheets import match_sheet
    from df2mm.retrieval import GalleryIndex
    from df2mm.visualization.images import write_image
    steps.begin('Building a gallery of shop images, searching it with user images')
    images = data_root / 'validation/image'
    identities = Identities(data_root / 'annotations/validation.json')
    inputs = image_inputs(images)
    path = args.out / 'shop.gallery'
    # Anew: it takes seconds, and the checkpoint may be another.
    path.unlink(missing_ok=True)
    thresholds = dict(score_thr=args.score_thr, nms_thr=NMS_THR, identities=identities)
    dims = inferencer.model.roi_head.match_head.embed_dims + 2
    with GalleryIndex(dims, inferencer.model_id, path=path) as gallery:
        add_images(gallery, inferencer, [
            entry for entry in inputs if identities.source(entry.value) == 'shop'],
            images, **thresholds)
        steps.say(f'     {len(gallery)} garments')
        searches = [found for found in search_images(gallery, inferencer, [
            entry for entry in inputs if identities.source(entry.value) == 'user'],
            **thresholds) if found.identity and found.matches]
    pictures = []
    step = max(1, len(searches) // SHEETS)
    for number, found in enumerate(searches[::step][:SHEETS]):
        file = args.out / 'pictures/matches' / f'{number:02d}.jpg'
        write_image(file, match_sheet(found, images, most=5))
        right = [rank for rank, is_right in enumerate(found.right, 1) if is_right]
        pictures.append((file, f'user image {Path(found.found.name).stem}: ' + (
            f'first right at rank {right[0]}' if right else
            f'none right of {len(found.matches)}')))
    return pictures


def loss_curve(work_dir):
    """Points (iteration, loss) of all the runs that the training took."""
    points = {}
    for file in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in file.read_text().splitlines():
            entry = json.loads(line)
            if 'loss' in entry:
                points[entry['step']] = entry['loss']
    return sorted(points.items())


def write_page(args, scores, retrieval, galleries, minutes):
    """The page of it all; returns its path."""
    from df2mm.evaluation.average_precision import PRECISION_NAMES
    from df2mm.evaluation.tables import (
        TITLES,
        category_rows,
        retrieval_rows,
        subset_rows,
    )
    from df2mm.visualization.report import Report
    start = 'ImageNet weights' if args.from_scratch else 'the published checkpoint'
    report = Report(
        'Clothes, found', 'Match R-CNN with an EfficientNet-Lite0 backbone, trained '
        f'from {start}; epochs: {args.epochs}, images: {args.train_images:,}')
    top = dict(zip(retrieval[0].ks, retrieval[0].accuracies.tolist(), strict=True))
    report.add_cards([
        ('box AP', scores['bbox']['AP'], f'{scores["bbox"]["AP50"]:.3f} at IoU 0.5'),
        ('mask AP', scores['segm']['AP'], f'{scores["segm"]["AP50"]:.3f} at IoU 0.5'),
        ('landmark AP', scores['keypoints_vis']['AP'],
         f'{scores["keypoints_vis"]["AP50"]:.3f} at OKS 0.5, visible ones'),
        ('retrieval top-1', top[1], f'{top[20]:.3f} in the first 20'),
        ('items tested', int(scores['bbox'].precision.num_items[0].sum()),
         f'in {args.val_images:,} images'),
        ('minutes', f'{minutes:.1f}', 'of this call'),
    ])
    for title, text, pictures, size in galleries:
        if pictures:
            report.add_section(title, text)
            report.add_gallery(pictures, size)
    header, rows = category_rows(scores)
    report.add_section('By category', 'Average precision on the validation images, '
                       'averaged over thresholds of 0.5 to 0.95, and at 0.5 and 0.75.')
    report.add_table(header, rows)
    report.add_bars([(row[0], [row[2], row[5], row[11]]) for row in rows],
                    ['box AP', 'mask AP', 'visible landmark AP'], maximum=1.0)
    report.add_section('By subset', 'The same by how large, how occluded, how zoomed '
                       'in and how seen the garments are; all in the last column.')
    for name, score in scores.items():
        overall = {key: score[key] for key in PRECISION_NAMES}
        report.add_table(*subset_rows(PRECISION_NAMES, overall, score.levels),
                         caption=TITLES[name])
    report.add_table(*retrieval_rows(*retrieval), caption=TITLES['retrieval'])
    report.add_section('Training')
    report.add_line_chart({'training loss': loss_curve(args.out / 'train')},
                          x_label='iteration', y_label='loss')
    return report.write(args.out / 'index.html', embed=True)


def show(args, data_root, checkpoint, scores, retrieval, steps):
    from df2mm.apis import DeepFashion2Inferencer
    from df2mm.engine import read_config
    steps.begin('Drawing what it finds')
    inferencer = DeepFashion2Inferencer(
        read_config(CONFIG, args.cfg_options, data_root=data_root), checkpoint, 'cpu')
    galleries = [(
        'Synthetic images', 'Validation images that the training never saw: their '
        'annotation on the left, what the model finds on the right.',
        draw_synthetic(args, data_root, inferencer), 'large')]
    texts = dict(
        cc0_photos=('Photos', 'Real clothes, photographed by their owners. The model '
                    'has seen only synthetic ones.'),
        real_samples=('DeepFashion2', 'Images of the dataset itself.'))
    for folder in args.photos or filter(Path.is_dir, PHOTOS):
        title, text = texts.get(folder.name, (folder.name, ''))
        galleries.append(
            (title, text, draw_photos(args, folder, inferencer), 'medium'))
    galleries.insert(1, (
        'From user to shop', 'Garments in user images, and the best matches among those'
        ' of the shop images: right ones framed green, others red.',
        search(args, data_root, inferencer, steps), 'large'))
    return write_page(args, scores, retrieval, galleries, steps.seconds() / 60)


def main():
    args = parse_args()
    steps = Steps()
    from df2mm.engine import exit_on
    from df2mm.evaluation.tables import detection_tables, retrieval_tables
    with exit_on(OSError, ValueError):
        args.out.mkdir(parents=True, exist_ok=True)
        claim(args)
        data_root = make_data(args, steps)
        checkpoint = train(args, data_root, steps)
        scores, retrieval = test(args, data_root, checkpoint, steps)
        for table in detection_tables(scores) + retrieval_tables(*retrieval):
            print(f'\n{table}', flush=True)
        print()
        page = show(args, data_root, checkpoint, scores, retrieval, steps)
        steps.begin('Done')
        print(f'Open {page} in a browser; pictures are in {args.out / "pictures"}')


if __name__ == '__main__':
    main()
