"""df2mm.datasets.index"""

import copy
import multiprocessing
import pickle
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from df2mm.datasets import AnnotationIndex


@pytest.fixture(scope='module')
def index(tiny_root):
    return AnnotationIndex.from_coco(tiny_root / 'annotations/train.json')


def test_one_image(index):
    assert index.img_ids[2] == 3
    assert index.file_names[2] == b'000003.jpg'
    assert index.sizes[2].tolist() == [60, 80]
    assert index.items_of(2) == slice(3, 6)
    assert index.labels[3:6].tolist() == [4 - 1, 9 - 1, 13 - 1]
    assert index.landmarks_of(4).tolist() == [
        [10, 20, 1], [0, 0, 0], *([10 + k / 2, 20 + k, 2] for k in range(2, 8))]
    (polygon,) = index.polygons_of(5)
    assert polygon.tolist() == [[10, 20], [40, 20], [40, 60], [10, 60]]


def test_whole(index):
    assert (len(index), index.num_items) == (4, 7)
    assert index.items_per_image.tolist() == [2, 1, 3, 1]
    assert index.identities.tolist() == [
        500_001, -1, 500_001, 600_002, 600_003, 600_001, 700_001]
    assert np.diff(index.landmark_offsets).tolist() == [25, 14, 25, 39, 8, 19, 37]


def test_no_objects_and_nothing_to_write(index):
    """What sharing between forked workers rests on."""
    for field in fields(index):
        array = getattr(index, field.name)
        assert array.dtype != object
        with pytest.raises(ValueError, match='read-only'):
            array[...] = 0


def test_copies(index):
    assert copy.deepcopy(index) is index
    again = pickle.loads(pickle.dumps(index))
    assert again.nbytes == index.nbytes == sum(
        getattr(index, field.name).nbytes for field in fields(index))
    assert again.polygons_of(0)[0].tolist() == index.polygons_of(0)[0].tolist()


def _touch(index, queue):
    """Private kilobytes that looking at all of an index costs."""
    def private():
        with open('/proc/self/smaps_rollup') as file:
            return sum(int(line.split()[1]) for line in file
                       if line.startswith('Private'))

    index.landmarks.sum()
    before = private()
    total = sum(float(index.landmarks_of(item).sum()) for item in range(
        index.num_items))
    queue.put((private() - before, total))


def test_forked_workers_share_it(tiny_root):
    """64 MiB of landmarks, looked at item by item by a child: next to nothing new."""
    if not Path('/proc/self/smaps_rollup').exists():
        pytest.skip('no /proc/self/smaps_rollup, which is Linux only')
    index = AnnotationIndex.from_coco(tiny_root / 'annotations/train.json')
    count, step = 64 << 20, 1 << 16
    landmarks = np.ones((count // 12, 3), np.float32)
    offsets = np.arange(0, len(landmarks), step)
    columns = {field.name: getattr(index, field.name) for field in fields(index)}
    columns.update(landmarks=landmarks, landmark_offsets=offsets,
                   labels=np.zeros(len(offsets) - 1, np.uint8))
    index = AnnotationIndex(**columns)
    context = multiprocessing.get_context('fork')
    queue = context.Queue()
    child = context.Process(target=_touch, args=(index, queue))
    child.start()
    kilobytes, total = queue.get(timeout=60)
    child.join()
    assert total == offsets[-1] * 3
    assert kilobytes < 4 << 10
