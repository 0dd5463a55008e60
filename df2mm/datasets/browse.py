"""Look at a dataset: annotated pictures and a contact sheet of them."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from df2mm.datasets.coco_reader import iter_coco
from df2mm.datasets.raw import list_raw, read_raw
from df2mm.metainfo import CATEGORY_NAMES, NUM_KEYPOINTS, category_of
from df2mm.visualization.draw import draw_items
from df2mm.visualization.images import fit, read_image, write_image
from df2mm.visualization.sheet import contact_sheet

#: The contact sheet's name in the output folder.
SHEET_NAME = 'contact_sheet.jpg'
_CELL = (330, 440)


@dataclass
class Browsed:
    """What was written.

    Attributes:
        pictures (list[Path]): The annotated pictures, named as the images.
        sheet (Path | None): The contact sheet; None without any picture.
        skipped (list[str]): Why an image was passed over, one line each.
    """

    pictures: list = field(default_factory=list)
    sheet: Path | None = None
    skipped: list = field(default_factory=list)


class RawRecords(Sequence):
    """The images of a raw split, each read when it is asked for.

    Args:
        split_dir (str | Path): Holds ``image`` and ``annos``.
        img_ids (Iterable[int], optional): Only these.

    Attributes:
        defects (list[Defect]): Why images are left out: one of their files is
            missing, or was read and cannot be used.

    Raises:
        FileNotFoundError: If a folder is missing.
    """

    def __init__(self, split_dir, img_ids=None) -> None:
        self.split_dir = Path(split_dir)
        self.stems, self.defects = list_raw(split_dir)
        if img_ids is not None:
            wanted = set(img_ids)
            self.stems = [stem for stem in self.stems if int(stem) in wanted]

    def __len__(self) -> int:
        return len(self.stems)

    def __getitem__(self, index) -> tuple:
        """(ImageAnnotation | None, (width, height) | None, file name)."""
        annotation, size, defects = read_raw(self.split_dir, self.stems[index])
        if annotation is None:
            self.defects += defects
        return annotation, size, f'{self.stems[index]}.jpg'


def browse_split(data_root, split: str, out_dir, ann_file=None, *, img_ids=None,
                 **options) -> Browsed:
    """Draw images of a split; of a raw one only those that are drawn are read.

    Args:
        data_root (str | Path): Holds ``train`` and ``validation``.
        split (str): One of them.
        out_dir (str | Path): Made if missing.
        ann_file (str | Path, optional): A COCO file. Defaults to the split's own
            annotation files.
        img_ids (Sequence[int], optional): Only these.
        **options: Of :func:`browse_dataset`.

    Returns:
        Browsed: What was written.

    Raises:
        FileNotFoundError: If the split or the file is missing.
        ValueError: As :func:`browse_dataset`.
    """
    split_dir = Path(data_root) / split
    options = dict(options, img_ids=img_ids)
    if ann_file is not None:
        return browse_dataset(
            iter_coco(ann_file), split_dir / 'image', out_dir, **options)
    records = RawRecords(split_dir, img_ids)
    browsed = browse_dataset(records, split_dir / 'image', out_dir, **options)
    browsed.skipped += map(str, records.defects)
    return browsed


def browse_dataset(records, image_dir, out_dir, num: int = 24, seed: int = 0, *,
                   category=None, source=None, img_ids=None, boxes=True, names=True,
                   masks=True, landmarks=True) -> Browsed:
    """Draw images chosen at random, and a contact sheet of them.

    An image that is missing or cannot be read is passed over, and another taken
    in its place where there is one.

    Args:
        records (Iterable[tuple]): (ImageAnnotation, (width, height), file name),
            as ``iter_raw`` and ``iter_coco`` yield them. A sequence is read only
            where it is drawn from; another iterable once, as a stream.
        image_dir (str | Path): Holds the image files.
        out_dir (str | Path): Made if missing; pictures of the same names are
            overwritten.
        num (int): How many to draw.
        seed (int): The same seed chooses the same images.
        category (str, optional): Only images with an item of it.
        source (str, optional): Only ``user`` or only ``shop`` images.
        img_ids (Sequence[int], optional): Draw these, by rising number, instead
            of a random choice.
        boxes, names, masks, landmarks (bool): What to draw.

    Returns:
        Browsed: What was written.

    Raises:
        ValueError: If ``num`` is not positive, or the category or source unknown.
    """
    _check_choice(num, category, source)
    img_ids = None if img_ids is None else set(img_ids)

    def wanted(annotation) -> bool:
        return annotation is not None and (
            (img_ids is None or annotation.img_id in img_ids)
            and (source is None or annotation.source == source)
            and (category is None
                 or any(item.category_name == category for item in annotation.items)))

    browsed = Browsed()
    if img_ids is None:
        chosen = _in_random_order(records, wanted, num, np.random.default_rng(seed))
    else:
        chosen = sorted((r for r in records if wanted(r[0])), key=lambda r: r[0].img_id)
        num = len(chosen)
        browsed.skipped = [
            f'image {img_id}: not among the usable images of this choice'
            for img_id in sorted(img_ids - {record[0].img_id for record in chosen})]
    show = dict(boxes=boxes, names=names, masks=masks, landmarks=landmarks)
    _write(browsed, chosen, num, Path(image_dir), Path(out_dir), show)
    return browsed


def _check_choice(num, category, source) -> None:
    if num < 1:
        raise ValueError(f'num must be positive, got {num}')
    if category is not None and category not in CATEGORY_NAMES:
        raise ValueError(
            f'category must be one of {", ".join(CATEGORY_NAMES)}; got {category!r}')
    if source not in (None, 'user', 'shop'):
        raise ValueError(f"source must be 'user' or 'shop', got {source!r}")


def _in_random_order(records, wanted, num: int, rng):
    """Records that are wanted, at random; of a stream a few more than ``num``."""
    if isinstance(records, Sequence):
        shuffled = (records[int(i)] for i in rng.permutation(len(records)))
        yield from (record for record in shuffled if wanted(record[0]))
    else:
        # The records with the least of random numbers: a stream has no length.
        keyed = ((rng.random(), i, record) for i, record in enumerate(records)
                 if wanted(record[0]))
        for _, _, record in heapq.nsmallest(2 * num + 8, keyed):
            yield record


def _write(browsed, records, num: int, image_dir: Path, out_dir: Path, show) -> None:
    """Draw records until ``num`` pictures are written; fills ``browsed``."""
    cells, captions = [], []
    for annotation, _, file_name in records:
        try:
            image = read_image(image_dir / file_name)
        except (FileNotFoundError, ValueError) as error:
            browsed.skipped.append(str(error))
            continue
        path = out_dir / f'{Path(file_name).stem}.jpg'
        write_image(path, draw_annotation(image, annotation, **show))
        browsed.pictures.append(path)
        # Drawn anew at the cell's size: shrunk letters could not be read.
        cells.append(draw_annotation(fit(image, *_CELL), annotation,
                                     image.shape[1::-1], **show))
        captions.append(_caption(annotation, path.stem))
        if len(cells) == num:
            break
    if cells:
        browsed.sheet = write_image(
            out_dir / SHEET_NAME, contact_sheet(cells, captions, cell=_CELL))


def draw_annotation(image, annotation, size=None, *, boxes=True, names=True,
                    masks=True, landmarks=True) -> np.ndarray:
    """Draw an annotation on its image.

    Args:
        image (np.ndarray): (H, W, 3) uint8 RGB; not modified.
        annotation (ImageAnnotation): Its N items.
        size (tuple[int, int], optional): Width and height of the image that the
            annotation is of. Defaults to this image's.
        boxes, names, masks, landmarks (bool): What to draw.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    scale = np.array([width, height]) / (size or (width, height))
    items = annotation.items
    keypoints = np.zeros((len(items), NUM_KEYPOINTS, 3))
    for row, item in zip(keypoints, items, strict=True):
        row[category_of(item.category_id).slice] = item.landmarks
    return draw_items(
        image, [item.bbox * np.tile(scale, 2) for item in items],
        [item.category_id - 1 for item in items],
        [[p * scale for p in item.polygons] for item in items] if masks else None,
        keypoints[..., :2] * scale if landmarks else None, keypoints[..., 2],
        boxes=boxes, names=names)


def _caption(annotation, name: str) -> str:
    return f'{name}  {annotation.source}, pair {annotation.pair_id}'
