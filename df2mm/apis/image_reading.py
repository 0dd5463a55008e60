"""Decode pictures of any kind into upright (H, W, 3) uint8 RGB arrays.

Pillow decodes: it tells a truncated file, which OpenCV completes with gray. A JPEG
that has its end goes to OpenCV, which takes a third of the time; both give the same
pixels, and so a photo is seen as in training and testing.
"""

import io
import warnings

import cv2
import numpy as np
from PIL import Image

#: Pillow's own limit, 89.5 megapixels; beyond twice that it refuses by itself.
MAX_PIXELS = Image.MAX_IMAGE_PIXELS or 89_478_485

# No others: some of Pillow's readers start a program (EPS) or read no picture.
_FORMATS = ('JPEG', 'PNG', 'WEBP', 'GIF', 'BMP', 'TIFF', 'PPM', 'AVIF')
_ORIENTATION = 0x0112
#: What turns the stored image upright, by the value of the Exif tag.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableImageError(ValueError):
    """An image that cannot be decoded, or is larger than allowed."""


def read_upright(source, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode an image as its viewer shows it: turned by its Exif orientation.

    Of an animation the first frame. What is transparent shows white. Of 16 bits a
    channel the upper 8 are taken. CMYK becomes RGB without colour management.

    Args:
        source (str | Path | bytes): A file, or the bytes of one.
        max_pixels (int): Larger images are refused before they are decoded.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB.

    Raises:
        UnreadableImageError: If it is no image, cut short, damaged, of a kind that
            has no agreed range (floating point), or too large.
    """
    try:
        if not isinstance(source, bytes):
            with open(source, 'rb') as file:
                source = file.read()
        if not source:
            raise UnreadableImageError('it is empty')
        with warnings.catch_warnings():
            # Pillow warns of what max_pixels decides, and of odd metadata.
            warnings.simplefilter('ignore')
            return _decode(source, max_pixels)
    except UnreadableImageError:
        raise
    # Pillow's readers raise many kinds of error on broken bytes.
    except Exception as error:
        raise UnreadableImageError(_reason(error)) from error


def _decode(data: bytes, max_pixels: int) -> np.ndarray:
    Image.init()  # Loads the readers, once.
    formats = [name for name in _FORMATS if name in Image.OPEN]
    with Image.open(io.BytesIO(data), formats=formats) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise UnreadableImageError(
                f'it has {width} x {height} = {width * height:,} pixels, more than '
                f'max_pixels={max_pixels:,}')
        turn = _TURNS.get(_orientation(image))
        pixels = _decode_whole_jpeg(data) if (
            image.format == 'JPEG' and image.mode in ('L', 'RGB')) else None
        if pixels is not None and turn is None:
            return pixels
        image = _to_rgb(image) if pixels is None else Image.fromarray(pixels)
        return np.array(image if turn is None else image.transpose(turn))


def _decode_whole_jpeg(data: bytes):
    """(H, W, 3) uint8 RGB as stored; None where the file does not end as one should."""
    if not data.endswith(b'\xff\xd9'):
        return None
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _orientation(image) -> int:
    try:
        return image.getexif().get(_ORIENTATION, 1)
    # Broken metadata must not hide a whole picture.
    except Exception:
        return 1


def _to_rgb(image) -> Image.Image:
    if image.mode.startswith('I;16'):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert('RGB')
    if image.mode == 'I':
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise UnreadableImageError(
                'pixels must be of 8 or 16 bits, got integers in '
                f'{values.min()}..{values.max()}')
        return Image.fromarray((values >> 8).astype(np.uint8)).convert('RGB')
    if image.mode == 'F':
        raise UnreadableImageError('pixels must be of 8 or 16 bits, got floating point')
    if image.mode in ('LA', 'La', 'PA', 'RGBA', 'RGBa') or (
            'transparency' in image.info):
        image = image.convert('RGBA')
        ground = Image.new('RGBA', image.size, 'white')
        return Image.alpha_composite(ground, image).convert('RGB')
    return image.convert('RGB')


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return 'it is no image of a known format'
    if isinstance(error, Image.DecompressionBombError):
        return f'it is too large: {error}'
    return f'{type(error).__name__}: {error}' if str(error) else type(error).__name__


def rgb_of_array(array: np.ndarray, channel_order: str) -> np.ndarray:
    """An array that a user gives as (H, W, 3) uint8 RGB.

    Args:
        array (np.ndarray): uint8; (H, W) or (H, W, 1) gray, (H, W, 3), or (H, W, 4)
            of which the last channel, alpha, lets white show.
        channel_order (str): ``bgr`` or ``rgb``.

    Raises:
        TypeError: If it is not uint8.
        ValueError: If it has another shape or no pixels.
    """
    if array.dtype != np.uint8:
        raise TypeError(f'an image array must be uint8, got {array.dtype}')
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ValueError('an image array must have shape (H, W), (H, W, 1), (H, W, 3) '
                         f'or (H, W, 4) and pixels, got {array.shape}')
    if array.shape[2] == 1:
        return array.repeat(3, axis=2)
    colors = array[..., :3] if channel_order == 'rgb' else array[..., 2::-1]
    if array.shape[2] == 4:
        alpha = array[..., 3:].astype(np.float32) / 255
        colors = np.rint(255 + alpha * (colors - np.float32(255))).astype(np.uint8)
    return np.ascontiguousarray(colors)
