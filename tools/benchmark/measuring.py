"""What the benchmarks share: time and memory of a function in a fresh process.

Linux only: the memory is that of /proc.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

#: Percent of the items of user images by category, from the authors' validation
#: query file.
CATEGORY_SHARES = (23.0, 13.4, 0.2, 4.0, 4.5, 1.0, 5.1, 13.0, 15.0, 6.8, 3.4, 7.9, 2.7)


def in_fresh_process(script, *args) -> dict:
    """Run a script, which measures itself, and read the JSON of its last line."""
    command = [sys.executable, script, *map(str, args)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measured(function) -> dict:
    """Wall and processor seconds of a call, and the most bytes held meanwhile."""
    began, worked = time.perf_counter(), sum(os.times()[:4])
    with PeakMemory() as memory:
        result = function()
    return dict(seconds=time.perf_counter() - began,
                processor=sum(os.times()[:4]) - worked, peak=memory.peak, result=result)


class PeakMemory:
    """The most memory that this process and its children hold together.

    Attributes:
        peak (int): Bytes, with what was held before.
    """

    def __enter__(self):
        self.peak, self._stop = tree_memory(os.getpid()), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self.peak = max(self.peak, tree_memory(os.getpid()))

    def _watch(self):
        # Rarely: reading it takes the process's time.
        while not self._stop.wait(0.25):
            self.peak = max(self.peak, tree_memory(os.getpid()))


def tree_memory(pid) -> int:
    """PSS of a process and its children, bytes: shared pages counted once."""
    try:
        children = [int(child) for task in Path(f'/proc/{pid}/task').iterdir()
                    for child in (task / 'children').read_text().split()]
        return smaps(pid, 'Pss:') + sum(map(tree_memory, children))
    except OSError:  # It has just ended.
        return 0


def smaps(pid, field) -> int:
    """Bytes of one field of a process's memory map."""
    for line in Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) << 10
    raise ValueError(f'no {field} in /proc/{pid}/smaps_rollup')
