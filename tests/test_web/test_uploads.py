"""Files that visitors upload, most of them unusable."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from df2mm.apis import UnreadableImageError
from df2mm.web import Limits, read_photo


def encoded(height, width, kind='PNG'):
    file = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(file, kind)
    return file.getvalue()


def bomb(side):
    """A PNG of a few bytes that says it has side x side pixels."""
    def chunk(name, data):
        return (struct.pack('>I', len(data)) + name + data
                + struct.pack('>I', zlib.crc32(name + data)))
    header = struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header)
            + chunk(b'IDAT', zlib.compress(bytes(100))) + chunk(b'IEND', b''))


def test_a_photo_is_upright_rgb():
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new('RGB', (40, 30), (200, 10, 10)).save(file, 'JPEG', exif=exif)
    image = read_photo(file.getvalue(), Limits())
    assert image.shape == (40, 30, 3) and image.dtype == np.uint8
    assert image[0, 0, 0] > 150 > image[0, 0, 2]


@pytest.mark.parametrize('data, reason', [
    (b'', 'it is empty'),
    (b'no image at all', 'no image of a known format'),
    (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 'no image of a known format'),
    (encoded(64, 64, 'JPEG')[:-200], '(?i)truncated'),
    (bomb(9_000), '81,000,000 pixels'),
    (bomb(60_000), 'too large|pixels'),
    (encoded(64, 8), '8 x 64 pixels, fewer than 16'),
    (encoded(16, 400), 'at most 20 times'),
    (bytes(2_097_153), 'it has 2,097,153 bytes, more than 2 MB'),
])
def test_what_cannot_be_used_says_why(data, reason):
    with pytest.raises(UnreadableImageError, match=reason):
        read_photo(data, Limits(megabytes=2))


@pytest.mark.parametrize('name', ['megabytes', 'megapixels'])
def test_limits_are_positive(name):
    with pytest.raises(ValueError, match=f'{name} must be positive, got 0'):
        Limits(**{name: 0})
