"""Read, write and fit pictures: (H, W, 3) uint8 RGB arrays."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from df2mm.atomic import replacing

#: The ground that a picture is centred on.
MOUNT = (240, 241, 244)


def letterbox(image, width: int, height: int, background=MOUNT) -> np.ndarray:
    """The whole image, scaled to fit and centred on a ground of this size.

    Args:
        image (np.ndarray): (H, W, 3) uint8 RGB.
        width, height (int): Pixels.
        background (tuple[int]): RGB.

    Returns:
        np.ndarray: (height, width, 3) uint8 RGB.
    """
    canvas = np.full((height, width, 3), background, np.uint8)
    fitted = fit(image, width, height)
    top, left = (height - fitted.shape[0]) // 2, (width - fitted.shape[1]) // 2
    canvas[top:top + fitted.shape[0], left:left + fitted.shape[1]] = fitted
    return canvas


def fit(image, width: int, height: int) -> np.ndarray:
    """The image, its proportions kept, as large as fits into this size."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=how)


def cut_out(image, bbox, margin: float = 0.08) -> np.ndarray | None:
    """The part of an image in a box and a little around it.

    Args:
        image (np.ndarray): (H, W, 3).
        bbox (Sequence[float]): x1, y1, x2, y2 pixels.
        margin (float): On each side, as a part of the box's width and height.

    Returns:
        np.ndarray | None: (h, w, 3), a view; None if it has no pixels.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = np.asarray(bbox, float)
    dx, dy = margin * (x2 - x1), margin * (y2 - y1)
    left, right = np.clip([np.floor(x1 - dx), np.ceil(x2 + dx)], 0, width).astype(int)
    top, bottom = np.clip([np.floor(y1 - dy), np.ceil(y2 + dy)], 0, height).astype(int)
    part = image[top:bottom, left:right]
    return part if part.size else None


def read_image(path) -> np.ndarray:
    """(H, W, 3) uint8 RGB of a picture file.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it cannot be decoded.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'image not found: {path}')
    data = np.frombuffer(path.read_bytes(), np.uint8)
    # Annotations are in the stored pixels; an Exif turn would move them.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(data, flags) if len(data) else None
    if image is None:
        raise ValueError(f'image cannot be decoded: {path}')
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def write_image(path, image, quality: int = 90) -> Path:
    """Write an RGB picture; the suffix of the path says the format.

    Args:
        path (str | Path): Its folder is made if missing.
        image (np.ndarray): (H, W, 3) uint8 RGB.
        quality (int): Of a JPEG, 1 to 100.

    Returns:
        Path: As given.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in Image.registered_extensions():
        raise ValueError(f'unknown file extension: {path.suffix}')
    with replacing(path) as file:
        Image.fromarray(image).save(
            file, Image.registered_extensions()[suffix], quality=quality)
    return path
