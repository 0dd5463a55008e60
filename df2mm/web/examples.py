"""Photos that a visitor may pick in place of an upload."""

from dataclasses import dataclass

import numpy as np

from df2mm.apis.image_inputs import image_inputs
from df2mm.apis.image_reading import UnreadableImageError, read_upright
from df2mm.visualization.images import fit

# More would make the page slow to load.
_MOST = 60
_SIDE = 160


@dataclass(frozen=True, eq=False)
class Example:
    """A photo of a folder.

    Attributes:
        path (str): Where it is; never sent to the page.
        thumbnail (np.ndarray): (h, w, 3) uint8 RGB, of at most 160 pixels a side.
    """

    path: str
    thumbnail: np.ndarray

    def read(self) -> bytes:
        """The file.

        Raises:
            OSError: If it is gone.
        """
        with open(self.path, 'rb') as file:
            return file.read()


def read_examples(folder, max_pixels: int) -> list:
    """list[Example]: The first 60 photos of a folder that can be read.

    Args:
        folder (str | Path): Photos lie in it and in its subfolders.
        max_pixels (int): Larger ones are left out.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it has no pictures.
    """
    examples = []
    for entry in image_inputs(str(folder)):
        try:
            image = read_upright(entry.value, max_pixels)
        except UnreadableImageError:
            continue
        examples.append(Example(entry.value, fit(image, _SIDE, _SIDE)))
        if len(examples) == _MOST:
            break
    if not examples:
        raise ValueError(f'none of the pictures in {folder} can be read')
    return examples
