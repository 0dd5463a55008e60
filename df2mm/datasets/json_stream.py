"""Read a COCO file object by object: a whole one as a tree costs gigabytes."""

import json
import re
from pathlib import Path

import orjson

_BLOCK = 1 << 20
_LONGEST_STRING = 1 << 24
#: The empty string is none of them.
_AFTER_VALUE = frozenset(' \t\r\n,:]}')
_SPACE = re.compile(r'[ \t\r\n]*')
#: Stands at the beginning of our compact COCO file.
COMPACT = re.compile(rb'"format": ?"df2mm-compact"')


def iter_rows(path, section):
    """The objects of one array of a COCO file, in their order.

    Our compact file has an object a line and is read by line. Any other JSON
    is scanned block by block; memory holds one object and one block.

    Args:
        path (str | Path): A JSON file whose root is an object.
        section (str): Such as ``images``.

    Yields:
        dict: As in the file. None at all if the file has no such section.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not such a file, or cut off.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'COCO file not found: {path}. Make it with `python tools/data.py '
            'convert`, or name one of the json_for_validation files')
    with path.open('rb') as file:
        is_compact = COMPACT.search(file.read(4096)) is not None
    rows = _iter_lines if is_compact else iter_array
    for row in rows(path, section):
        if type(row) is not dict:
            raise ValueError(f'expected objects in "{section}" of {path}, got '
                             f'{type(row).__name__}')
        yield row


def iter_array(path, section=None, what='a COCO file'):
    """The values of an array of any JSON file, scanned block by block.

    Args:
        path (str | Path): The file.
        section (str, optional): The key of the root object that holds the array.
            None means that the array is the root.
        what (str): What the file should be, for messages.

    Yields:
        Any: A value. None at all if there is no such section.

    Raises:
        ValueError: If it is not such a file, or cut off.
    """
    with Path(path).open(encoding='utf-8-sig') as file:
        try:
            text = _Text(file)
            if section is None:
                yield from text.elements()
                return
            for key in text.keys_of_object():
                if key == section:
                    yield from text.elements()
                    return
                if text.peek() == '[':
                    for _ in text.elements():
                        pass
                else:
                    text.value()
        except (ValueError, RecursionError) as error:
            raise ValueError(f'expected {what}, got {path}: {error}') from error


def _iter_lines(path, section):
    opening = b'"%b": [' % section.encode()
    with path.open('rb') as file:
        for line in file:
            if line.startswith(opening):
                break
        for line in file:
            if line.startswith(b']'):
                return
            try:
                yield orjson.loads(line.rstrip(b',\r\n'))
            except orjson.JSONDecodeError as error:
                shown = line[:60].decode(errors='replace')
                raise ValueError(f'expected one JSON object a line in {path}, got '
                                 f'{shown!r}: {error}') from error
    raise ValueError(f'expected "{section}": [ ... ] in {path}, which is cut off. '
                     'Make it again with `python tools/data.py convert`')


class _Text:
    """A JSON text of which one block is in memory.

    Args:
        file (TextIO): Open for reading.
    """

    _decoder = json.JSONDecoder()

    def __init__(self, file):
        self._file, self._block, self._at, self._ended = file, '', 0, False

    def peek(self):
        """The next character that is no space; '' at the end."""
        while True:
            self._at = _SPACE.match(self._block, self._at).end()
            if self._at < len(self._block) or not self._read():
                return self._block[self._at:self._at + 1]

    def value(self):
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._block, self._at)
            except json.JSONDecodeError as error:
                # Cut off, or wrong? What is far from the end is wrong.
                if len(self._block) - error.pos < _LONGEST_STRING and self._read():
                    continue
                raise ValueError(f'{error.msg}, at {self._shown()}') from error
            # A number at the end of the block may go on in the next one; `0.` is
            # read as 0, so what follows counts as well.
            if self._block[end:end + 1] in _AFTER_VALUE or not self._read():
                self._at = end
                return value

    def elements(self):
        """The values of an array."""
        self._take('[')
        if self.peek() == ']':
            self._take(']')
            return
        while True:
            yield self.value()
            if self._take(',]') == ']':
                return

    def keys_of_object(self):
        """The keys of an object; the caller reads each value in between."""
        self._take('{')
        if self.peek() == '}':
            return
        while True:
            key = self.value()
            self._take(':')
            yield key
            # Reached only once the caller has read the value.
            if self._take(',}') == '}':
                return

    def _take(self, expected):
        character = self.peek()
        if not character or character not in expected:
            raise ValueError(f'expected {" or ".join(expected)}, got {self._shown()}')
        self._at += 1
        return character

    def _read(self):
        """Add a block; False at the end of the file."""
        block = '' if self._ended else self._file.read(_BLOCK)
        self._ended = not block
        if block:
            self._block = self._block[self._at:] + block
            self._at = 0
        return bool(block)

    def _shown(self):
        shown = self._block[self._at:self._at + 40]
        return repr(shown) if shown else 'the end of the file'
