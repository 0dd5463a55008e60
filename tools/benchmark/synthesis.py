"""How fast ``tools/data.py synthesize`` paints.

There is no other generator of DeepFashion2-like data to compare with; the share
of the time that goes into each stage is printed instead.
"""

import argparse
import tempfile
import time
from pathlib import Path


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=400)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--workers', type=int, help='default: the usable cores')
    return parser.parse_args()


def main():
    args = parse_args()
    import cv2
    import numpy as np

    from df2mm.synthetic import write_dataset
    from df2mm.synthetic.backgrounds import cluttered_background
    from df2mm.synthetic.camera import encode_jpeg, finish
    from df2mm.synthetic.scenes import render_scene
    from df2mm.synthetic.wardrobe import plan_split

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        write_dataset(Path(folder) / 'data', args.images, 0, args.seed, args.workers)
        wall = time.perf_counter() - start
    print(f'{args.images} images in {wall:.1f} s: {args.images / wall:.1f} images/s')

    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    picture = rng.random((624, 468, 3)).astype(np.float32)
    specs = plan_split(60, (args.seed, 0))
    stages = {
        'whole image': lambda k: render_scene(specs[k]),
        'background': lambda k: cluttered_background(rng, 624, 468),
        'camera': lambda k: finish(rng, picture.copy(), 'user'),
        'JPEG': lambda k: encode_jpeg((picture * 255).astype(np.uint8)),
    }
    for name, run in stages.items():
        run(0)
        start = time.process_time()
        for k in range(30):
            run(k)
        print(f'{name:12s} {(time.process_time() - start) / 30 * 1e3:6.1f} ms CPU')


if __name__ == '__main__':
    main()
