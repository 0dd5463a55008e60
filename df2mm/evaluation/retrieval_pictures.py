"""A picture of each error of retrieval."""

import numpy as np

from df2mm.evaluation.box_iou import xyxy_to_xywh
from df2mm.evaluation.error_pictures import ANNOTATED, PREDICTED, View, compared
from df2mm.evaluation.retrieval import right_boxes
from df2mm.evaluation.retrieval_errors import partners_of
from df2mm.metainfo import CATEGORY_NAMES
from df2mm.visualization import strokes
from df2mm.visualization.images import letterbox
from df2mm.visualization.sheet import contact_sheet

_GREEN, _RED = (23, 160, 93), (214, 45, 32)
_CELL, _GAP, _COLUMNS = (280, 320), 12, 5


class RetrievalPictures:
    """Draws one error; each method returns a picture and a caption, or None."""

    def __init__(self, scores, truth, found, errors, images) -> None:
        self.scores, self.truth, self.found = scores, truth, found
        self.errors, self.images = errors, images

    def wrong(self, item):
        truth, found = self.truth, self.found
        image = self._read(truth.query_image_ids[item])
        if image is None:
            return None
        row = self.errors.represented[item]
        query = View(image).draw(
            PREDICTED, xyxy_to_xywh(found.bboxes[[row]]), found.labels[[row]],
            found.scores[[row]], main=0)
        ids, boxes = found.gallery_image_ids[row], found.gallery_bboxes[row]
        (right,) = right_boxes(truth, np.array([item]), ids[None], boxes[None])
        retrieved = [
            (self._cell(ids[rank], boxes[rank], _GREEN if right[rank] else _RED),
             f'{rank + 1}: image {ids[rank]}')
            for rank in range(min(_COLUMNS, np.count_nonzero(ids >= 0)))]
        partners = [
            (self._cell(truth.gallery_image_ids[k], truth.gallery_bboxes[k], _GREEN),
             f'image {truth.gallery_image_ids[k]}')
            for k in partners_of(truth, item)[:_COLUMNS]]
        rank = self.scores.correct_rank[item]
        return retrieval_sheet(query, retrieved, partners), (
            f'{self._where(item)}, detected with {found.scores[row]:.2f}: '
            + (f'first right at rank {rank + 1}' if rank >= 0
               else f'none right of {np.count_nonzero(ids >= 0)}'))

    def missed(self, item):
        truth, found = self.truth, self.found
        image_id = truth.query_image_ids[item]
        image = self._read(image_id)
        if image is None:
            return None
        items = np.flatnonzero(truth.query_image_ids == image_id)
        place = int(np.searchsorted(items, item))
        rows = np.flatnonzero(found.image_ids == image_id)
        view = View(image)
        left = view.draw(ANNOTATED, xyxy_to_xywh(truth.query_bboxes[items]),
                         truth.query_labels[items], main=place)
        right = view.draw(PREDICTED, xyxy_to_xywh(found.bboxes[rows]),
                          found.labels[rows], found.scores[rows])
        return compared(left, right), self._where(item)

    def _cell(self, image_id, box, color):
        image = self._read(image_id)
        return _blank(225) if image is None else framed(image, xyxy_to_xywh(box), color)

    def _read(self, image_id):
        return self.images.read(f'{image_id:06}.jpg', f'{image_id:06}.png')

    def _where(self, item):
        return (f'image {self.truth.query_image_ids[item]}: '
                f'{CATEGORY_NAMES[self.truth.query_labels[item]]}, pair '
                f'{self.truth.query_pair_ids[item]}, style '
                f'{self.truth.query_styles[item]}')


def framed(image, box, color) -> np.ndarray:
    """A gallery item cut out, in a cell with a coloured frame.

    Args:
        image (np.ndarray): (H, W, 3) uint8 RGB.
        box (array-like): (4,), the item.
        color (tuple[int]): RGB of the frame.
    """
    view = View(image, box, (_CELL[0] - _GAP, _CELL[1] - _GAP))
    strokes.frame(view.image, view.corners(box)[0], strokes.WHITE, 2)
    cell = letterbox(view.image, *_CELL)
    strokes.frame(cell, (0, 0, *_CELL), color, 5)
    return cell


def _blank(level):
    """A cell without a picture; ``level`` is its grey."""
    return np.full((_CELL[1], _CELL[0], 3), level, np.uint8)


def retrieval_sheet(query, retrieved, partners) -> np.ndarray:
    """A query picture, and beside it what was retrieved over what is right.

    Args:
        query (np.ndarray): (H, W, 3) uint8 RGB, with the query item's box.
        retrieved (list[tuple]): Cells and their captions, best first.
        partners (list[tuple]): Likewise, of the right gallery items. Each row has
            room for five.
    """
    rows = []
    for title, cells in (('retrieved', retrieved), ('right', partners)):
        fill = [(_blank(255), '')] * (_COLUMNS - len(cells))
        images, captions = zip(*cells[:_COLUMNS], *fill, strict=True)
        rows.append(contact_sheet(
            images, captions, columns=_COLUMNS, cell=_CELL, title=title))
    sheet = np.concatenate(rows)
    height = sheet.shape[0] - 2 * _GAP
    width = min(round(height * query.shape[1] / query.shape[0]), 2 * _CELL[0])
    panel = letterbox(query, width, height, (255, 255, 255))
    panel = np.pad(panel, ((_GAP, _GAP), (_GAP, 0), (0, 0)), constant_values=255)
    return np.concatenate([panel, sheet], 1)
