"""df2mm.datasets.image_header"""

import io
import re

import numpy as np
import pytest
from PIL import Image

from df2mm.datasets.defects import Report
from df2mm.datasets.image_header import read_image_size


def picture(size=(47, 31), mode='RGB'):
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image=None, kind='JPEG', **options):
    buffer = io.BytesIO()
    (image or picture()).save(buffer, kind, **options)
    return buffer.getvalue()


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x010F] = 'maker'
    exif[0x0112] = orientation
    return exif.tobytes()


def read(path, data=None):
    if data is not None:
        path.write_bytes(data)
    report = Report('train/annos/000001.json')
    return read_image_size(path, report), report.defects


@pytest.fixture
def path(tmp_path):
    (tmp_path / 'train/image').mkdir(parents=True)
    return tmp_path / 'train/image/000001.jpg'


@pytest.mark.parametrize('data', [
    encoded(),
    encoded(quality=1),
    encoded(progressive=True),
    encoded(picture(mode='L')),
    encoded(picture(mode='CMYK')),
    encoded(optimize=True, subsampling=0),
    encoded(restart_marker_blocks=1),
    encoded(comment=b'\xff\xd8 \xff\xd9 \xff\xc0'),
    # Longer than one block, and more than one segment of it.
    encoded(icc_profile=bytes(200_000)),
    encoded(exif=b'Exif\0\0' + b'\xff\xd9' * 30_000),
    encoded(exif=exif_of(1)),
    # Fill bytes before a marker, and what some cameras write after the end.
    encoded().replace(b'\xff\xc0', b'\xff\xff\xff\xff\xc0', 1),
    encoded() + bytes(5000),
])
def test_size_of_a_jpeg(path, data):
    path.write_bytes(data)
    with Image.open(path) as image:
        image.load()
        assert image.size == (47, 31)
    assert read(path) == ((47, 31), [])


def test_large_sizes(path):
    assert read(path, encoded(picture((3000, 2)))) == ((3000, 2), [])
    assert read(path, encoded(picture((1, 1)))) == ((1, 1), [])


@pytest.mark.parametrize('orientation', [2, 6, 8])
def test_orientation_is_reported_and_not_applied(path, orientation):
    size, (defect,) = read(path, encoded(exif=exif_of(orientation)))
    assert size == (47, 31)
    assert defect.rule == 'image-orientation'
    assert f'000001.jpg has EXIF orientation {orientation}' in defect.message


def test_orientation_of_either_byte_order(path):
    little = (b'Exif\0\0II*\0\x08\0\0\0\x01\0' + b'\x12\x01\x03\0\x01\0\0\0\x06\0\0\0'
              + bytes(4))
    size, (defect,) = read(path, encoded(exif=little))
    assert (size, defect.rule) == ((47, 31), 'image-orientation')
    # Cut-off or nonsense directories are not the annotation's business.
    for exif in (little[:16], b'Exif\0\0II*\0\xff\xff\xff\xff', b'Exif\0\0'):
        assert read(path, encoded(exif=exif)) == ((47, 31), [])


@pytest.mark.parametrize('data, rule, message', [
    (b'', 'truncated-image', 'within its 0 bytes'),
    (b'\xff\xd8', 'truncated-image', 'within its 2 bytes'),
    (b'\xff\xd8\xff', 'truncated-image', 'train/image/000001.jpg has no end'),
    (encoded()[:-2], 'truncated-image', 'no end of image'),
    (encoded()[:-1], 'truncated-image', 'no end of image'),
    (encoded()[:300], 'truncated-image', 'within its 300 bytes'),
    (encoded()[:-500] + bytes(500), 'truncated-image', 'no end of image'),
    (encoded(progressive=True)[:-400], 'truncated-image', 'no end of image'),
    # The end of a thumbnail is not the end of the image.
    (encoded(exif=b'Exif\0\0' + encoded())[:-9], 'truncated-image', 'no end of image'),
    (encoded()[:20] + b'\0' + encoded()[21:], 'broken-image',
     'a JPEG marker at byte 20, got 0x00'),
    (b'GIF89a', 'broken-image', 'no image'),
    (b'<html>not found</html>', 'broken-image', 'no image'),
    (bytes(1000), 'broken-image', 'no image'),
    (encoded(kind='PNG')[:20], 'broken-image', 'no image'),
])
def test_unusable_images(path, data, rule, message):
    size, (defect,) = read(path, data)
    assert size is None
    assert (defect.rule, defect.repair) == (rule, 'dropped image')
    assert re.search(message, defect.message)


def test_no_pixels(path):
    data = encoded()
    at = data.index(b'\xff\xc0') + 5
    size, (defect,) = read(path, data[:at] + bytes(4) + data[at + 4:])
    assert (size, defect.rule) == (None, 'broken-image')
    assert '0 x 0' in defect.message


@pytest.mark.parametrize('kind', ['PNG', 'BMP', 'WEBP', 'GIF'])
def test_other_formats(path, kind):
    size, (defect,) = read(path, encoded(kind=kind))
    assert size == (47, 31)
    assert (defect.rule, defect.repair) == ('not-jpeg', 'kept')
    assert defect.message == f'train/image/000001.jpg is {kind}'


def test_no_file(path, tmp_path):
    assert read(path)[1][0].rule == 'missing-image'
    assert read(tmp_path)[1][0].rule == 'unreadable-file'


def test_no_beginning_of_a_jpeg_is_taken_for_a_whole_one(path):
    data = encoded(progressive=True, exif=exif_of(3))
    for length in range(0, len(data) - 1, 7):
        size, defects = read(path, data[:length])
        assert size is None
        assert defects[-1].rule in ('truncated-image', 'broken-image')
