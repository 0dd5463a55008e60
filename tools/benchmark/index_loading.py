"""Load a training split's annotation, ours and mmdet's way, and compare.

Makes a compact COCO file of the size of DeepFashion2's training split and loads
it in fresh processes: as a DeepFashion2Dataset, and as mmdet's CocoDataset,
which reads boxes and masks alone. Then forks loader workers that look at every
sample, and reads how much memory each has to itself.

Linux only: the memory figures are those of /proc.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time

from measuring import in_fresh_process, measured, smaps, tree_memory

LOADERS = ('df2mm', 'mmdet')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=int, default=191_961)
    parser.add_argument('--items', type=int, default=312_186)
    parser.add_argument(
        '--loader-workers', type=int, default=4, help='forked to look at the samples')
    parser.add_argument(
        '--only', choices=LOADERS, help='leave the other one out')
    parser.add_argument('--measure', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.only, args.measure, args.loader_workers)))
        return
    if not 0 < args.images <= args.items:
        sys.exit('expected at least one image and at least one item an image, got '
                 f'--images {args.images} --items {args.items}')
    loaders = [args.only] if args.only else LOADERS
    with tempfile.TemporaryDirectory() as folder:
        ann_file = os.path.join(folder, 'train.json')
        began = time.perf_counter()
        write_annotations(ann_file, args.images, args.items)
        print(f'{args.items:,} items of {args.images:,} images, '
              f'{os.path.getsize(ann_file) / 2**20:,.0f} MiB, made in '
              f'{time.perf_counter() - began:.0f} s; '
              f'{len(os.sched_getaffinity(0))} cores')
        results = [in_fresh_process(
            __file__, '--only', name, '--measure', ann_file, '--loader-workers',
            args.loader_workers) for name in loaders]
    report(loaders, results)


def report(loaders, results):
    rows = [('seconds to load', 'seconds', 1),
            ('processor seconds to load', 'processor', 1),
            ('peak memory, MiB', 'peak', 2**20),
            ('held after loading, MiB', 'held', 2**20),
            ('own memory of a worker, MiB', 'private', 2**20),
            ('processor time of a sample, us', 'sample', 1e-6)]
    print(f'{"":32}' + ''.join(f'{name:>10}' for name in loaders)
          + ('     ratio' if len(loaders) == 2 else ''))
    for title, key, unit in rows:
        values = [result[key] / unit for result in results]
        ratio = f'{values[1] / values[0]:10.1f}' if len(values) == 2 else ''
        print(f'{title:32}' + ''.join(f'{value:10,.1f}' for value in values) + ratio)


def measure(name, ann_file, workers):
    """Load, fork, look at every sample; times in seconds, memory in bytes."""
    build = {'df2mm': build_ours, 'mmdet': build_theirs}[name](ann_file)
    idle = tree_memory(os.getpid())
    figures = measured(build)
    dataset = figures.pop('result')
    held = tree_memory(os.getpid()) - idle
    context = multiprocessing.get_context('fork')
    with context.Pool(workers, initializer=hand_over, initargs=(dataset,)) as pool:
        looks = pool.map(look_at_all, range(workers), chunksize=1)
    return dict(
        **figures, held=held,
        private=max(look[0] for look in looks),
        sample=max(look[1] for look in looks) / len(dataset))


def build_ours(ann_file):
    from df2mm.datasets import DeepFashion2Dataset
    return lambda: DeepFashion2Dataset(ann_file=ann_file)


def build_theirs(ann_file):
    from df2mm.metainfo import CATEGORY_NAMES  # isort: skip  Gives mmcv operators.
    from mmdet.datasets import CocoDataset
    return lambda: CocoDataset(
        ann_file=ann_file, metainfo=dict(classes=CATEGORY_NAMES),
        data_prefix=dict(img=''))


def hand_over(dataset):
    global DATASET
    DATASET = dataset
    # So that every worker is there before the first one is done.
    time.sleep(0.5)


def look_at_all(_):
    """Bytes of its own that looking cost this process, and processor seconds."""
    before, began = private_memory(), time.process_time()
    for index in range(len(DATASET)):
        DATASET.get_data_info(index)
    seconds = time.process_time() - began
    time.sleep(0.5)
    return private_memory() - before, seconds


def private_memory():
    """Bytes of this process that no other one shares."""
    pid = os.getpid()
    return smaps(pid, 'Private_Clean:') + smaps(pid, 'Private_Dirty:')


def write_annotations(path, num_images, num_items):
    """A compact COCO file of plausible items: 1 or 2 polygons of 30 to 60 points."""
    import numpy as np
    import orjson

    from df2mm.datasets.coco import COMPACT_INFO, compact_categories

    rng = np.random.default_rng(0)
    # Each image has an item; the rest fall where they fall.
    owners = np.sort(np.concatenate([
        np.arange(num_images), rng.integers(num_images, size=num_items - num_images)]))
    # Making numbers takes longer than reading them: the items repeat.
    items = [orjson.dumps(make_item(rng))[1:] for _ in range(min(num_items, 5_000))]
    with open(path, 'wb') as file:
        file.write(b'{"info": %b,\n"categories": %b,\n"images": [\n' % (
            json.dumps(COMPACT_INFO).encode(), orjson.dumps(compact_categories())))
        file.write(b',\n'.join(orjson.dumps(dict(
            id=k + 1, file_name=f'{k + 1:06}.jpg', width=468, height=624,
            source=('user', 'shop')[k % 2], pair_id=pair_of(k)))
            for k in range(num_images)))
        file.write(b'\n],\n"annotations": [\n')
        for number, owner in enumerate(owners.tolist()):
            file.write(b'%b{"id":%d,"image_id":%d,"pair_id":%d,%b' % (
                b',\n' if number else b'', number + 1, owner + 1, pair_of(owner),
                items[number % len(items)]))
        file.write(b'\n]}\n')


def pair_of(image):
    return image // 16 + 1


def make_item(rng):
    """An annotation but for its ids; garments on an image of 468 x 624."""
    import numpy as np

    from df2mm.metainfo import CATEGORIES

    category = CATEGORIES[rng.integers(len(CATEGORIES))]
    corner, size = rng.integers(1, 120, 2), rng.integers(100, 340, 2)
    points = (category.template * size + corner).round().astype(int)
    keypoints = np.column_stack([points, rng.integers(0, 3, len(points))])
    polygons = []
    for _ in range(rng.integers(1, 3)):
        angles = np.linspace(0, 2 * np.pi, rng.integers(30, 61), endpoint=False)
        circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        outline = (circle + 1) / 2 * size + corner + rng.normal(0, 2, circle.shape)
        polygons.append(outline.clip(0).round(1).ravel().tolist())
    names = ('style', 'scale', 'occlusion', 'zoom_in', 'viewpoint')
    return dict(
        category_id=category.id, bbox=[*corner.tolist(), *size.tolist()],
        area=int(size.prod()), iscrowd=0, segmentation=polygons,
        num_keypoints=int((keypoints[:, 2] > 0).sum()),
        keypoints=keypoints.ravel().tolist(),
        **{name: int(rng.integers(1, 4)) for name in names})


if __name__ == '__main__':
    main()
