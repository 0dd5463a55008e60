"""A user's own fields of images, such as price and URL, from a file."""

import csv
import json
from pathlib import Path


def read_fields(path) -> dict:
    """Read a table with a row an image.

    Args:
        path (str | Path): A CSV file with a header, whose cells are taken for numbers
            where they read as such, or JSON lines. The column ``image`` names the
            image.

    Returns:
        dict[str, dict]: The other columns, by image.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line does not parse, a row names no image or one again.
    """
    path = Path(path)
    fields = {}
    for number, row in enumerate(_rows(path), 1):
        if not isinstance(row, dict) or not isinstance(row.get('image'), str):
            raise ValueError(f'row {number} of {path} must have a text in the column '
                             f'image, got {str(row)[:100]}')
        name = row.pop('image')
        if name in fields:
            raise ValueError(f'row {number} of {path} names image {name!r} again')
        fields[name] = row
    return fields


def _rows(path):
    with open(path, newline='', encoding='utf-8') as file:
        if path.suffix.lower() == '.csv':
            for row in csv.DictReader(file, restkey='', restval=''):
                if '' in row:
                    raise ValueError(f'a row of {path} must have as many cells as the '
                                     f'header, got {row[""]} more')
                yield {key: value if key in ('image', 'id') else _number(value)
                       for key, value in row.items()}
            return
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except ValueError as error:
                raise ValueError(
                    f'line {number} of {path} is no JSON: {error}') from None


def _number(text: str):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
