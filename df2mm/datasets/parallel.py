"""Work through a long list with forked processes, a little at a time."""

import multiprocessing
import os
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import cv2


def usable_cores():
    """Cores this process may run on; where the system does not say, all."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_stream(function, tasks, workers=None):
    """Like ``map(function, tasks)`` in forked processes; the order is kept.

    Few results wait at any time, so that memory does not grow with the number
    of tasks. A process that dies raises BrokenProcessPool instead of waiting.
    OpenCV works in one thread meanwhile, here and in the processes.

    Args:
        function (Callable): Must be picklable, and its results.
        tasks (Iterable): Picklable.
        workers (int, optional): Processes. Defaults to the usable cores.

    Yields:
        The results.

    Raises:
        ValueError: If ``workers`` is not positive.
    """
    if workers is None:
        workers = usable_cores()
    if workers < 1:
        raise ValueError(f'workers must be at least 1, got {workers}')
    if workers == 1:
        yield from map(function, tasks)
        return
    pending = deque()
    with _single_threaded_opencv(), ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context('fork')) as pool:
        try:
            for task in tasks:
                pending.append(pool.submit(function, task))
                if len(pending) > 2 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _single_threaded_opencv():
    """Without OpenCV's threads, which a fork copies the locks of but not the threads.

    A forked process that used or stopped them would wait for ever. Nor are they
    missed: the processes share the cores already.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def map_in_order(function, tasks, workers=None):
    """``map_stream`` over a list, by forked processes where that pays.

    A loader worker is a daemon, which may have no children: it works alone.

    Args:
        function (Callable): Must be picklable, and its results.
        tasks (list): Picklable.
        workers (int, optional): Processes. Defaults to the usable cores.

    Yields:
        The results.
    """
    if workers is None:
        workers = usable_cores()
    if multiprocessing.current_process().daemon:
        workers = 1
    yield from map_stream(function, tasks, min(workers, max(1, len(tasks))))


def chunked(values, size):
    """Consecutive parts of a list, ``size`` long but for the last."""
    return (values[k:k + size] for k in range(0, len(values), size))
