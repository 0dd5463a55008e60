"""Score a results file as DeepFashion2's evaluator does, without any model.

    eval_results.py bbox|segm|keypoints --gt FILE --results FILE [--out FILE]
    eval_results.py retrieval --query-gt FILE --gallery-gt FILE --results FILE

The ground truth is annotations/validation.json of `tools/data.py convert`, or the
authors' files: keypoints_val_vis_and_occ.json and the like, val_query.json and
val_gallery.json. The results are in the official formats, those of the challenge.
"""

import argparse
import json
import sys
import time
from pathlib import Path

TASKS = ('bbox', 'segm', 'keypoints', 'retrieval')


def parse_args(argv):
    parser = argparse.ArgumentParser(
        prog='eval_results.py', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('task', choices=TASKS)
    parser.add_argument('--gt', type=Path, metavar='FILE',
                        help='ground truth of bbox, segm or keypoints')
    parser.add_argument('--query-gt', type=Path, metavar='FILE',
                        help='ground truth of the items of user images')
    parser.add_argument('--gallery-gt', type=Path, metavar='FILE',
                        help='ground truth of the items of shop images')
    parser.add_argument('--results', type=Path, required=True, metavar='FILE')
    parser.add_argument('--out', type=Path, metavar='FILE.json',
                        help='write the metrics')
    parser.add_argument('--subsets', action='store_true', help='also by scale, '
                        'occlusion, zoom-in and viewpoint, as the paper tabulates')
    parser.add_argument('--plots', type=Path, metavar='DIR',
                        help='draw curves and a page of the worst errors')
    parser.add_argument('--images', type=Path, metavar='DIR',
                        help='folder of the images, for pictures of the errors')
    parser.add_argument('--check', action='store_true', help='only check that the '
                        'results file keeps to the format; needs no ground truth')
    parser.add_argument('--workers', type=int, metavar='N',
                        help='processes; default: the usable cores')
    args = parser.parse_args(argv)
    retrieval = args.task == 'retrieval'
    wanted = ('query_gt', 'gallery_gt') if retrieval else ('gt',)
    for name in ('gt', 'query_gt', 'gallery_gt'):
        option = f'--{name.replace("_", "-")}'
        if name in wanted and getattr(args, name) is None and not args.check:
            parser.error(f'{args.task} needs {option} FILE')
        if name not in wanted and getattr(args, name) is not None:
            parser.error(f'{option} is not for {args.task}')
    if args.images and not args.plots:
        parser.error('--images needs --plots DIR, where the pictures go')
    if args.workers is not None and args.workers < 1:
        parser.error(f'--workers must be at least 1, got {args.workers}')
    return args


def main(argv=None):
    args = parse_args(argv)
    from df2mm.engine import exit_on
    with exit_on(OSError, ValueError):
        if args.images and not args.images.is_dir():
            raise FileNotFoundError(f'--images: no such folder: {args.images}')
        if args.check:
            return check(args)
        began = time.perf_counter()
        report = (evaluate_retrieval if args.task == 'retrieval' else evaluate)(args)
        print(f'\n{time.perf_counter() - began:.1f} s')
        if args.out:
            from df2mm.engine import AtomicBackend
            AtomicBackend().put_text(json.dumps(report, indent=2) + '\n', args.out)
            print(args.out)
    return 0


def check(args):
    """Say whether the file keeps to the format; returns the exit status."""
    from df2mm.evaluation.results_reader import validate_results
    found = validate_results(args.results, args.task, args.workers)
    if found.num_wrong:
        raise ValueError(
            f'entry {found.first} of {args.results}: {found.message} '
            f'({found.num_wrong} of {found.num_entries} entries are wrong)')
    print(f'{args.results}: {found.num_entries} {args.task} entries, all well formed')
    return 0


def evaluate(args):
    """Score boxes, masks or landmarks; returns what metrics.json holds."""
    from df2mm.evaluation.detection_scores import STATS, score_detections
    from df2mm.evaluation.ground_truth_file import read_ground_truth
    from df2mm.evaluation.metric_keys import detection_metrics
    from df2mm.evaluation.results_reader import read_detections
    from df2mm.evaluation.tables import detection_tables
    task = args.task
    truth = read_ground_truth(
        args.gt, task == 'keypoints', task == 'segm', args.workers)
    detections = read_detections(
        args.results, task, truth.full_landmark_keys() if task == 'keypoints' else (),
        args.workers)
    if task == 'keypoints' and detections.bboxes is None:
        print('note: the entries have no bbox, so the rectangle around all of its 294 '
              'points says\nwhether a detection is small, medium or large, as in the '
              'official evaluator. Padding\nwith zeros pulls it to (0, 0)')
    scores = {task: score_detections(
        task, truth, detections, args.subsets, args.workers)}
    if task == 'keypoints':
        scores['keypoints_vis'] = score_detections(
            task, truth.visible_only(), detections, args.subsets)
    report = dict(task=task, images=truth.num_images, items=truth.num_items,
                  detections=len(detections))
    for name, score in scores.items():
        report.update((f'df2/{key}', value) for key, value in detection_metrics(
            name, score, classwise=True).items())
    report.update(stat_names=list(STATS[task]), stats=scores[task].stats)
    if task == 'keypoints':
        report['stats_vis'] = scores['keypoints_vis'].stats
    for table in detection_tables(scores):
        print(f'\n{table}')
    if args.plots:
        from df2mm.evaluation.plots import plot_detections
        for path in plot_detections(
                args.plots, scores, truth, detections, args.images):
            print(path)
    return report


def evaluate_retrieval(args):
    """Score retrieval; returns what metrics.json holds."""
    import numpy as np

    from df2mm.evaluation.metric_keys import retrieval_metrics
    from df2mm.evaluation.results_reader import read_retrieval
    from df2mm.evaluation.retrieval_of_records import score_found
    from df2mm.evaluation.retrieval_truth import read_retrieval_truth
    from df2mm.evaluation.tables import retrieval_tables
    truth = read_retrieval_truth(args.query_gt, args.gallery_gt)
    found = read_retrieval(args.results, args.workers)
    scores, levels = score_found(truth, found, args.subsets)
    for table in retrieval_tables(scores, levels):
        print(f'\n{table}')
    ignored = int((~np.isin(found.image_ids, truth.query_image_ids)).sum())
    if ignored:
        print(f'note: {ignored} of {len(found)} entries are of images without a query '
              'item and do not count')
    metrics = retrieval_metrics(scores, levels)
    report = dict(
        task='retrieval', **{f'df2/{key}': value for key, value in metrics.items()},
        ks=list(scores.ks), hits=scores.hits.tolist(), queries=scores.queries,
        missed=scores.missed, ignored=ignored)
    if args.plots:
        from df2mm.evaluation.plots import plot_retrieval
        for path in plot_retrieval(args.plots, scores, truth, found, args.images):
            print(path)
    return report


if __name__ == '__main__':
    sys.exit(main())
