"""Cut-outs of a gallery's pictures, which must lie in one folder."""

import io
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from PIL import Image

from df2mm.apis.image_reading import MAX_PIXELS, UnreadableImageError, read_upright
from df2mm.visualization.images import cut_out, fit

# The longer side of a cut-out, twice what a card shows for fine screens.
_SIDE = 400
# About 25 kB each.
_KEPT = 2048


class ShopPictures:
    """Encodes the garments of entries; no path leaves it.

    An entry's image is a path relative to the root. One that leads out of it, by
    ``..``, a link or from the file system's root, has no picture, nor has a URL.

    Args:
        root (str | Path): The folder; a link to it is followed.
        max_pixels (int): A picture of more is not read.

    Raises:
        FileNotFoundError: If there is no such folder.
    """

    def __init__(self, root, max_pixels: int = MAX_PIXELS) -> None:
        self._root = Path(root).resolve()
        if not self._root.is_dir():
            raise FileNotFoundError(
                f'images root not found: {root}. Give the folder that the paths in '
                'the gallery are relative to')
        self._max_pixels = max_pixels
        self._encoded = lru_cache(_KEPT)(self._encode)

    def path(self, image: str) -> Path | None:
        """The file of an entry's image; None if it is not one in the root."""
        try:
            path = (self._root / image).resolve()
            inside = path.is_relative_to(self._root) and path.is_file()
        # A NUL, a loop of links or a name that is too long for the file system.
        except (OSError, RuntimeError, ValueError):
            return None
        return path if inside else None

    def cut_outs(self, entries) -> list:
        """The garments of some entries.

        Args:
            entries (Sequence[Entry]): N.

        Returns:
            list[bytes | None]: N JPEG files, of 400 pixels on the longer side; None
            where there is no readable picture in the root, or the box is outside it.
        """
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(
                lambda entry: self._encoded(entry.image, tuple(entry.bbox)), entries))

    def _encode(self, image: str, bbox: tuple) -> bytes | None:
        path = self.path(image)
        if path is None:
            return None
        try:
            part = cut_out(read_upright(path, self._max_pixels), bbox)
        except UnreadableImageError:
            return None
        if part is None:
            return None
        file = io.BytesIO()
        Image.fromarray(fit(part, _SIDE, _SIDE)).save(file, 'JPEG', quality=85)
        return file.getvalue()
