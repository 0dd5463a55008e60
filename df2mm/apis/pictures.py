"""Write pictures of predictions under names that no two of them share."""

from pathlib import Path
from threading import Lock

from df2mm.visualization.images import write_image

_SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp')


class PictureWriter:
    """Writes pictures into a folder; several threads may share one.

    Args:
        folder (str | Path): Made where missing.
    """

    def __init__(self, folder) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._names, self._lock = set(), Lock()

    def write(self, target: str, picture) -> Path:
        """Write a picture; whole, or not at all.

        Args:
            target (str): Relative path. Without a suffix of the formats that
                pictures are written in it ends in ``.jpg``; where the name was
                written before, in ``-2.jpg`` and so on.
            picture (np.ndarray): (H, W, 3) uint8 RGB.

        Returns:
            Path: Where it is.
        """
        return write_image(self.folder / self._free_name(target), picture)

    def _free_name(self, target: str) -> Path:
        path = Path(target)
        if path.suffix.lower() not in _SUFFIXES:
            path = path.with_suffix('.jpg')
        name, number = path, 1
        with self._lock:
            # Upper and lower case are one file on some systems.
            while str(name).lower() in self._names:
                number += 1
                name = path.with_stem(f'{path.stem}-{number}')
            self._names.add(str(name).lower())
        return name
