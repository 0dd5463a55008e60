"""A progress bar of images."""

import sys
from collections.abc import Iterable

from tqdm import tqdm


def progress_bar(entries: Iterable, shown: bool | None = None) -> tqdm:
    """A bar of images on stderr; if not said, where that is a terminal.

    Args:
        entries (Iterable): Where it has a length, the bar has an end.
        shown (bool, optional): Whether to show it.
    """
    if shown is None:
        shown = sys.stderr.isatty()
    total = len(entries) if isinstance(entries, list) else None
    return tqdm(total=total, unit=' images', disable=not shown)
