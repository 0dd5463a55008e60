"""Time `tools/data.py convert` against the plain way, side by side.

Makes annotation files and JPEGs of the size, number of items and polygon
length of the real data, then converts them

- plainly: one process that for each image opens it, parses the annotation,
  pads its landmarks to 294 and, at the end, dumps one JSON file. Once with the
  image opened lazily, by Pillow, for its size alone, and once decoded by OpenCV;
- by df2mm.datasets.convert.

    python tools/benchmark/data_conversion.py --num 20000
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

WIDTH, HEIGHT = 468, 624


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--num', type=int, default=20000, help='annotation files')
    parser.add_argument('--workers', type=int, help='processes of our converter')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--dir', type=Path, help='where to make the files, '
                        'about 45 kB each; removed at the end')
    args = parser.parse_args()
    if args.num < 1:
        parser.error('--num must be at least 1')
    return args


def main():
    args = parse_args()
    if args.dir:
        args.dir.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix='conversion-', dir=args.dir))
    try:
        _make_split(root / 'train', args.num, args.seed)
        _compare(root, args.workers)
    finally:
        shutil.rmtree(root)


def _make_split(split_dir, num, seed):
    import cv2
    import numpy as np

    rng = np.random.default_rng(seed)
    for folder in ('image', 'annos'):
        (split_dir / folder).mkdir(parents=True)
    images = []
    for _ in range(8):
        # Smooth colour with some grain codes to about 45 kB, as photos do.
        image = cv2.resize(rng.uniform(0, 255, (12, 9, 3)), (WIDTH, HEIGHT),
                           interpolation=cv2.INTER_CUBIC)
        image = np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype('uint8')
        images.append(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])
    for number in range(1, num + 1):
        (split_dir / 'image' / f'{number:06}.jpg').write_bytes(
            images[number % len(images)])
        (split_dir / 'annos' / f'{number:06}.json').write_text(
            json.dumps(_make_annotation(rng, number)))


def _make_annotation(rng, number):
    import numpy as np

    from df2mm.metainfo import CATEGORIES, VARIATIONS

    root = {'source': ('user', 'shop')[number % 2], 'pair_id': number // 8 + 1}
    for k in range(1, 2 + int(rng.random() < 0.4)):
        category = CATEGORIES[rng.integers(13)]
        x, y = rng.integers(0, 100, 2).tolist()
        w, h = rng.integers(150, 350, 2).tolist()
        turns = rng.uniform(0.3, 0.5, (40, 2)) * [w, h]
        landmarks = [
            value for u, v in category.template
            for value in (round(x + u * w), round(y + v * h), int(rng.integers(0, 3)))]
        root[f'item{k}'] = {
            'segmentation': [(turns + np.array([x, y])).round(2).ravel().tolist()],
            **{name: int(rng.integers(1, 4)) for name in VARIATIONS},
            'landmarks': landmarks, 'style': int(rng.integers(0, 3)),
            'bounding_box': [x, y, x + w, y + h], 'category_id': category.id,
            'category_name': category.name}
    return root


def _convert_plainly(split_dir, out, size_of):
    import numpy as np

    from df2mm.metainfo import CATEGORIES

    images, annotations = [], []
    for path in sorted((split_dir / 'annos').iterdir()):
        width, height = size_of(split_dir / 'image' / f'{path.stem}.jpg')
        with path.open() as file:
            root = json.load(file)
        images.append(dict(
            coco_url='', date_captured='', file_name=f'{path.stem}.jpg', flickr_url='',
            id=int(path.stem), license=0, width=width, height=height))
        for key, item in root.items():
            if key in ('source', 'pair_id'):
                continue
            x1, y1, x2, y2 = item['bounding_box']
            own = CATEGORIES[item['category_id'] - 1].slice
            points = np.zeros(294 * 3)
            points[3 * own.start:3 * own.stop] = item['landmarks']
            annotations.append(dict(
                area=(x2 - x1) * (y2 - y1), bbox=[x1, y1, x2 - x1, y2 - y1],
                category_id=item['category_id'], id=len(annotations) + 1,
                pair_id=root['pair_id'], image_id=int(path.stem), iscrowd=0,
                style=item['style'], num_keypoints=int((points[2::3] > 0).sum()),
                keypoints=points.tolist(), segmentation=item['segmentation']))
    with out.open('w') as file:
        json.dump(dict(info={}, licenses=[], images=images, annotations=annotations,
                       categories=[]), file)
    return len(images), len(annotations)


def _open_lazily(path):
    from PIL import Image

    with Image.open(path) as image:
        return image.size


def _decode(path):
    import cv2

    height, width = cv2.imread(str(path)).shape[:2]
    return width, height


def _cpu_seconds():
    # Of this process and its ended children: other programs do not count.
    return sum(os.times()[:4])


def _compare(root, workers):
    from df2mm.datasets.convert import convert_split
    from df2mm.datasets.parallel import usable_cores

    workers = workers or usable_cores()

    def convert(split_dir, out):
        conversion = convert_split(split_dir, out, workers)
        return conversion.num_images, conversion.num_items

    runs = [
        ('plain, image opened lazily',
         lambda split_dir, out: _convert_plainly(split_dir, out, _open_lazily)),
        ('plain, image decoded',
         lambda split_dir, out: _convert_plainly(split_dir, out, _decode)),
        (f'df2mm, {workers} processes', convert)]
    _decode(next((root / 'train' / 'image').iterdir()))
    rows = []
    for name, run in runs:
        out, start, cpu = root / 'out.json', time.perf_counter(), _cpu_seconds()
        counts = run(root / 'train', out)
        rows.append((name, time.perf_counter() - start, _cpu_seconds() - cpu,
                     out.stat().st_size, counts))
        out.unlink()
    if len({counts for *_, counts in rows}) != 1:
        raise SystemExit(f'the converters disagree about (images, items): {rows}')
    num_images, num_items = rows[0][-1]
    print(f'{num_images} images, {num_items} items')
    _, ours, our_cpu, _, _ = rows[-1]
    for name, seconds, cpu, size, _ in rows:
        print(f'{name:28} {seconds:8.2f} s ({seconds / ours:5.1f} times ours)  '
              f'{cpu:8.2f} s of processor ({cpu / our_cpu:5.1f} times)  '
              f'{size / 1e6:8.1f} MB')


if __name__ == '__main__':
    main()
