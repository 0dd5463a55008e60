"""Work ahead in threads, and hand out the results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor


def ordered_map(pool: Executor, function: Callable, items: Iterable,
                ahead: int) -> Iterator:
    """``map`` by a pool that never holds more than ``ahead`` results.

    ``Executor.map`` takes all items at once and keeps every result that nobody has
    asked for: a folder of images would fill the memory.

    Args:
        pool (Executor): Does the work.
        function (Callable): Of one item.
        items (Iterable): Taken one by one, in the caller's thread.
        ahead (int): Calls begun before the first result is waited for; 1 or more.

    Yields:
        The results in the order of the items. Errors are raised in their place.
    """
    pending = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
