"""Convert the raw layout to our compact COCO file."""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from df2mm.datasets.coco import (
    COMPACT_INFO,
    coco_writer,
    compact_categories,
    encode_compact,
)
from df2mm.datasets.parallel import chunked, map_stream
from df2mm.datasets.raw import list_raw, read_raw

#: Images of one task: a fraction of a second, and about a megabyte of lines.
CHUNK = 512


@dataclass
class Conversion:
    """What a conversion wrote and what it met.

    Attributes:
        num_images (int): Written.
        num_items (int): Written.
        counts (Counter): Defects by (rule, repair).
    """

    num_images: int = 0
    num_items: int = 0
    counts: Counter = field(default_factory=Counter)


def convert_split(split_dir, out, workers=None, strict=False, progress=False):
    """Write a split of the raw layout as one compact COCO file; atomic.

    A bad file never stops it: what is wrong is repaired or left out by the
    rules of ``df2mm.datasets.defects``, and counted.

    Args:
        split_dir (str | Path): Holds ``image`` and ``annos``.
        out (str | Path): Such as ``annotations/train.json``.
        workers (int, optional): Processes. Defaults to the usable cores.
        strict (bool): Stop at the first defect and write nothing.
        progress (bool): Show a progress bar on stderr.

    Returns:
        Conversion: What was written, and the defects.

    Raises:
        FileNotFoundError: If there is no such layout.
        ValueError: If ``strict`` and there is a defect; names file, item and
            rule.
    """
    stems, defects = list_raw(split_dir)
    conversion = Conversion()
    _count(defects, conversion, strict)
    with (coco_writer(out, COMPACT_INFO, compact_categories()) as add,
          tqdm(total=len(stems), unit='image', disable=not progress,
               desc=f'convert {Path(split_dir).name}') as bar):
        for encoded, defects in map_stream(
                partial(_convert_chunk, str(split_dir)), chunked(stems, CHUNK),
                workers):
            _count(defects, conversion, strict)
            for image, annotations in encoded:
                add(image, annotations)
                conversion.num_items += len(annotations)
            conversion.num_images += len(encoded)
            bar.update(CHUNK if bar.n + CHUNK < len(stems) else len(stems) - bar.n)
    return conversion


def _convert_chunk(split_dir, stems):
    """The lines of some images, and the defects of all of them."""
    encoded, all_defects = [], []
    for stem in stems:
        annotation, size, defects = read_raw(split_dir, stem)
        all_defects += defects
        if annotation is not None:
            encoded.append(encode_compact(annotation, size, f'{stem}.jpg'))
    return encoded, all_defects


def _count(defects, conversion, strict):
    if defects and strict:
        raise ValueError(f'stopped at the first defect: {defects[0]}')
    conversion.counts.update((defect.rule, defect.repair) for defect in defects)
