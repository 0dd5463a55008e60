"""The raw layout: ``<split>/image/000001.jpg``, ``<split>/annos/000001.json``."""

import os
from pathlib import Path

from df2mm.datasets.annotation import is_image_number, parse_annotation
from df2mm.datasets.clipping import clip_to_image
from df2mm.datasets.defects import Report
from df2mm.datasets.image_header import read_image_size

#: The splits that have annotations.
SPLITS = ('train', 'validation')


def find_splits(data_root):
    """Which splits a dataset's folder holds.

    Args:
        data_root (str | Path): Of the whole dataset.

    Returns:
        list[str]: Of ``SPLITS``.

    Raises:
        FileNotFoundError: If none of them is there.
    """
    splits = [split for split in SPLITS if (Path(data_root) / split).is_dir()]
    if not splits:
        raise FileNotFoundError(
            f'expected {data_root}/train/image, {data_root}/train/annos or the same '
            'under validation, found neither train nor validation. Give the folder '
            f'that DeepFashion2 was unpacked to, or make one like it: python '
            f'tools/data.py synthesize {data_root}')
    return splits


def list_raw(split_dir):
    """The images of a split that have both of their files.

    Args:
        split_dir (str | Path): Holds ``image`` and ``annos``.

    Returns:
        tuple[list[str], list[Defect]]: Stems such as ``000001`` by rising
        number, and what is missing or misnamed.

    Raises:
        FileNotFoundError: If a folder is missing.
    """
    split_dir = Path(split_dir)
    stems = {}
    for folder, ending in (('annos', '.json'), ('image', '.jpg')):
        path = split_dir / folder
        if not path.is_dir():
            raise FileNotFoundError(
                f'expected {split_dir.name}/image and {split_dir.name}/annos as in '
                f'DeepFashion2, not found: {path}. Unpack the split there, or choose '
                'another one')
        with os.scandir(path) as entries:
            stems[folder] = {
                entry.name[:-len(ending)] for entry in entries
                if entry.name.endswith(ending) and not entry.name.startswith('.')}
    defects = []

    def note(folder, stem, rule, message):
        ending = '.json' if folder == 'annos' else '.jpg'
        report = Report(f'{split_dir.name}/{folder}/{stem}{ending}')
        report.add(rule, message)
        defects.extend(report.defects)

    for stem in sorted(stems['image'] - stems['annos']):
        note('image', stem, 'missing-annotation', f'expected annos/{stem}.json')
    for stem in sorted(stems['annos'] - stems['image']):
        note('annos', stem, 'missing-image', f'expected image/{stem}.jpg')
    numbers = {}
    for stem in sorted(stems['annos'] & stems['image']):
        if not is_image_number(stem):
            note('annos', stem, 'file-name', f'expected a number, got {stem!r}')
        elif int(stem) in numbers:
            note('annos', stem, 'file-name', f'{numbers[int(stem)]}.json has the same '
                 'number')
        else:
            numbers[int(stem)] = stem
    return [numbers[number] for number in sorted(numbers)], defects


def read_raw(split_dir, stem):
    """Read one image's annotation and size; never raises for what they contain.

    Args:
        split_dir (str | Path): Holds ``image`` and ``annos``.
        stem (str): Such as ``000001``.

    Returns:
        tuple[ImageAnnotation | None, tuple[int, int] | None, list[Defect]]:
        The repaired record, and width and height in pixels; both None if the
        image cannot be used.
    """
    split_dir = os.fspath(split_dir).rstrip('/')
    split = os.path.basename(split_dir)
    report = Report(f'{split}/annos/{stem}.json')
    size = read_image_size(f'{split_dir}/image/{stem}.jpg', report)
    annotation = None
    try:
        with open(f'{split_dir}/annos/{stem}.json', 'rb') as file:
            data = file.read()
    except OSError as error:
        report.add('unreadable-file', f'{error.strerror}')
    else:
        annotation = parse_annotation(data, int(stem), report)
    if size is None or annotation is None:
        return None, None, report.defects
    clip_to_image(annotation, size, report)
    if not annotation.items:
        report.add('no-item', 'expected at least one item inside the image')
        return None, None, report.defects
    return annotation, size, report.defects


def iter_raw(split_dir, on_defect=None):
    """Read a split image by image, by rising number.

    Args:
        split_dir (str | Path): Holds ``image`` and ``annos``.
        on_defect (Callable[[Defect], None], optional): Called for each defect.

    Yields:
        tuple[ImageAnnotation, tuple[int, int], str]: The record, width and
        height in pixels, and the image's file name.

    Raises:
        FileNotFoundError: If a folder is missing.
    """
    on_defect = on_defect or _ignore
    stems, defects = list_raw(split_dir)
    for defect in defects:
        on_defect(defect)
    for stem in stems:
        annotation, size, defects = read_raw(split_dir, stem)
        for defect in defects:
            on_defect(defect)
        if annotation is not None:
            yield annotation, size, f'{stem}.jpg'


def _ignore(defect):
    """The readers repair; who wants to know asks."""
