"""Galleries of a report: pictures in a grid, enlarged by a click."""

import base64
from html import escape
from io import BytesIO
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image, UnidentifiedImageError

_MEDIA = {'JPEG': ('.jpg', 'image/jpeg'), 'PNG': ('.png', 'image/png'),
          'WEBP': ('.webp', 'image/webp'), 'GIF': ('.gif', 'image/gif')}
# The least width of a cell, in pixels.
_CELLS = {'small': 170, 'medium': 260, 'large': 440}


class Shelf:
    """Puts pictures beside a page or into it, and tells their addresses.

    Args:
        folder (Path): Beside the page; made when the first picture comes.
        embed (bool): Put them into the page as data addresses instead.
    """

    def __init__(self, folder: Path, embed: bool) -> None:
        self.folder, self.embed, self.count = folder, embed, 0

    def put(self, data: bytes, kind: str) -> str:
        """The address of a picture file's bytes; ``kind`` is Pillow's format."""
        self.count += 1
        suffix, media = _MEDIA[kind]
        if self.embed:
            return f'data:{media};base64,{base64.b64encode(data).decode("ascii")}'
        self.folder.mkdir(exist_ok=True)
        name = f'{self.count:03d}{suffix}'
        (self.folder / name).write_bytes(data)
        return f'{self.folder.name}/{name}'


class Gallery:
    """Pictures with captions; see ``Report.add_gallery`` for the arguments."""

    def __init__(self, pictures, size: str) -> None:
        if size not in _CELLS:
            raise ValueError(f'size must be one of {sorted(_CELLS)}, got {size!r}')
        self.size = size
        # Read now, so that what is wrong is said where it was added, and what
        # the caller does to an array later does not show.
        self.pictures = [
            (*_encoded(image), str(caption)) for image, caption in pictures]

    def html(self, shelf: Shelf) -> str:
        """The gallery as HTML, its pictures put on the shelf."""
        if not self.pictures:
            return '<p class="empty">no pictures</p>'
        # One shape for all cells keeps rows even; far from square would waste it.
        ratio = median(width / height for _, _, (width, height), _ in self.pictures)
        ratio = min(max(ratio, 0.6), 2.4)
        figures = []
        for data, kind, (width, height), caption in self.pictures:
            address = shelf.put(data, kind)
            key = f'p{shelf.count}'
            text = f'<span>{escape(caption)}</span>' if caption else ''
            figures.append(
                f'<figure><input type="checkbox" id="{key}" '
                f'aria-label="{escape("enlarge " + caption)}"><label for="{key}">'
                f'<img src="{escape(address)}" alt="{escape(caption)}" '
                f'width="{width}" height="{height}" loading="lazy">{text}</label>'
                '</figure>')
        return (f'<div class="gallery" style="--cell:{_CELLS[self.size]}px;'
                f'--ratio:{ratio:.3f}">{"".join(figures)}</div>')


def _encoded(image) -> tuple:
    """A picture file's bytes, its format and its (width, height)."""
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError('a picture must be a uint8 array of shape (H, W, 3), '
                             f'got {image.dtype} {image.shape}')
        buffer = BytesIO()
        Image.fromarray(image).save(buffer, 'JPEG', quality=88)
        return buffer.getvalue(), 'JPEG', image.shape[1::-1]
    path = Path(image)
    if not path.is_file():
        raise FileNotFoundError(f'picture not found: {path}')
    data = path.read_bytes()
    try:
        with Image.open(BytesIO(data)) as opened:
            kind, size = opened.format, opened.size
    except UnidentifiedImageError:
        kind = 'no picture'
    if kind not in _MEDIA:
        raise ValueError(
            f'a picture must be one of {sorted(_MEDIA)}, got {kind}: {path}')
    return data, kind, size
