"""A file that holds one JSON object, and all that can be wrong with it."""

import json
from contextlib import suppress

import orjson

from df2mm.datasets.defects import shown


def parse_object(data, report):
    """The JSON object that a file holds.

    NaN and infinite numbers, which JSON does not have but real files may, pass:
    who reads the numbers knows whose they are.

    Args:
        data (bytes): The file.
        report (Report): Takes the defects.

    Returns:
        dict | None: None if it is no JSON object in UTF-8.
    """
    try:
        root = orjson.loads(data)
    except orjson.JSONDecodeError:
        root = _parse_slowly(data, report)
        if root is None:
            return None
    if type(root) is not dict:
        report.add('broken-json', f'expected a JSON object, got {shown(root)}')
        return None
    # A key that occurs twice leaves more quotation marks in the file than the
    # keys and strings read from it need.
    objects = [root, *(v for v in root.values() if type(v) is dict)]
    strings = sum(
        len(o) + sum(type(v) is str for v in o.values()) for o in objects)
    if data.count(b'"') != 2 * strings:
        _report_duplicates(data, report)
    return root


def _parse_slowly(data, report):
    """What orjson refuses: NaN and huge numbers pass, the rest is named."""
    if not data.strip():
        report.add('broken-json', 'expected a JSON object, got an empty file')
        return None
    try:
        return json.loads(data.decode('utf-8-sig'))
    except (ValueError, RecursionError) as error:
        report.add('broken-json', f'expected a JSON object in UTF-8, got: {error}')
        return None


def _report_duplicates(data, report):
    def note(pairs):
        seen = set()
        for name, _ in pairs:
            if name in seen:
                report.add('duplicate-key', f'{name!r} occurs twice in one object')
            seen.add(name)
        return dict(pairs)

    # What orjson could read but json cannot (very deep nesting) has no item.
    with suppress(ValueError, RecursionError):
        json.loads(data.decode('utf-8-sig'), object_pairs_hook=note)
