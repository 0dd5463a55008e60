"""Contact sheets: many pictures in one, in equal cells with captions."""

import numpy as np
from PIL import Image, ImageDraw

from df2mm.visualization.images import letterbox
from df2mm.visualization.labels import font, shorten

_INK = (38, 42, 51)
_PAPER = (255, 255, 255)


def contact_sheet(images, captions=None, *, columns=None, cell=(300, 300), gap=12,
                  title='') -> np.ndarray:
    """Lay pictures out in a grid of equal cells.

    Args:
        images (list[np.ndarray]): (H, W, 3) uint8 RGB each, of any sizes.
        captions (list[str], optional): One line each, cut where too long.
        columns (int, optional): Defaults to about 4:3 for the whole.
        cell (tuple[int, int]): Width and height of a picture's cell, in pixels.
        gap (int): Pixels between cells and around them.
        title (str): Written over the grid.

    Returns:
        np.ndarray: (H', W', 3) uint8 RGB. Without pictures a sheet that says so.

    Raises:
        ValueError: If ``captions`` are not as many as the images, or a size is
            not positive.
    """
    if captions is not None and len(captions) != len(images):
        raise ValueError(
            f'captions must be as many as the {len(images)} images, '
            f'got {len(captions)}')
    if min(cell) < 1 or gap < 0 or (columns is not None and columns < 1):
        raise ValueError('cell and columns must be positive and gap not negative, '
                         f'got cell={cell}, columns={columns}, gap={gap}')
    width, height = cell
    columns = columns or _columns(len(images), height / width)
    columns = max(1, min(columns, len(images)))
    rows = max(1, -(-len(images) // columns))
    face = font(max(10, round(width / 22)))
    head = font(max(14, round(width / 13)), bold=True)
    caption_height = round(face.size * 1.9) if captions is not None else 0
    title_height = round(head.size * 1.6) if title else 0
    sheet = Image.new('RGB', (columns * (width + gap) + gap,
                              rows * (height + caption_height + gap) + gap +
                              title_height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    if title:
        pen.text((gap, gap + title_height / 2), shorten(
            title, sheet.width - 2 * gap, head), fill=_INK, font=head, anchor='lm')
    for i, image in enumerate(images):
        x = gap + i % columns * (width + gap)
        y = gap + title_height + i // columns * (height + caption_height + gap)
        sheet.paste(Image.fromarray(letterbox(image, width, height)), (x, y))
        if captions is not None:
            pen.text((x, y + height + caption_height / 2),
                     shorten(captions[i], width, face), fill=_INK, font=face,
                     anchor='lm')
    if not images:
        pen.text((sheet.width / 2, sheet.height / 2), 'no pictures', fill=_INK,
                 font=face, anchor='mm')
    return np.array(sheet)


def _columns(count: int, cell_ratio: float) -> int:
    """Columns for a sheet of about 4:3 with few cells left empty."""
    ideal = max(1, round(np.sqrt(count * cell_ratio * 4 / 3)))
    near = (ideal, max(1, ideal - 1), ideal + 1)
    return min(near, key=lambda columns: -count % columns)


def side_by_side(images, titles, gap: int = 8) -> np.ndarray:
    """Pictures of one scene in a row, each under its title.

    Args:
        images (list[np.ndarray]): (H, W, 3) uint8 RGB each, of one height.
        titles (list[str]): One each.
        gap (int): Pixels between them.

    Returns:
        np.ndarray: (H', W', 3) uint8 RGB.

    Raises:
        ValueError: If there is no image, or not one title for each.
    """
    if not images:
        raise ValueError('images must hold at least one image, got none')
    if len(titles) != len(images):
        raise ValueError(
            f'titles must be as many as the {len(images)} images, got {len(titles)}')
    face = font(max(12, round(np.sqrt(images[0].shape[0] * images[0].shape[1]) / 36)),
                True)
    top = round(face.size * 1.8)
    row = Image.new('RGB', (sum(i.shape[1] for i in images) + gap * (len(images) - 1),
                            top + max(i.shape[0] for i in images)), _PAPER)
    pen, x = ImageDraw.Draw(row), 0
    for image, title in zip(images, titles, strict=True):
        pen.text((x + face.size / 3, top / 2), shorten(title, image.shape[1], face),
                 fill=_INK, font=face, anchor='lm')
        row.paste(Image.fromarray(image), (x, top))
        x += image.shape[1] + gap
    return np.array(row)
