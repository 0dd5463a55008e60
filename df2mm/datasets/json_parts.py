"""Cut a large JSON array of objects into parts, for reading it in parallel.

No tree of the whole file is ever made: a part of some megabytes is parsed block
by block, and each block's objects are gone before the next one is read. Cuts are
made between ``}`` and ``{`` with a comma in between, so it does not matter whether
a file has one object a line or is a single line.
"""

import json
import mmap
import re
from pathlib import Path

import orjson

#: Bytes that one task reads.
_PART_BYTES = 4 << 20

#: Bytes that are parsed at once. The objects they become still fit a processor's
#: cache: the whole part at once takes three times as long.
_BLOCK_BYTES = 1 << 18

_BETWEEN = re.compile(rb'\}\s*(,)\s*\{')
_END = re.compile(rb'\}\s*(\])')


def array_parts(path, section: str | None = None, what: str = 'a COCO file'):
    """Where the objects of an array stand in a file.

    Args:
        path (str | Path): A JSON file.
        section (str, optional): The key of the root object that holds the array,
            such as ``annotations``. None means that the array is the root.
        what (str): What the file should be, for messages.

    Returns:
        list[tuple[int, int]]: Begin and end of parts, in order; each holds whole
        objects with commas between them. Empty for an empty array.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the array is not there or not whole.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'expected {what}, found no such file: {path}')
    if path.stat().st_size == 0:
        raise ValueError(f'expected {what}, got an empty file: {path}')
    with path.open('rb') as file, mmap.mmap(
            file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start, stop = (_root_array(data, path, what) if section is None
                       else _section_array(data, section, path, what))
        return _cut(data, start, stop, _PART_BYTES)


def _root_array(data, path, what):
    head = re.compile(rb'(\xef\xbb\xbf)?\s*\[').match(data)
    if head is None:
        raise ValueError(f'expected {what}, a JSON list [...], got {path}, which '
                         f'begins with {_shown(data, 0)}')
    tail = re.compile(rb'\]\s*\Z').search(data, max(head.end(), len(data) - 4096))
    if tail is None:
        end = _shown(data, max(0, len(data) - 40))
        raise ValueError(f'expected {what}, a JSON list [...], got {path}, which is '
                         f'cut off: it ends with {end}')
    return head.end(), tail.start()


def _section_array(data, section, path, what):
    head = re.compile(rb'"%b"\s*:\s*\[\s*(\])?' % section.encode()).search(data)
    if head is None:
        raise ValueError(f'expected {what} with "{section}": [...], found none in '
                         f'{path}')
    if head.group(1):
        return head.end(), head.end()
    tail = _END.search(data, head.end())
    if tail is None:
        raise ValueError(f'expected {what}, but "{section}" of {path} has no end: the '
                         'file is cut off')
    return head.end(), tail.start(1)


def _cut(data, start: int, stop: int, size: int) -> list[tuple[int, int]]:
    """Begin and end of parts about ``size`` long, without the commas between."""
    if re.compile(rb'\s*\Z').match(data[start:min(stop, start + 4096)]):
        return []
    parts = []
    while start + size < stop:
        comma = _BETWEEN.search(data, start + size, stop)
        if comma is None:
            break
        parts.append((start, comma.start(1)))
        start = comma.end(1)
    return [*parts, (start, stop)]


def iter_blocks(path, part: tuple[int, int]):
    """Parse one part of a file.

    Numbers that JSON does not have (NaN, Infinity) pass: who reads them knows
    whose they are.

    Args:
        path (str | Path): The file.
        part (tuple[int, int]): Of ``array_parts``.

    Yields:
        list: Some hundred values of the array, in order.

    Raises:
        ValueError: If a part is not JSON; says where.
    """
    with Path(path).open('rb') as file:
        file.seek(part[0])
        data = file.read(part[1] - part[0])
    for start, stop in _cut(data, 0, len(data), _BLOCK_BYTES):
        block = b'[%b]' % data[start:stop]
        try:
            yield orjson.loads(block)
        except orjson.JSONDecodeError:
            yield _parse_slowly(block, path, part[0] + start)


def _parse_slowly(block, path, begins_at):
    try:
        return json.loads(block)
    except (ValueError, RecursionError) as error:
        # One bracket was put before the block.
        at = begins_at + getattr(error, 'pos', 1) - 1
        shown = _shown(block, max(0, getattr(error, 'pos', 0) - 20))
        raise ValueError(f'{path} is not JSON at byte {at}, near {shown}: '
                         f'{getattr(error, "msg", error)}') from None


def _shown(data, start: int) -> str:
    return repr(data[start:start + 40].decode(errors='replace'))
