import numpy as np
import pytest

from df2mm.visualization.images import MOUNT, fit, letterbox, read_image, write_image
from df2mm.visualization.sheet import contact_sheet, side_by_side

RED, BLUE = (220, 30, 30), (30, 30, 220)


def plain(color, height=40, width=20):
    return np.full((height, width, 3), color, np.uint8)


def test_letterbox_centres_the_whole_image():
    # 20 x 40 into 60 x 40: kept size, 20 px of ground on either side.
    boxed = letterbox(plain(RED), 60, 40)
    assert boxed.shape == (40, 60, 3)
    assert (boxed[:, 20:40] == RED).all()
    assert (boxed[:, :20] == MOUNT).all() and (boxed[:, 40:] == MOUNT).all()


@pytest.mark.parametrize(('size', 'into', 'fitted'), [
    ((40, 20), (60, 40), (40, 20)), ((40, 20), (60, 80), (80, 40)),
    ((1000, 10), (50, 50), (50, 1)), ((3, 3000), (100, 100), (1, 100))])
def test_fit_keeps_proportions(size, into, fitted):
    assert fit(plain(RED, *size), *into).shape[:2] == fitted


def test_contact_sheet_places_cells_in_rows():
    images = [plain(RED), plain(BLUE), plain(RED)]
    sheet = contact_sheet(images, columns=2, cell=(20, 40), gap=5)
    # Two columns and two rows: 2 * 20 + 3 * 5 by 2 * 40 + 3 * 5.
    assert sheet.shape == (95, 55, 3)
    assert (sheet[5:45, 5:25] == RED).all() and (sheet[5:45, 30:50] == BLUE).all()
    assert (sheet[50:90, 5:25] == RED).all() and (sheet[50:90, 30:50] == 255).all()
    assert (sheet[:5] == 255).all() and (sheet[:, 25:30] == 255).all()


def test_contact_sheet_writes_captions_under_the_cells():
    sheet = contact_sheet([plain(RED), plain(BLUE)], ['a long caption ' * 9, ''],
                          columns=2, cell=(100, 40), gap=5)
    under = sheet[45:-5]
    assert (under[:, 5:105] < 128).any()
    # Cut at the cell's edge; and nothing under the second.
    assert (under[:, 105:] == 255).all()


def test_contact_sheet_has_a_title():
    sheet = contact_sheet([plain(RED, 100, 200)], cell=(200, 100), gap=4, title='train')
    assert (sheet[:-104, :, 0] < 128).any()
    assert (sheet[-104:-4, 4:204] == RED).all()


@pytest.mark.parametrize(('count', 'columns'), [(1, 1), (4, 2), (12, 4), (24, 6)])
def test_contact_sheet_leaves_few_cells_empty(count, columns):
    sheet = contact_sheet([plain(RED)] * count, cell=(33, 44), gap=0)
    assert sheet.shape == (44 * count // columns, 33 * columns, 3)


def test_contact_sheet_of_nothing_says_so():
    sheet = contact_sheet([], [])
    assert (sheet < 128).any() and sheet.shape[2] == 3


def test_contact_sheet_leaves_images_as_they_were():
    image = plain(RED)
    image.setflags(write=False)
    contact_sheet([image], ['caption'])
    side_by_side([image], ['title'])


@pytest.mark.parametrize(('arguments', 'message'), [
    (dict(captions=['a', 'b']), 'captions must be as many as the 1 images, got 2'),
    (dict(columns=0), 'columns must be positive .*columns=0'),
    (dict(cell=(0, 9)), r'cell .*must be positive .*cell=\(0, 9\)'),
    (dict(gap=-1), 'gap not negative, got .*gap=-1')])
def test_contact_sheet_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        contact_sheet([plain(RED)], **arguments)


def test_side_by_side():
    row = side_by_side([plain(RED, 40, 60), plain(BLUE, 40, 60)], ['truth', 'found'],
                       gap=8)
    assert row.shape[1] == 60 + 8 + 60
    assert (row[-40:, :60] == RED).all() and (row[-40:, 68:] == BLUE).all()
    assert (row[:-40, :60] < 128).any() and (row[:-40, 68:] < 128).any()


def test_side_by_side_bad_input():
    with pytest.raises(ValueError, match='titles must be as many as the 1 images, got'):
        side_by_side([plain(RED)], [])
    with pytest.raises(ValueError, match='at least one image'):
        side_by_side([], [])


def test_write_and_read_an_image(tmp_path):
    path = write_image(tmp_path / 'new' / 'a.png', plain(RED))
    assert (read_image(path) == RED).all()
    assert [p.name for p in path.parent.iterdir()] == ['a.png']
    # A JPEG changes colours a little.
    write_image(tmp_path / 'a.jpg', plain(RED))
    assert np.abs(read_image(tmp_path / 'a.jpg').astype(int) - RED).max() <= 8


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match='unknown file extension'):
        write_image(tmp_path / 'a.xyz', plain(RED))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(('content', 'error', 'message'), [
    (None, FileNotFoundError, 'image not found: .*a.jpg'),
    (b'', ValueError, 'image cannot be decoded: .*a.jpg'),
    (b'no picture', ValueError, 'image cannot be decoded: .*a.jpg')])
def test_read_image_bad_input(tmp_path, content, error, message):
    if content is not None:
        (tmp_path / 'a.jpg').write_bytes(content)
    with pytest.raises(error, match=message):
        read_image(tmp_path / 'a.jpg')
