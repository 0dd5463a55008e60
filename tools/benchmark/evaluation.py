"""Evaluate at the size of DeepFashion2's validation split, ours and theirs.

Makes annotation and predictions of plausible garments, then scores them in fresh
processes:

- memory: predictions in memory, as after a validation epoch. Ours: the ground truth
  read from the compact file, boxes, masks, landmarks (visible, and with occluded
  ones), retrieval with its ranking; once more with all subsets. Theirs: the authors'
  COCO file and stock pycocotools with the 294 sigmas, over results that are lists of
  dicts already, landmarks once, and the logic of the official retrieval script over
  top-20 lists that are ranked already.
- files: landmarks from the files in the authors' padded form.

Linux only: the memory figures are those of /proc.
"""

import argparse
import json
import os
import pickle
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

from measuring import CATEGORY_SHARES, in_fresh_process, measured

WIDTH, HEIGHT = 468, 624
DIMENSIONS = 256
RUNS = ('memory', 'memory-subsets', 'memory-theirs', 'files', 'files-theirs')


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=int, default=32_153)
    parser.add_argument('--items', type=int, default=52_490)
    parser.add_argument('--found', type=int, default=128_612, help='detections')
    parser.add_argument('--only', nargs='+', choices=RUNS, default=RUNS)
    parser.add_argument('--keep', metavar='DIR', help='make the data there, or take '
                        'what is there')
    parser.add_argument('--measure', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not 0 < args.images <= args.items <= args.found:
        sys.exit('expected images <= items <= found, got '
                 f'{args.images}, {args.items}, {args.found}')
    return args


def main():
    args = parse_args()
    if args.measure:
        print(json.dumps(globals()[args.only[0].replace('-', '_')](Path(args.measure))))
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(args.keep or folder)
        if not (folder / 'records.pkl').is_file():
            began = time.perf_counter()
            make_data(folder, args.images, args.items, args.found)
            print(f'{args.images:,} images, {args.items:,} items, {args.found:,} '
                  f'detections, made in {time.perf_counter() - began:.0f} s; '
                  f'{len(os.sched_getaffinity(0))} cores', flush=True)
        figures = {}
        for name in args.only:
            figures[name] = in_fresh_process(
                __file__, '--only', name, '--measure', folder)
            report(name, figures[name])
    compare(figures)


def report(name, figures):
    print(f'{name:16}{figures["seconds"]:8.1f} s {figures["processor"]:8.1f} s of '
          f'processor, peak {figures["peak"] / 2**30:5.2f} GiB', flush=True)
    for key, value in figures['result'].items():
        print(f'    {key:20}{value:12.6f}')


def compare(figures):
    for ours, theirs in (('memory', 'memory-theirs'), ('files', 'files-theirs'),
                         ('memory', 'memory-subsets')):
        if {ours, theirs} <= set(figures):
            a, b = figures[ours], figures[theirs]
            print(f'{theirs} / {ours}: time {b["seconds"] / a["seconds"]:.1f}, memory '
                  f'{b["peak"] / a["peak"]:.1f}')
            shared = set(a['result']) & set(b['result'])
            worst = max((abs(a['result'][key] - b['result'][key]) for key in shared
                         if not key.startswith('seconds')), default=float('nan'))
            print(f'    greatest difference of a figure: {worst:.1e}')


def memory(folder, subsets=False):
    import df2mm  # noqa: F401  Not what is measured.
    from df2mm.evaluation.deepfashion2_metric import DeepFashion2Metric
    records = pickle.loads((folder / 'records.pkl').read_bytes())

    def evaluate():
        began = time.perf_counter()
        metric = DeepFashion2Metric(
            ann_file=folder / 'validation.json', subsets=subsets)
        read = time.perf_counter() - began
        metric.results = [(record, record) for record in records]
        metrics = metric.evaluate(len(records))
        figures = {key: metrics[f'df2/{key}'] for key in (
            'bbox_mAP', 'segm_mAP', 'keypoints_mAP', 'keypoints_vis_mAP',
            'retrieval_top1', 'retrieval_top20')}
        return {'seconds reading': read, **figures}

    return measured(evaluate)


def memory_subsets(folder):
    return memory(folder, subsets=True)


def memory_theirs(folder):
    from official_retrieval import official_retrieval
    records = pickle.loads((folder / 'records.pkl').read_bytes())
    lists = {task: as_coco(records, task) for task in ('bbox', 'segm', 'keypoints')}
    del records
    retrieval = pickle.loads((folder / 'retrieval.pkl').read_bytes())

    def evaluate():
        from pycocotools.coco import COCO
        figures = {}
        coco = COCO(str(folder / 'authors.json'))
        for task in lists:
            began = time.perf_counter()
            figures[f'{task}_mAP'] = official_ap(coco, lists[task], task)
            figures[f'seconds {task}'] = time.perf_counter() - began
        began = time.perf_counter()
        hits, queries, _ = official_retrieval(*retrieval)
        figures['seconds retrieval'] = time.perf_counter() - began
        figures.update(retrieval_top1=hits[0] / queries,
                       retrieval_top20=hits[-1] / queries)
        return figures

    return quiet(lambda: measured(evaluate))


def files(folder):
    import df2mm  # noqa: F401  Not what is measured.
    from df2mm.evaluation.detection_scores import score_detections
    from df2mm.evaluation.ground_truth_file import read_ground_truth
    from df2mm.evaluation.results_reader import read_detections

    def evaluate():
        truth = read_ground_truth(folder / 'authors.json', keypoints=True)
        detections = read_detections(
            folder / 'keypoints.json', 'keypoints', truth.full_landmark_keys())
        return dict(keypoints_mAP=score_detections(
            'keypoints', truth, detections).stats[0])

    return measured(evaluate)


def files_theirs(folder):
    def evaluate():
        from pycocotools.coco import COCO
        coco = COCO(str(folder / 'authors.json'))
        return dict(keypoints_mAP=official_ap(
            coco, str(folder / 'keypoints.json'), 'keypoints'))

    return quiet(lambda: measured(evaluate))


def official_ap(coco, results, task):
    from pycocotools.cocoeval import COCOeval
    evaluation = COCOeval(coco, coco.loadRes(results), task)
    evaluation.params.kpt_oks_sigmas = sigmas()
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return float(evaluation.stats[0])


def sigmas():
    """The 294, without importing df2mm, whose imports would be measured too."""
    import numpy as np
    import orjson
    path = Path(__file__).parents[2] / 'df2mm/landmark_layouts.json'
    return np.concatenate([row['sigmas'] for row in orjson.loads(path.read_bytes())])


def quiet(function):
    """Without what pycocotools prints."""
    with open(os.devnull, 'w') as nowhere, redirect_stdout(nowhere):
        return function()


def as_coco(records, task):
    """The predictions as pycocotools takes them."""
    from df2mm.evaluation.predictions import detections_of
    from df2mm.evaluation.results_writer import detection_entries
    return list(detection_entries(detections_of(records, task), task))


def make_data(folder, num_images, num_items, num_found):
    """validation.json, authors.json, keypoints.json, records.pkl, retrieval.pkl."""
    import numpy as np

    from df2mm.datasets.annotation import ImageAnnotation
    from df2mm.datasets.coco import write_authors_coco, write_compact

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    owners = np.sort(np.concatenate([
        np.arange(num_images), rng.integers(num_images, size=num_items - num_images)]))
    # Each item is found once; the rest is found where it falls.
    finders = np.concatenate([np.arange(num_items),
                              rng.integers(num_items, size=num_found - num_items)])
    finders = np.sort(finders)
    annotations, found = [], [[] for _ in range(num_images)]
    for number in range(num_images):
        annotations.append(ImageAnnotation(
            number + 1, 'shop' if number % 3 else 'user', number // 12 + 1, []))
    styles = {}
    for number, owner in enumerate(owners.tolist()):
        # A fifth of the items of user images are no queries.
        is_query = annotations[owner].source == 'shop' or rng.random() > 0.2
        item = make_item(rng, styles, annotations[owner].pair_id,
                         len(annotations[owner].items) + 1, is_query)
        annotations[owner].items.append(item)
        for turn in range(np.searchsorted(finders, number, 'right')
                          - np.searchsorted(finders, number, 'left')):
            found[owner].append((item, turn))
    rows = [(annotation, (WIDTH, HEIGHT), f'{annotation.img_id:06}.jpg')
            for annotation in annotations]
    write_compact(folder / 'validation.json', rows)
    write_authors_coco(folder / 'authors.json', rows)
    records = [make_record(rng, annotation, found[i])
               for i, annotation in enumerate(annotations)]
    write_padded(folder / 'keypoints.json', records)
    write_retrieval(folder, records)
    (folder / 'records.pkl').write_bytes(pickle.dumps(records))


def make_item(rng, styles, pair_id, style, is_query):
    """An item; those of one (pair_id, style) are of one category."""
    import numpy as np

    from df2mm.datasets.annotation import Item
    from df2mm.metainfo import CATEGORIES
    label = styles.setdefault((pair_id, style), int(rng.choice(
        13, p=np.array(CATEGORY_SHARES) / sum(CATEGORY_SHARES))))
    category = CATEGORIES[label]
    corner, size = rng.integers(1, 120, 2), rng.integers(100, 340, 2)
    landmarks = np.column_stack([
        (corner + category.template * size).round(),
        rng.choice(3, category.num_landmarks, p=(0.1, 0.3, 0.6))]).astype(float)
    landmarks *= landmarks[:, 2:] > 0
    return Item(
        key='item1', category_id=category.id, category_name=category.name,
        style=style * is_query,
        bbox=np.array([*corner, *(corner + size)], float), landmarks=landmarks,
        polygons=[outline(rng, corner, size)], variations=rng.integers(1, 4, 4))


def outline(rng, corner, size):
    import numpy as np
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = (circle + 1) / 2 * size + corner + rng.normal(0, 2, circle.shape)
    return points.clip(0, (WIDTH, HEIGHT)).round(1)


def make_record(rng, annotation, found):
    """Predictions of an image: the items, moved by a few pixels, some confused."""
    import numpy as np
    from pycocotools import mask as mask_api

    from df2mm.evaluation.predictions import Record
    from df2mm.metainfo import CATEGORIES
    boxes, labels, landmarks, counts, vectors = [], [], [], [], []
    for item, turn in found:
        noise = (4, 25)[turn > 0]
        label = item.category_id - 1 if rng.random() < 0.9 else int(rng.integers(13))
        box = item.bbox + rng.normal(0, noise, 4)
        box[2:] = np.maximum(box[2:], box[:2] + 10)
        size = box[2:] - box[:2]
        boxes.append(box)
        labels.append(label)
        template = CATEGORIES[label].template
        landmarks.append(box[:2] + template * size + rng.normal(
            0, noise, template.shape))
        polygon = outline(rng, box[:2], size).ravel().tolist()
        counts.append(mask_api.frPyObjects([polygon], HEIGHT, WIDTH)[0]['counts'])
        own = np.random.default_rng([annotation.pair_id, item.style])
        vectors.append(own.normal(size=DIMENSIONS + 2) + rng.normal(
            0, 3, DIMENSIONS + 2))
    count = len(found)
    vectors = np.array(vectors, np.float32).reshape(count, DIMENSIONS + 2)
    vector_name = f'{dict(user="query", shop="gallery")[annotation.source]}_vectors'
    return Record(
        img_id=annotation.img_id, source=annotation.source,
        bboxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array(labels, np.uint8), scores=rng.random(count).astype(np.float32),
        landmarks=np.concatenate([np.zeros((0, 2)), *landmarks]).astype(np.float32),
        counts=counts, mask_size=(HEIGHT, WIDTH), **{vector_name: vectors})


def write_padded(path, records):
    """Landmark results as Python's json writes the 294 of a network."""
    from df2mm.evaluation.predictions import detections_of
    from df2mm.evaluation.results_writer import detection_entries
    with path.open('w') as file:
        for number, entry in enumerate(
                detection_entries(detections_of(records, 'keypoints'), 'keypoints')):
            entry['keypoints'] = [float(value) for value in entry['keypoints']]
            file.write(('[', ', ')[number > 0] + json.dumps(entry))
        file.write(']')


def write_retrieval(folder, records):
    """Ranked lists and ground truth, for the official script's logic."""
    from df2mm.datasets.coco import write_retrieval_gt
    from df2mm.datasets.coco_reader import iter_coco
    from df2mm.evaluation.results_writer import retrieval_entries
    from df2mm.evaluation.retrieval_of_records import RetrievalOptions, search
    found = search(records, [record.source for record in records], RetrievalOptions())
    paths = folder / 'query.json', folder / 'gallery.json'
    write_retrieval_gt(*paths, iter_coco(folder / 'validation.json'))
    contents = (*(json.loads(path.read_text()) for path in paths),
                list(retrieval_entries(found)))
    (folder / 'retrieval.pkl').write_bytes(pickle.dumps(contents))


if __name__ == '__main__':
    main()
