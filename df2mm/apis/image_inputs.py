"""What an inferencer may be given, as one stream of images still to be read."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

#: What counts as a picture in a folder.
SUFFIXES = frozenset(('.avif', '.bmp', '.gif', '.jfif', '.jpeg', '.jpg', '.pgm', '.png',
                      '.ppm', '.tif', '.tiff', '.webp'))


@dataclass(frozen=True, eq=False)
class ImageInput:
    """One image of the stream.

    Attributes:
        index (int): Its place in the stream, from 0.
        name (str): The path, or ``array 3``, ``bytes 3`` of the input at index 3.
        value (str | bytes | np.ndarray): The path, the encoded image, the pixels.
        target (str): A relative path for what is made of it: in a folder the path
            under that, else the file's name, or the index in eight digits.
    """

    index: int
    name: str
    value: object
    target: str


_SINGLE = (str, PurePath, bytes, bytearray, memoryview, np.ndarray, ImageInput)


def image_inputs(inputs, exclude=None) -> Iterable:
    """The images of whatever a user gives.

    Args:
        inputs (str | Path | bytes | np.ndarray | Iterable): A file, a folder, an
            encoded image, an array, or several of them in any mixture. A folder
            stands for the pictures in it and in its subfolders, in the order of
            their names; hidden ones are left out. An ImageInput stands for itself,
            with the index of its place here.
        exclude (str | Path, optional): A folder to leave out where it lies in
            another one: that of the output.

    Returns:
        Iterable[ImageInput]: A list, all of it checked, where ``inputs`` is one
        thing, a list or a tuple; else an iterator which takes from ``inputs``
        as it goes and raises then.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If a folder has no pictures.
        TypeError: If an input is nothing of these.
    """
    if isinstance(inputs, _SINGLE):
        inputs = [inputs]
    if isinstance(inputs, (dict, set)) or not isinstance(inputs, Iterable):
        raise _not_an_image(inputs)
    stream = _expand(inputs, exclude)
    return list(stream) if isinstance(inputs, (list, tuple)) else stream


def _expand(inputs, exclude) -> Iterator[ImageInput]:
    index = 0
    for given in inputs:
        if isinstance(given, ImageInput):
            entries = [(given.name, given.value, given.target)]
        elif isinstance(given, (str, PurePath)):
            entries = _of_path(str(given), exclude)
        elif isinstance(given, np.ndarray):
            entries = [(f'array {index}', given, f'{index:08d}')]
        elif isinstance(given, (bytes, bytearray, memoryview)):
            entries = [(f'bytes {index}', bytes(given), f'{index:08d}')]
        else:
            raise _not_an_image(given)
        for entry in entries:
            yield ImageInput(index, *entry)
            index += 1


def _of_path(path: str, exclude) -> Iterator[tuple]:
    if os.path.isfile(path):
        return iter([(path, path, os.path.basename(path))])
    if not os.path.isdir(path):
        raise FileNotFoundError(f'image not found: {path!r}, neither file nor folder')
    return _of_folder(path, exclude)


def _of_folder(folder: str, exclude) -> Iterator[tuple]:
    found = False
    left_out = None if exclude is None else os.path.realpath(exclude)
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith('.')
            and os.path.realpath(os.path.join(parent, name)) != left_out)
        for name in sorted(files):
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith('.'):
                found = True
                path = os.path.join(parent, name)
                yield path, path, os.path.relpath(path, folder)
    if not found:
        raise ValueError(f'no pictures in the folder {folder}: looked there and in its '
                         f'subfolders for {", ".join(sorted(SUFFIXES))}')


def _not_an_image(given) -> TypeError:
    return TypeError(
        'an input must be a path, a folder, the bytes of an encoded image, a numpy '
        f'array, or a list or iterable of these, got {type(given).__name__}')
