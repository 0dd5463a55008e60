"""df2mm.datasets.parallel, df2mm.atomic"""

import os
from concurrent.futures.process import BrokenProcessPool

import cv2
import numpy as np
import pytest

from df2mm.atomic import replacing
from df2mm.datasets.parallel import chunked, map_stream


@pytest.mark.parametrize('workers', [1, 2, 3])
def test_order_is_kept(workers):
    assert list(map_stream(abs, range(-50, 0), workers)) == list(range(50, 0, -1))
    assert list(map_stream(abs, [], workers)) == []


def test_few_tasks_are_taken_ahead():
    taken = []
    results = map_stream(abs, (taken.append(k) or k for k in range(1000)), 2)
    assert next(results) == 0
    assert len(taken) < 10
    results.close()


def fail_on_three(number):
    if number == 3:
        raise ValueError('three')
    return number


def exit_on_three(number):
    if number == 3:
        os._exit(9)
    return number


def test_errors_come_through():
    with pytest.raises(ValueError, match='three'):
        list(map_stream(fail_on_three, range(100), 2))
    with pytest.raises(ValueError, match='workers must be at least 1, got 0'):
        list(map_stream(abs, [1], 0))


def test_a_killed_process_does_not_hang():
    with pytest.raises(BrokenProcessPool):
        list(map_stream(exit_on_three, range(100), 2))


def blur(size):
    cv2.setNumThreads(1)
    return cv2.getNumThreads(), int(cv2.blur(np.ones((size, size)), (3, 3)).sum())


def test_opencv_works_in_the_processes_whatever_ran_before():
    before = cv2.getNumThreads()
    cv2.setNumThreads(4)
    try:
        # Its threads are running now, and are not copied by a fork.
        cv2.blur(np.ones((2000, 2000)), (9, 9))
        results = list(map_stream(blur, [500] * 6, 2))
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(before)
    assert results == [(1, 250000)] * 6


def test_chunked():
    assert list(chunked([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
    assert list(chunked([], 2)) == []


def test_replacing(tmp_path):
    path = tmp_path / 'new/file.json'
    with replacing(path) as file:
        file.write(b'first')
        assert not path.exists()
    with pytest.raises(KeyError), replacing(path) as file:
        file.write(b'second')
        raise KeyError
    assert path.read_bytes() == b'first'
    assert list(path.parent.iterdir()) == [path]
