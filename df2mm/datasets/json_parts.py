"""Work through a large JSON array in parallel, block by block.

No tree of the whole file is ever made: the file is cut into parts of some
megabytes, and those into blocks whose objects are gone before the next one is read.
Cuts are made between ``}`` and ``{`` with a comma in between, so it does not matter
whether a file has one object a line or is a single line. A cut at the wrong place,
inside of an object, cannot be parsed; then the array is scanned from its beginning.
"""

import mmap
import re
from functools import partial
from itertools import islice
from pathlib import Path

import orjson

from df2mm.datasets.json_stream import iter_array
from df2mm.datasets.parallel import map_in_order

#: Bytes that one task reads.
_PART_BYTES = 4 << 20

#: Bytes that are parsed at once. The objects they become still fit a processor's
#: cache: the whole part at once takes three times as long.
_BLOCK_BYTES = 1 << 18

#: Values of a block where the array is scanned.
_BLOCK_VALUES = 512

_BETWEEN = re.compile(rb'\}\s*(,)\s*\{')
_END = re.compile(rb'\}\s*(\])')
_NOTHING = re.compile(rb'\s*\Z')
#: What opens and closes, and strings, in which that means nothing.
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)


def map_blocks(function, path, section=None, what='a COCO file', workers=None):
    """Call a function with the values of an array, some hundred at a time.

    Numbers that JSON does not have (NaN, Infinity) pass: who reads them knows whose
    they are.

    Args:
        function (Callable): Takes a list of values; picklable, and its results.
        path (str | Path): A JSON file.
        section (str, optional): The key of the root object that holds the array,
            such as ``annotations``. None means that the array is the root.
        what (str): What the file should be, for messages.
        workers (int, optional): Processes. Defaults to the usable cores.

    Yields:
        The results, in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the array is not there, not whole or no JSON.
    """
    path = Path(path)
    done = 0
    try:
        parts = array_parts(path, section, what)
        for results in map_in_order(
                partial(_call_with_blocks, function, path), parts, workers):
            for count, result in results:
                done += count
                yield result
    except _WrongCutError:
        values = islice(iter_array(path, section, what), done, None)
        while block := list(islice(values, _BLOCK_VALUES)):
            yield function(block)


class _WrongCutError(Exception):
    """A part is not whole objects with commas between them."""


def _call_with_blocks(function, path, part):
    """(number of values, function's result) of each block of a part."""
    with path.open('rb') as file:
        file.seek(part[0])
        data = file.read(part[1] - part[0])
    results = []
    for start, stop in _cut(data, 0, len(data), _BLOCK_BYTES):
        try:
            values = orjson.loads(b'[%b]' % data[start:stop])
        except orjson.JSONDecodeError:
            raise _WrongCutError from None
        results.append((len(values), function(values)))
    return results


def array_parts(path, section=None, what='a COCO file') -> list[tuple[int, int]]:
    """Where the objects of an array stand in a file.

    Args:
        path, section, what: As for ``map_blocks``.

    Returns:
        list[tuple[int, int]]: Begin and end of parts, in order; each holds whole
        objects with commas between them, or a cut was wrong. Empty for an empty
        array.

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
    depth = at = 0
    for head in re.finditer(rb'"%b"\s*:\s*\[\s*(\])?' % section.encode(), data):
        # The same key may occur further inside.
        for token in _STRUCTURE.finditer(data, at, head.start()):
            depth += (token.group() in b'{[') - (token.group() in b'}]')
        at = head.start()
        if depth == 1:
            break
    else:
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
    if _NOTHING.match(data[start:min(stop, start + 4096)]):
        return []
    parts = []
    while start + size < stop:
        comma = _BETWEEN.search(data, start + size, stop)
        if comma is None:
            break
        parts.append((start, comma.start(1)))
        start = comma.end(1)
    return [*parts, (start, stop)]


def _shown(data, start: int) -> str:
    return repr(data[start:start + 40].decode(errors='replace'))
