"""COCO's compressed run lengths, checked and measured many at once.

pycocotools decodes whatever it is given; a damaged string makes it read or
write where it should not. Here strings are checked before it sees them.

Format: a mask's runs, column by column, of 0 and 1 in turn, beginning with 0.
Each is written as its difference from the run two before it (from the fourth
on), in groups of five bits, the lowest first, each in a character from 48 on;
bit 6 says that more follows, and the last group's bit 5 is the sign.

Source: rleToString and rleFrString of the COCO API.
"""

import numpy as np

_OFFSET, _MORE, _SIGN = 48, 0x20, 0x10
#: 5 bits each: beyond these a run would not fit 32 bits.
_MOST_GROUPS = 7
#: Strings whose bytes are looked at together: their arrays fit a cache.
_BLOCK = 64


def measure_run_lengths(counts: list[bytes], sizes: np.ndarray):
    """The area of each mask, and which strings are no masks of their size.

    Args:
        counts (list[bytes]): Of N masks, compressed run lengths.
        sizes (np.ndarray): (N, 2) int, height and width in pixels.

    Returns:
        tuple[np.ndarray, np.ndarray]: (N,) int64 pixels inside, and (N,) bool,
        True where the string is damaged or its runs do not fill the size exactly.
    """
    sizes = np.asarray(sizes, np.int64).reshape(-1, 2)
    blocks = [_measure_block(counts[start:start + _BLOCK], sizes[start:start + _BLOCK])
              for start in range(0, len(counts), _BLOCK)]
    area = [area for area, _ in blocks] or [np.zeros(0, np.int64)]
    wrong = [wrong for _, wrong in blocks] or [np.zeros(0, bool)]
    return np.concatenate(area), np.concatenate(wrong)


def _measure_block(counts, sizes):
    """``measure_run_lengths`` of some strings, with arrays of all their bytes."""
    lengths = np.array([len(text) for text in counts], np.int64)
    codes = np.frombuffer(b''.join(counts), np.uint8).astype(np.int64) - _OFFSET
    owner = np.repeat(np.arange(len(counts)), lengths)
    wrong = lengths == 0
    wrong[owner[(codes < 0) | (codes > 0x3f)]] = True
    last = (codes & _MORE) == 0
    # Every string must end with the last group of a run.
    wrong[lengths > 0] |= ~last[np.cumsum(lengths)[lengths > 0] - 1]
    area = np.zeros(len(counts), np.int64)
    if wrong.any():
        # What is damaged would shift the runs of the others.
        good = np.flatnonzero(~wrong)
        if len(good):
            area[good], wrong[good] = _measure_block(
                [counts[i] for i in good], sizes[good])
        return area, wrong
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    groups = ends - starts + 1
    place = np.minimum(np.arange(len(codes)) - np.repeat(starts, groups), _MOST_GROUPS)
    values = np.add.reduceat((codes & 0x1f) << (5 * place), starts)
    negative = (codes[ends] & _SIGN) != 0
    values -= negative * (1 << (5 * np.minimum(groups, _MOST_GROUPS)))
    owner = owner[starts]
    number = np.arange(len(values)) - np.searchsorted(owner, owner)
    runs = _summed_every_second(values, owner, number)
    wrong[owner[(groups > _MOST_GROUPS) | (runs < 0)]] = True
    inside = np.bincount(owner, np.where(number % 2, runs, 0), len(counts))
    wrong |= np.bincount(owner, runs, len(counts)) != sizes.prod(1)
    return inside.astype(np.int64), wrong


def _summed_every_second(values, owner, number):
    """Runs of their differences: run i is value i plus run i - 2, from i = 3 on."""
    runs = values.copy()
    for first in (1, 2):
        chosen = np.flatnonzero((number >= first) & (number % 2 == first % 2))
        sums = np.cumsum(values[chosen])
        begins = np.searchsorted(owner[chosen], owner[chosen])
        runs[chosen] = sums - np.concatenate([[0], sums])[begins]
    return runs
