"""Columns out of rows of JSON, and what may be wrong with a row.

A column is made in one go and raises what it raises; which row is at fault is
asked only then, row by row, by ``fault_of``.
"""

import math

import numpy as np

from df2mm.evaluation.ground_truth import Landmarks
from df2mm.metainfo import (
    CATEGORIES,
    NUM_CATEGORIES,
    NUM_KEYPOINTS,
    NUM_LANDMARKS,
)

#: What making columns of wrong rows raises.
WRONG = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)

_NUMBERS = frozenset({int, float})
_INT64 = 2**63


def integers(rows: list[dict], name: str) -> np.ndarray:
    """(rows,) int64 of a key whose values must be integers."""
    values = [row[name] for row in rows]
    if not set(map(type, values)) <= {int}:
        raise ValueError(f'{name} must be integers')
    return np.array(values, np.int64)


def numbers(values: list, shape: tuple) -> np.ndarray:
    """float64 of this shape out of (nested) lists of finite numbers."""
    array = np.array(values)
    if not len(values):
        array = array.astype(np.float64).reshape(shape)
    if array.dtype.kind not in 'iuf' or array.shape != shape:
        raise ValueError(f'expected numbers of shape {shape}')
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        raise ValueError('expected finite numbers')
    return array


def labels_of(rows: list[dict], name: str = 'category_id') -> np.ndarray:
    """(rows,) int64 in 0..12."""
    labels = integers(rows, name) - 1
    if ((labels < 0) | (labels >= NUM_CATEGORIES)).any():
        raise ValueError(f'{name} must be in 1..{NUM_CATEGORIES}')
    return labels


def landmark_columns(rows, labels, full_of=None):
    """Landmarks out of ``keypoints`` of 294 or of the category's own landmarks.

    Args:
        rows (list[dict]): N rows.
        labels (np.ndarray): (N,) int64.
        full_of (Callable[[np.ndarray], np.ndarray], optional): Given (N, 294, 3)
            says (N,) bool, whose 294 landmarks to keep whole; only asked for rows
            that have them.

    Returns:
        tuple[np.ndarray, dict, np.ndarray]: (sum of L, 3) float64; whole vectors
        (294, 3) by row; and (N, 4) float64, the least x and y and the greatest of
        all that the row lists, with the zeros that the 294 would hold.
    """
    lists = [row['keypoints'] for row in rows]
    whole = np.array([len(values) == 3 * NUM_KEYPOINTS for values in lists], bool)
    extents = np.zeros((len(rows), 4))
    pieces, full = [None] * len(rows), {}
    padded = np.flatnonzero(whole)
    if len(padded):
        points = numbers([lists[i] for i in padded],
                         (len(padded), 3 * NUM_KEYPOINTS)).reshape(len(padded), -1, 3)
        extents[padded] = np.hstack([points[..., :2].min(1), points[..., :2].max(1)])
        kept = full_of(padded, points) if full_of else np.zeros(len(padded), bool)
        for row, i in enumerate(padded.tolist()):
            pieces[i] = points[row, CATEGORIES[labels[i]].slice]
            if kept[row]:
                full[i] = points[row].copy()
    for i in np.flatnonzero(~whole).tolist():
        count = int(NUM_LANDMARKS[labels[i]])
        pieces[i] = numbers(lists[i], (3 * count,)).reshape(count, 3)
        zeros = np.zeros((1, 2))
        around = np.concatenate([pieces[i][:, :2], zeros])
        extents[i] = [*around.min(0), *around.max(0)]
    values = np.concatenate(pieces) if pieces else np.zeros((0, 3))
    return values, full, extents


def landmarks_of_blocks(blocks, labels) -> Landmarks:
    """Join the first two results of ``landmark_columns`` of consecutive blocks.

    Args:
        blocks (list[tuple[int, np.ndarray, dict]]): Rows of the block, values,
            whole vectors by row of the block.
        labels (np.ndarray): (N,) int64 of all rows.
    """
    full, start = {}, 0
    for count, _, block_full in blocks:
        full.update((start + row, points) for row, points in block_full.items())
        start += count
    values = [values for _, values, _ in blocks] or [np.zeros((0, 3))]
    offsets = np.concatenate([[0], np.cumsum(NUM_LANDMARKS[labels])]).astype(np.int64)
    return Landmarks(np.concatenate(values), offsets, full)


def integer_fault(row, name: str):
    """What is wrong with an integer of a row, or None."""
    if name not in row:
        return f'"{name}" is missing'
    value = row[name]
    if type(value) is not int or not -_INT64 <= value < _INT64:
        return f'{name} must be an integer, got {shown(value)}'
    return None


def category_fault(row, name: str = 'category_id'):
    """What is wrong with a category id, or None."""
    fault = integer_fault(row, name)
    if fault is None and not 1 <= row[name] <= NUM_CATEGORIES:
        fault = f'{name} must be in 1..{NUM_CATEGORIES}, got {row[name]}'
    return fault


def number_fault(row, name: str):
    """What is wrong with a number of a row, or None."""
    if name not in row:
        return f'"{name}" is missing'
    value = row[name]
    if type(value) not in _NUMBERS or not math.isfinite(value):
        return f'{name} must be a finite number, got {shown(value)}'
    return None


def numbers_fault(row, name: str, lengths: tuple):
    """What is wrong with a list of numbers of a row, or None."""
    if name not in row:
        return f'"{name}" is missing'
    values = row[name]
    if type(values) is not list:
        return f'{name} must be a list of numbers, got {shown(values)}'
    if len(values) not in lengths:
        wanted = ' or '.join(map(str, lengths))
        return f'{name} must be {wanted} numbers, got {len(values)}'
    for place, value in enumerate(values):
        if type(value) not in _NUMBERS or not math.isfinite(value):
            return (f'{name} must be finite numbers, got {shown(value)} at place '
                    f'{place}')
    return None


def shown(value) -> str:
    """A value in a message, cut to a length that a line bears."""
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
