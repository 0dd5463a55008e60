"""Which garment of an annotated dataset a detection shows."""

from pathlib import PurePath

import numpy as np

from df2mm.datasets.coco_reader import iter_coco
from df2mm.evaluation.box_iou import paired_box_iou, xyxy_to_xywh

_IOU_THR = 0.5


class Identities:
    """The identities of the items of a dataset, by image and box.

    An identity is told as text, ``707/1`` for pair_id 707 and style 1: two items
    with the same one show the same garment.

    Args:
        ann_file (str | Path): The compact file of ``tools/data.py convert``.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is no such file, or none of its images says its source.
    """

    def __init__(self, ann_file) -> None:
        self._items, self._sources = {}, {}
        for annotation, _, file_name in iter_coco(ann_file):
            name = PurePath(file_name).name
            self._sources[name] = annotation.source
            self._items[name] = [
                (item.bbox, f'{annotation.pair_id}/{item.style}')
                for item in annotation.items if item.style > 0]
        if not {'user', 'shop'} & set(self._sources.values()):
            raise ValueError(
                f'no image of {ann_file} says whether it is of a user or a shop. Use '
                'annotations/validation.json of tools/data.py convert')

    def source(self, path) -> str | None:
        """'user', 'shop', or None for an image that the annotation does not know."""
        source = self._sources.get(PurePath(path).name)
        return source if source in ('user', 'shop') else None

    def of(self, path, bboxes) -> list:
        """What each box of an image shows.

        Args:
            path (str | Path): Of the image; its name counts.
            bboxes (np.ndarray): (n, 4) x1, y1, x2, y2 pixels.

        Returns:
            list[str | None]: n: that of the item of the highest IoU, if that is 0.5
            or more, else None.
        """
        items = self._items.get(PurePath(path).name, [])
        if not items:
            return [None] * len(bboxes)
        boxes = np.array([box for box, _ in items], np.float64)
        names = [name for _, name in items]
        found = []
        for bbox in np.asarray(bboxes, np.float64):
            ious = paired_box_iou(
                xyxy_to_xywh(np.repeat(bbox[None], len(boxes), 0)), xyxy_to_xywh(boxes))
            best = int(ious.argmax())
            found.append(names[best] if ious[best] >= _IOU_THR else None)
        return found
