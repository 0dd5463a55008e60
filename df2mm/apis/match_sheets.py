"""A picture of a garment and of what a gallery has for it."""

from pathlib import Path

import numpy as np

from df2mm.apis.gallery_images import Searched
from df2mm.apis.image_reading import UnreadableImageError, read_upright
from df2mm.metainfo import CATEGORIES
from df2mm.visualization import contact_sheet, draw_items, strokes
from df2mm.visualization.images import cut_out, letterbox

_GREEN, _RED, _GREY = (23, 160, 93), (214, 45, 32), (160, 165, 172)
_CELL, _COLUMNS = (220, 260), 5


def match_sheet(searched: Searched, root, most: int = 10) -> np.ndarray:
    """The photo, its garment boxed, beside the matches, cut out and numbered.

    Where it is known which matches are right, these have a green frame and the
    others a red one; else the frames are grey.

    Args:
        searched (Searched): A search.
        root (str | Path): What the entries' images are relative to.
        most (int): Matches to show.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB. A picture that is missing is a blank cell.
    """
    cells, captions = [], []
    for rank, (match, right) in enumerate(zip(
            searched.matches[:most], searched.right, strict=False), 1):
        color = {None: _GREY, True: _GREEN, False: _RED}[right]
        cells.append(_framed(_cut_out(Path(root) / match.entry.image, match.entry.bbox),
                             color))
        captions.append(f'{rank}  {match.probability:.2f}  {match.entry.id}')
    found, item = searched.found, searched.item
    category = CATEGORIES[found.labels[item]].name
    title = category + (f', {searched.photos} photos' if searched.photos > 1 else '')
    if not cells:
        cells, captions = [np.full((*_CELL[::-1], 3), 235, np.uint8)], ['no match']
    sheet = contact_sheet(cells, captions, columns=_COLUMNS, cell=_CELL, title=title)
    photo = draw_items(found.image, found.bboxes[[item]], found.labels[[item]],
                       scores=found.scores[[item]])
    height = sheet.shape[0]
    width = min(round(height * photo.shape[1] / photo.shape[0]), 2 * _CELL[0])
    return np.concatenate([letterbox(photo, width, height, (255, 255, 255)), sheet], 1)


def _cut_out(path, bbox):
    """The box of an image with a little around it; None without the image."""
    try:
        return cut_out(read_upright(path), bbox)
    except (OSError, UnreadableImageError):
        return None


def _framed(image, color):
    cell = np.full((*_CELL[::-1], 3), 235, np.uint8) if image is None else (
        letterbox(image, *_CELL))
    strokes.frame(cell, (0, 0, *_CELL), color, 5)
    return cell
