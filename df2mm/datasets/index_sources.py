"""Where an annotation index is read from: the raw layout and COCO files.

Both are read in parts, by forked processes; see ``df2mm.datasets.columns``.
"""

import mmap
import re
from collections import Counter
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import orjson
from mmengine.logging import MMLogger

from df2mm.datasets.coco_reader import iter_coco
from df2mm.datasets.columns import (
    annotation_columns,
    assemble,
    image_columns,
    item_columns,
    joined,
)
from df2mm.datasets.json_stream import COMPACT
from df2mm.datasets.parallel import chunked, map_in_order
from df2mm.datasets.raw import list_raw
from df2mm.datasets.raw import read_raw as read_raw_image

#: Bytes of a COCO file that one task reads.
_PART_BYTES = 4 << 20

#: Bytes of it that are parsed at once. The objects they become still fit a
#: processor's cache: the whole part at once takes three times as long.
_BLOCK_BYTES = 1 << 18

#: Annotation files that one task reads.
_PART_FILES = 256


def read_raw(data_root: Path, split: str, workers: int | None = None) -> dict:
    """The columns of AnnotationIndex from the raw layout; see its ``from_raw``."""
    split_dir = data_root / split
    for folder in ('image', 'annos'):
        if not (split_dir / folder).is_dir():
            raise FileNotFoundError(
                f'expected {data_root}/{split}/image/000001.jpg and '
                f'{data_root}/{split}/annos/000001.json, as DeepFashion2 is laid out; '
                f'not found: {split_dir / folder}. Unpack the dataset there, or make '
                f'one like it: `python tools/data.py synthesize {data_root}`')
    stems, defects = list_raw(split_dir)
    tasks = list(chunked(stems, _PART_FILES)) or [[]]
    parts = list(map_in_order(partial(_read_files, split_dir), tasks, workers))
    rows = [row for images, _, _ in parts for row in images]
    _warn(sum((counts for _, _, counts in parts),
              Counter(defect.rule for defect in defects)), split_dir)
    return assemble(image_columns(rows, split_dir),
                    joined([items for _, items, _ in parts]), split_dir)


def _read_files(split_dir: Path, stems: list[str]) -> tuple[list, dict, Counter]:
    """Image rows, item columns and counted defects of some raw files."""
    rows, annotations, counts = [], [], Counter()
    for stem in stems:
        annotation, size, defects = read_raw_image(split_dir, stem)
        counts.update(defect.rule for defect in defects)
        if annotation is not None:
            annotations.append(annotation)
            rows.append(_image_row(annotation, size, f'{stem}.jpg'))
    return rows, annotation_columns(annotations), counts


def read_coco(path: Path, workers: int | None = None) -> dict:
    """The columns of AnnotationIndex from a COCO file; see its ``from_coco``."""
    if not path.is_file():
        raise FileNotFoundError(
            f'ann_file not found: {path}. Make it from the raw layout with '
            '`python tools/data.py convert`, or leave ann_file out to read that '
            'layout itself')
    if path.stat().st_size == 0:
        raise ValueError(f'expected a COCO file, got an empty one: {path}')
    with path.open('rb') as file, mmap.mmap(
            file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if COMPACT.search(data[:4096]) is None:
            return _read_authors(path)
        tasks = [_parts(data, section, _PART_BYTES)
                 for section in _sections(data, path)]
    images, items = (
        joined(list(map_in_order(
            partial(_read_part, path, columns_of), parts, workers)))
        for columns_of, parts in zip((image_columns, item_columns), tasks, strict=True))
    return assemble(images, items, path)


def _sections(data: mmap.mmap, path: Path) -> tuple[slice, slice]:
    """The bytes between the brackets of "images" and of "annotations"."""
    sections, end = [], 0
    for name in ('images', 'annotations'):
        head = re.compile(rb'\n"%b": ?\[' % name.encode()).search(data, end)
        # A line of a section begins with a brace, that of its end with a bracket.
        end = data.find(b'\n]', head.end()) if head else -1
        if end < 0:
            raise ValueError(
                f'expected "{name}": [ ... ] with an object a line in the compact '
                f'file {path}. It was cut off or rewritten: make it again with '
                '`python tools/data.py convert`')
        sections.append(slice(head.end(), end))
    return tuple(sections)


def _parts(data, section: slice, size: int) -> list[tuple[int, int]]:
    """Begin and end of parts of a section, ``size`` long, cut between lines."""
    cuts = [section.start]
    while cuts[-1] < section.stop or len(cuts) == 1:
        cut = data.find(b'\n', cuts[-1] + size, section.stop)
        cuts.append(cut if cut >= 0 else section.stop)
    return list(pairwise(cuts))


def _read_part(path: Path, columns_of, part: tuple[int, int]) -> dict:
    """The columns of one part of a section."""
    with path.open('rb') as file:
        file.seek(part[0])
        lines = file.read(part[1] - part[0])
    blocks = _parts(lines, slice(0, len(lines)), _BLOCK_BYTES)
    return joined([columns_of(_parse_rows(lines[a:b], path), path) for a, b in blocks])


def _parse_rows(lines: bytes, path: Path) -> list[dict]:
    """Parse objects on lines of their own, with commas between them."""
    try:
        return orjson.loads(b'[' + lines.strip(b' \r\n,') + b']')
    except orjson.JSONDecodeError as error:
        for line in lines.strip(b' \r\n,').split(b'\n'):
            try:
                orjson.loads(line.strip(b' \r,'))
            except orjson.JSONDecodeError:
                shown = line[:60].decode(errors='replace')
                raise ValueError(
                    f'expected one JSON object a line in {path}, got {shown!r}'
                ) from error
        raise ValueError(f'expected commas between the lines of {path}') from error


def _read_authors(path: Path) -> dict:
    """The columns of AnnotationIndex from the authors' COCO file."""
    records, counts = iter_coco(path, lambda d: counts.update([d.rule])), Counter()
    rows, parts = [], []
    while part := list(islice(records, _PART_FILES)):
        parts.append(annotation_columns([annotation for annotation, _, _ in part]))
        rows += [_image_row(*record) for record in part]
    _warn(counts, path)
    parts = parts or [annotation_columns([])]
    return assemble(image_columns(rows, path), joined(parts), path)


def _image_row(annotation, size, file_name: str) -> dict:
    """As in our compact COCO file."""
    return dict(
        id=annotation.img_id, file_name=file_name, width=size[0], height=size[1],
        source=annotation.source, pair_id=annotation.pair_id)


def _warn(counts: Counter, path: Path) -> None:
    """Say what reading had to repair, where it had to."""
    if counts:
        MMLogger.get_current_instance().warning(
            '%s: repaired or left out: %s. `tools/data.py check` names every one',
            path, ', '.join(f'{rule} {count}' for rule, count in counts.most_common()))
