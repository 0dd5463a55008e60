"""What a visitor may upload, and how it is read."""

from dataclasses import dataclass

import numpy as np

from df2mm.apis.image_reading import UnreadableImageError, read_upright

# Beyond these the network's input would have a side of almost no pixels.
_LEAST_SIDE, _MOST_RATIO = 16, 20


@dataclass(frozen=True)
class Limits:
    """The largest photo that is read.

    Attributes:
        megabytes (float): Of the file, 2^20 bytes each, as browsers count.
        megapixels (float): Of the image, 10^6 pixels each.

    Raises:
        ValueError: If one is not positive.
    """

    megabytes: float = 20
    megapixels: float = 50

    def __post_init__(self):
        for name in ('megabytes', 'megapixels'):
            if not getattr(self, name) > 0:
                raise ValueError(f'{name} must be positive, got {getattr(self, name)}')

    @property
    def bytes(self) -> int:
        return max(1, int(self.megabytes * (1 << 20)))

    @property
    def pixels(self) -> int:
        return max(1, int(self.megapixels * 1e6))

    def __str__(self):
        return f'{self.megabytes:g} MB and {self.megapixels:g} megapixels'


def read_photo(data: bytes, limits: Limits) -> np.ndarray:
    """Decode an uploaded photo.

    Args:
        data (bytes): The file.
        limits (Limits): What is larger is refused before it is decoded.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB, upright.

    Raises:
        UnreadableImageError: If it is too large, too small, too narrow, no image or
            a damaged one; the message says which and is meant for the visitor.
    """
    if len(data) > limits.bytes:
        raise UnreadableImageError(
            f'it has {len(data):,} bytes, more than {limits.megabytes:g} MB')
    image = read_upright(data, limits.pixels)
    height, width = image.shape[:2]
    if min(height, width) < _LEAST_SIDE:
        raise UnreadableImageError(
            f'it has {width} x {height} pixels, fewer than {_LEAST_SIDE} on a side')
    if max(height, width) > _MOST_RATIO * min(height, width):
        raise UnreadableImageError(
            f'it has {width} x {height} pixels; one side may be at most {_MOST_RATIO} '
            'times the other')
    return image
