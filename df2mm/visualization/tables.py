"""Tables as plain text, for a terminal or a log."""

import math
import re
from numbers import Integral, Real

import numpy as np

#: What stands for a value that is missing.
NO_VALUE = '—'

# A text that is a number too: a share, a count with commas, a blank.
_NUMBER = re.compile(rf'[-+]?[\d.,]*\s?%?|{NO_VALUE}')


def number(value, digits: int = 3) -> str:
    """A value as a person reads it: 1,234 or 0.638, a dash for None and NaN."""
    if isinstance(value, (bool, np.bool_)):
        return 'yes' if value else 'no'
    if value is None or (isinstance(value, Real) and not math.isfinite(value)):
        return NO_VALUE
    if isinstance(value, Integral):
        return f'{int(value):,}'
    return f'{float(value):,.{digits}f}' if isinstance(value, Real) else str(value)


def format_table(header, rows, title: str = '', digits: int = 3) -> str:
    """An aligned text table; columns of numbers stand to the right.

    Args:
        header (Sequence[str]): C column names.
        rows (Sequence[Sequence]): Of C texts or numbers; None and NaN are shown
            as a dash.
        title (str): Over the table.
        digits (int): Of a float, after the point.

    Returns:
        str: Lines without trailing blanks, no line break at the end.

    Raises:
        ValueError: If a row has not C cells.
    """
    rows = [list(row) for row in rows]
    check_rows(header, rows)
    right = number_columns(rows, len(header))
    cells = [[str(name) for name in header],
             *([number(value, digits) for value in row] for row in rows)]
    widths = [max(len(row[c]) for row in cells) for c in range(len(header))]
    lines = ['  '.join(
        text.rjust(width) if to_right else text.ljust(width)
        for text, width, to_right in zip(row, widths, right, strict=True)).rstrip()
        for row in cells]
    lines.insert(1, '  '.join('-' * width for width in widths))
    return '\n'.join([title, *lines] if title else lines)


def check_rows(header, rows) -> None:
    """Raise ValueError unless each row has a cell for each name in the header."""
    for i, row in enumerate(rows):
        if len(row) != len(header):
            raise ValueError(f'a row must have {len(header)} cells, one for each '
                             f'name in the header, got {len(row)} in row {i}')


def number_columns(rows, count: int) -> list:
    """For each of the columns, whether it holds numbers (or nothing) alone."""
    return [bool(rows) and all(
        not isinstance(row[c], str) or _NUMBER.fullmatch(row[c]) for row in rows)
        for c in range(count)]
