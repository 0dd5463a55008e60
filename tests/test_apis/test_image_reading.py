import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from df2mm.apis import UnreadableImageError, read_upright
from df2mm.apis.image_reading import rgb_of_array

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
# Corners: red and green above, blue and white below; 24 wide and 16 high.
QUARTERS = np.zeros((16, 24, 3), np.uint8)
QUARTERS[:8, :12], QUARTERS[:8, 12:] = RED, GREEN
QUARTERS[8:, :12], QUARTERS[8:, 12:] = BLUE, WHITE


def encoded(image, kind, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def is_quarters(image, tolerance=0):
    assert image.shape == QUARTERS.shape and image.dtype == np.uint8
    return np.abs(image.astype(int) - QUARTERS)[2:-2, 2:-2].max() <= tolerance


# What a camera stores for each value of the Exif tag, so that turned by it the
# picture is QUARTERS. Values 5 to 8 are stored on their side.
STORED = {
    1: QUARTERS, 2: QUARTERS[:, ::-1], 3: QUARTERS[::-1, ::-1], 4: QUARTERS[::-1],
    5: QUARTERS.transpose(1, 0, 2), 6: np.rot90(QUARTERS),
    7: np.rot90(QUARTERS, 2).transpose(1, 0, 2), 8: np.rot90(QUARTERS, -1)}


@pytest.mark.parametrize('orientation', STORED)
@pytest.mark.parametrize('kind', ['PNG', 'WEBP', 'JPEG'])
def test_exif_orientation_is_honoured(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {'PNG': {}, 'WEBP': dict(lossless=True),
               'JPEG': dict(quality=100, subsampling=0)}[kind]
    data = encoded(np.ascontiguousarray(STORED[orientation]), kind, exif=exif,
                   **options)
    assert is_quarters(read_upright(data), 6)
    if kind == 'JPEG':  # As another reader has it.
        other = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert (read_upright(data) == other[..., ::-1]).all()


def test_jpeg_has_the_pixels_of_training_and_testing(synthetic_root):
    path = synthetic_root / 'train/image/000001.jpg'
    expected = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert (read_upright(path) == expected[..., ::-1]).all()


def test_a_jpeg_with_bytes_after_its_end_has_the_same_pixels():
    """Some cameras write them; Pillow decodes it then."""
    assert (read_upright(whole() + b'more') == read_upright(whole())).all()


def test_alpha_lets_white_show():
    alpha = np.dstack([QUARTERS, np.full((16, 24), 255, np.uint8)])
    alpha[8:, :, 3] = 0
    alpha[0, 0] = (0, 0, 0, 51)
    image = read_upright(encoded(alpha, 'PNG'))
    assert (image[:8, 12:] == GREEN).all() and (image[8:] == 255).all()
    assert (image[0, 0] == 204).all()  # 255 * (1 - 51 / 255)
    assert (rgb_of_array(alpha, 'rgb') == image).all()


def test_palette_with_a_transparent_colour():
    image = Image.new('P', (4, 2), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    data = encoded(image, 'PNG', transparency=0)
    assert (read_upright(data)[0, :2] == [WHITE, BLUE]).all()


def png_of_16_bits(values, color_type):
    """A PNG of (H, W, channels) uint16, which Pillow cannot write itself."""
    height, width = values.shape[:2]
    rows = b''.join(b'\0' + row.astype('>u2').tobytes() for row in values)

    def chunk(name, data):
        return struct.pack('>I', len(data)) + name + data + struct.pack(
            '>I', zlib.crc32(name + data))

    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack(
        '>IIBBBBB', width, height, 16, color_type, 0, 0, 0)) + chunk(
            b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def test_16_bits_keep_their_upper_8():
    ramp = np.arange(64, dtype=np.uint16).reshape(4, 16, 1) * 1040
    gray = read_upright(png_of_16_bits(ramp, 0))
    assert (gray == ramp >> 8).all() and gray.shape == (4, 16, 3)
    colors = np.concatenate([ramp, ramp[::-1], ramp], axis=2)
    assert (read_upright(png_of_16_bits(colors, 2)) == colors >> 8).all()
    tiff = encoded(Image.fromarray(ramp[..., 0]), 'TIFF')
    assert (read_upright(tiff) == gray).all()


@pytest.mark.parametrize('kind, image, options', [
    ('GIF', Image.fromarray(QUARTERS), dict(
        save_all=True, append_images=[Image.new('RGB', (24, 16))])),
    ('WEBP', Image.fromarray(QUARTERS), dict(
        save_all=True, lossless=True, append_images=[Image.new('RGB', (24, 16))])),
    ('JPEG', Image.fromarray(QUARTERS).convert('CMYK'), dict(quality=100)),
    ('BMP', QUARTERS, {}), ('TIFF', QUARTERS, {}), ('PPM', QUARTERS, {}),
])
def test_formats(kind, image, options):
    assert is_quarters(read_upright(encoded(image, kind, **options)), 6)


def test_gray_becomes_three_channels():
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = read_upright(encoded(gray, 'PNG'))
    assert image.shape == (16, 16, 3) and (image == gray[..., None]).all()
    one_bit = Image.fromarray(gray).convert('1')
    assert set(np.unique(read_upright(encoded(one_bit, 'PNG')))) == {0, 255}


def whole(kind='JPEG'):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    return encoded(noise, kind)


@pytest.mark.parametrize('data, reason', [
    (b'', 'it is empty'),
    (b'no image at all', 'no image of a known format'),
    (whole()[:-900], 'truncated'),
    (whole('PNG')[:-900], 'truncated|broken'),
    (whole()[:20], 'no image of a known format|truncated'),
    (encoded(Image.new('F', (4, 4)), 'TIFF'), 'got floating point'),
    # Pillow would ask another program to draw it.
    (b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n', 'of a known format'),
])
def test_what_cannot_be_read(data, reason):
    with pytest.raises(UnreadableImageError, match=reason):
        read_upright(data)


def test_too_many_pixels_are_not_decoded():
    # 40,000 x 40,000 pixels that are declared; there is no data.
    bomb = png_of_16_bits(np.zeros((1, 1, 1), np.uint16), 0)
    header = struct.pack('>II', 40_000, 40_000)
    start = bomb[:16] + header + bomb[24:29]
    bomb = start + struct.pack('>I', zlib.crc32(start[12:])) + bomb[33:]
    with pytest.raises(UnreadableImageError, match='too large'):
        read_upright(bomb)
    with pytest.raises(UnreadableImageError, match='64 x 64 = 4,096 pixels, more than '
                                                   'max_pixels=4,095'):
        read_upright(whole(), max_pixels=4095)
    assert read_upright(whole(), max_pixels=4096).shape == (64, 64, 3)


def test_a_file_and_a_folder(tmp_path):
    (tmp_path / 'a.png').write_bytes(encoded(QUARTERS, 'PNG'))
    assert is_quarters(read_upright(tmp_path / 'a.png'))
    with pytest.raises(UnreadableImageError, match='IsADirectoryError'):
        read_upright(tmp_path)


def test_arrays():
    bgr = QUARTERS[..., ::-1]
    assert (rgb_of_array(bgr, 'bgr') == QUARTERS).all()
    assert (rgb_of_array(QUARTERS, 'rgb') == QUARTERS).all()
    for gray in (QUARTERS[..., 0], QUARTERS[..., :1]):
        assert (rgb_of_array(gray, 'bgr') == QUARTERS[..., :1]).all()


@pytest.mark.parametrize('array, error, match', [
    (np.zeros((4, 4, 3)), TypeError, 'must be uint8, got float64'),
    (np.zeros((4, 4, 2), np.uint8), ValueError, r'got \(4, 4, 2\)'),
    (np.zeros((2, 4, 4, 3), np.uint8), ValueError, r'got \(2, 4, 4, 3\)'),
    (np.zeros((0, 4, 3), np.uint8), ValueError, 'and pixels'),
])
def test_bad_arrays(array, error, match):
    with pytest.raises(error, match=match):
        rgb_of_array(array, 'bgr')
