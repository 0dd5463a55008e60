"""pycocotools' mask functions; xtcocotools' are the same."""

from pycocotools.mask import (
    area,
    decode,
    encode,
    frPyObjects,
    iou,
    merge,
    toBbox,
)

__all__ = [
    'area', 'decode', 'encode', 'frPyObjects', 'iou', 'merge', 'toBbox'
]
