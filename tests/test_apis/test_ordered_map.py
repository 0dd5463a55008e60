import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from df2mm.apis import ordered_map


def test_in_order_and_not_far_ahead():
    taken, started = [], threading.Semaphore(0)

    def items():
        for i in range(50):
            taken.append(i)
            yield i

    def square(i):
        if i == 0:
            started.acquire()  # The first one ends last of those begun.
        return i * i

    with ThreadPoolExecutor(4) as pool:
        results = ordered_map(pool, square, items(), 3)
        started.release()
        assert next(results) == 0
        assert taken == [0, 1, 2, 3]
        assert list(results) == [i * i for i in range(1, 50)]


def test_an_error_stands_in_its_place():
    def invert(x):
        return 1 / x

    with ThreadPoolExecutor(2) as pool:
        results = ordered_map(pool, invert, [1, 2, 0, 4], 10)
        assert [next(results), next(results)] == [1, 0.5]
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_nothing():
    with ThreadPoolExecutor(1) as pool:
        assert list(ordered_map(pool, abs, [], 1)) == []
