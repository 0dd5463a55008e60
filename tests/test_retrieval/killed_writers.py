"""Writers of a gallery that are killed at any moment: run by test_gallery_file.py.

Prints a line of JSON for each: entries that it had saved by its own account, and
entries that are there afterwards.
"""

import json
import os
import random
import signal
import sys
import time
import types
import warnings
from pathlib import Path

import numpy as np

# Without what df2mm imports for models: retrieval needs none of it, and a test
# need not wait for it.
sys.modules['df2mm'] = types.ModuleType('df2mm')
sys.modules['df2mm'].__path__ = [str(Path(__file__).parents[2] / 'df2mm')]

from df2mm.retrieval import Entry, GalleryIndex  # noqa: E402

DIMS, PIECE = 64, 300


def vector_of(number):
    return np.random.default_rng(number).standard_normal(DIMS).astype(np.float32)


def write_on(path, pipe):
    """Add and save until killed; say how many are saved after each save."""
    index = GalleryIndex.load(path)
    while True:
        first = len(index)
        numbers = range(first, first + PIECE)
        index.add(np.array([vector_of(number) for number in numbers]), [
            Entry(f'{number}.jpg', (0, 0, 1, 1), 0, 1.0, str(number), {'n': number})
            for number in numbers])
        index.save()
        os.write(pipe, b'%10d' % len(index))


def main():
    path, rounds = sys.argv[1], int(sys.argv[2])
    warnings.simplefilter('ignore')
    with GalleryIndex(DIMS, 'm', path=path) as index:
        index.save()
    random.seed(0)
    for _ in range(rounds):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            write_on(path, writing)
        os.close(writing)
        said = os.read(reading, 10)
        time.sleep(random.random() * 0.05)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while rest := os.read(reading, 10):
            said = rest
        os.close(reading)
        index = GalleryIndex.load(path)
        index.verify()
        there = len(index)
        [[match]] = index.search(vector_of(there - 1), k=1)
        torn = index.info()['unfinished_bytes']
        sys.stdout.write(json.dumps(dict(
            saved=int(said), there=there, torn=torn,
            newest=match.entry.fields['n'])) + '\n')


if __name__ == '__main__':
    main()
