from pathlib import Path

import numpy as np
import pytest

from df2mm.apis import ImageInput, image_inputs


@pytest.fixture
def folder(tmp_path):
    for name in ('b.JPG', 'a.png', 'sub/c.webp', 'notes.txt', '.hidden.jpg',
                 '.cache/d.jpg', 'out/e.jpg'):
        path = tmp_path / 'in' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / 'in'


def test_a_folder_is_its_pictures(folder):
    found = image_inputs(folder, exclude=folder / 'out')
    assert [(entry.index, entry.target) for entry in found] == [
        (0, 'a.png'), (1, 'b.JPG'), (2, 'sub/c.webp')]
    assert found[2].name == found[2].value == str(folder / 'sub/c.webp')
    assert len(image_inputs(str(folder))) == 4


def test_a_mixture(folder):
    array = np.zeros((2, 2, 3), np.uint8)
    found = image_inputs([array, folder / 'sub', b'data', memoryview(b'data'),
                          str(folder / 'a.png'), ImageInput(9, 'mine', array, 'x')])
    assert [entry.name for entry in found] == [
        'array 0', str(folder / 'sub/c.webp'), 'bytes 2', 'bytes 3',
        str(folder / 'a.png'), 'mine']
    assert [entry.index for entry in found] == list(range(6))
    assert [entry.target for entry in found] == [
        '00000000', 'c.webp', '00000002', '00000003', 'a.png', 'x']
    assert found[3].value == b'data'


@pytest.mark.parametrize('one', [b'data', bytearray(b'data'), np.zeros((2, 2))])
def test_one_thing_is_a_list_of_one(one):
    assert len(image_inputs(one)) == 1


def test_an_iterator_is_taken_as_it_goes(folder):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield folder / 'a.png'

    stream = image_inputs(endless())
    assert not taken
    assert [next(stream).index, next(stream).index] == [0, 1] and len(taken) == 2


def test_nothing():
    assert image_inputs([]) == []


@pytest.mark.parametrize('inputs, error, match', [
    ('no/such.jpg', FileNotFoundError, "'no/such.jpg', neither file nor folder"),
    ([b'1', Path('no/such')], FileNotFoundError, 'no/such'),
    (7, TypeError, 'got int'),
    ([b'1', None], TypeError, 'got NoneType'),
    ({'a': 1}, TypeError, 'got dict'),
])
def test_bad_inputs(inputs, error, match):
    with pytest.raises(error, match=match):
        image_inputs(inputs)


def test_a_folder_without_pictures(tmp_path):
    (tmp_path / 'notes.txt').touch()
    with pytest.raises(ValueError, match=r'no pictures in the folder .*\.jpg'):
        image_inputs(tmp_path)
