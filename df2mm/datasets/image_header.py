"""The size of an image from its first bytes, and whether its last ones are there.

A JPEG is a chain of segments, each a marker and a length, up to the start of
the coded pixels; the frame segment among them holds the size. Walking the
chain reads a few kilobytes whatever the image's size, and skips EXIF data,
thumbnails and colour profiles by their length.

Source: ITU-T T.81, annex B; Exif 2.3, section 4.6.
"""

import os

#: Read at once: covers the headers of most files.
_BLOCK = 4096
_START_OF_SCAN = 0xDA
_APP1 = 0xE1
#: Markers of frames of every coding process, progressive ones included; DHT
#: (C4), JPG (C8) and DAC (CC) share their range but are no frames.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ORIENTATION_TAG = 0x0112


def read_image_size(path, report):
    """Width and height of an image file, without decoding it.

    The size is that of the stored pixels: an EXIF orientation is reported and
    not applied, because annotations were made on the stored pixels.

    Args:
        path (str | Path): The image.
        report (Report): Takes the defects; messages name the image.

    Returns:
        tuple[int, int] | None: None if the image cannot be used.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        report.add('missing-image', f'expected {_name(path)}')
        return None
    except OSError as error:
        report.add('unreadable-file', f'{_name(path)}: {error.strerror}')
        return None
    try:
        length = os.fstat(handle).st_size
        head = os.pread(handle, _BLOCK, 0)
        if head[:3] != b'\xff\xd8\xff' and length > 2:
            return _read_other_size(path, report)
        return _read_jpeg_size(handle, head, length, _name(path), report)
    except OSError as error:
        report.add('unreadable-file', f'{_name(path)}: {error.strerror}')
        return None
    finally:
        os.close(handle)


def _read_jpeg_size(handle, head, length, name, report):
    """Walk the segments; ``head`` holds the first ones."""
    base, offset, size = 0, 2, None
    while True:
        # A segment's head and the part of it that is looked at: 4 + 15 bytes.
        if offset + 20 > base + len(head):
            base, head = offset, os.pread(handle, _BLOCK, offset)
        at = offset - base
        if len(head) < at + 4:
            break
        if head[at] != 0xFF:
            report.add('broken-image', f'{name}: expected a JPEG marker at byte '
                       f'{offset}, got {head[at]:#04x}')
            return None
        marker = head[at + 1]
        if marker == 0xFF:
            # Any number of fill bytes may stand before a marker.
            offset += 1
            continue
        if marker in _FRAMES and len(head) >= at + 9:
            size = (int.from_bytes(head[at + 7:at + 9], 'big'),
                    int.from_bytes(head[at + 5:at + 7], 'big'))
        elif marker == _APP1 and head[at + 4:at + 8] == b'Exif':
            _report_orientation(handle, offset, name, report)
        elif marker == _START_OF_SCAN:
            break
        offset += 2 + int.from_bytes(head[at + 2:at + 4], 'big')
    if size is None or not _has_end(handle, offset, length):
        report.add('truncated-image', f'{name} has no end of image within its '
                   f'{length} bytes')
        return None
    if not all(size):
        report.add('broken-image', f'{name} is {size[0]} x {size[1]} pixels')
        return None
    return size


def _has_end(handle, start, length):
    """Whether the end marker follows; some cameras write bytes after it."""
    if length < start + 2:
        return False
    if os.pread(handle, 2, length - 2) == b'\xff\xd9':
        return True
    # Within coded pixels 0xFF is always followed by 0 or a restart marker.
    return b'\xff\xd9' in os.pread(handle, length - start, start)


def _report_orientation(handle, offset, name, report):
    """Look for an orientation other than upright in an Exif segment."""
    block = os.pread(handle, _BLOCK, offset + 10)
    order = {b'II': 'little', b'MM': 'big'}.get(block[:2])
    if order is None:
        return
    directory = int.from_bytes(block[4:8], order)
    count = int.from_bytes(block[directory:directory + 2], order)
    for k in range(min(count, _BLOCK // 12)):
        entry = block[directory + 2 + 12 * k:directory + 14 + 12 * k]
        if int.from_bytes(entry[:2], order) == _ORIENTATION_TAG:
            orientation = int.from_bytes(entry[8:10], order)
            if orientation in range(2, 9):
                report.add('image-orientation', f'{name} has EXIF orientation '
                           f'{orientation}; load it with orientation ignored')
            return


def _read_other_size(path, report):
    """The size of whatever else Pillow knows; its lazy opening decodes nothing."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            size, kind = image.size, image.format
    # Pillow's readers raise many kinds of error on broken bytes.
    except Exception as error:
        report.add('broken-image', f'{_name(path)}: {type(error).__name__}, no image')
        return None
    report.add('not-jpeg', f'{_name(path)} is {kind}')
    return size


def _name(path):
    """The last three parts of a path, such as ``train/image/000123.jpg``."""
    return '/'.join(os.fspath(path).split(os.sep)[-3:])
