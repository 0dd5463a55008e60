"""What DeepFashion2's challenge asks for: which images, and files fit to upload.

Landmarks and retrieval are its two tracks. Which images they are about stand in
``json_for_test`` and ``json_for_validation`` beside the splits.
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from df2mm.atomic import replacing
from df2mm.evaluation.results_reader import (
    read_detections,
    read_retrieval,
    validate_results,
)

TRACKS = ('keypoints', 'retrieval')
#: Split to the folder of its lists and how their names call it.
SPLITS = {'test': ('json_for_test', 'test'),
          'validation': ('json_for_validation', 'val')}


@dataclass(frozen=True)
class ChallengeImage:
    """An image that the challenge asks about.

    Attributes:
        img_id (int): As results files name it.
        file_name (str): Relative to the split's ``image`` folder.
        source (str): 'user', 'shop' or, where no list says, 'unknown'.
    """

    img_id: int
    file_name: str
    source: str


def read_challenge_images(data_root, split: str, tracks) -> list[ChallengeImage]:
    """The images of the tracks, by rising id.

    Where a validation split has no such lists, as a synthetic one, its
    ``annotations/validation.json`` serves.

    Args:
        data_root (str | Path): Of the dataset.
        split (str): ``test`` or ``validation``.
        tracks (Sequence[str]): Of ``TRACKS``.

    Raises:
        FileNotFoundError: If a list, the image folder or an image is missing.
        ValueError: If a list is malformed, or the lists contradict each other.
    """
    data_root = Path(data_root)
    folder, short = SPLITS[split]
    names = {'all': f'keypoints_{short}_information.json',
             'user': f'retrieval_{short}_consumer_information.json',
             'shop': f'retrieval_{short}_shop_information.json'}
    paths = {kind: data_root / folder / name for kind, name in names.items()
             if ('keypoints' if kind == 'all' else 'retrieval') in tracks}
    compact = data_root / 'annotations/validation.json'
    if split == 'validation' and compact.is_file() and not any(
            path.is_file() for path in paths.values()):
        images = [ChallengeImage(img_id, name, source) for img_id, (name, source)
                  in _listed(compact).items()]
    else:
        images = _of_lists({kind: _listed(path) for kind, path in paths.items()}, paths)
    _check_files(images, data_root / split / 'image')
    return sorted(images, key=lambda image: image.img_id)


def check_results(path, track: str, images) -> str:
    """Check a results file before it is uploaded.

    Args:
        path (str | Path): The file.
        track (str): One of ``TRACKS``.
        images (Sequence[ChallengeImage]): Of the track.

    Returns:
        str: What it holds, in words.

    Raises:
        ValueError: If an entry breaks a rule of the format, is of an image that was
            not asked for, or there is none.
    """
    found = validate_results(path, track)
    if found.num_wrong:
        raise ValueError(f'entry {found.first} of the {track} results: {found.message}')
    if not found.num_entries:
        raise ValueError(f'no garment was found for the {track} track: there is '
                         'nothing to upload. Is the checkpoint a trained one?')
    ids = {source: {image.img_id for image in images if image.source == source}
           for source in ('user', 'shop', 'unknown')}
    if track == 'keypoints':
        asked = set().union(*ids.values())
        columns = [('image_id', read_detections(path, track).image_ids, asked)]
    else:
        results = read_retrieval(path)
        columns = [('query_image_id', results.image_ids, ids['user']),
                   ('gallery_image_id', results.gallery_image_ids, ids['shop'])]
    for name, values, asked in columns:
        if unknown := set(np.unique(values).tolist()) - asked:
            raise ValueError(f'{name} of the {track} results must be of an image that '
                             f'was asked for, got {min(unknown)}')
    _, values, asked = columns[0]
    return (f'{found.num_entries:,} entries of {len(np.unique(values)):,} of '
            f'{len(asked):,} images')


def pack_results(path, target) -> None:
    """Put a results file into a zip that appears whole, and read that once more.

    Args:
        path (str | Path): The file; it stands at the top of the zip.
        target (str | Path): The zip.

    Raises:
        ValueError: If the zip does not hold what the file does.
    """
    path, target = Path(path), Path(target)
    with replacing(target) as file, zipfile.ZipFile(
            file, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    with zipfile.ZipFile(target) as archive:
        if archive.testzip() or archive.getinfo(path.name).file_size != (
                path.stat().st_size):
            raise ValueError(f'{target} is damaged. Is the disk full?')


def _of_lists(lists, paths):
    sources = {}
    for source in ('user', 'shop'):
        for img_id in lists.get(source, ()):
            if img_id in sources:
                raise ValueError(f'image {img_id} must be a consumer\'s or a shop\'s, '
                                 f'got it in {paths["user"]} and in {paths["shop"]}')
            sources[img_id] = source
    files = {img_id: name for listed in lists.values()
             for img_id, (name, _) in listed.items()}
    if 'all' in lists and (extra := sources.keys() - lists['all'].keys()):
        raise ValueError(
            f'{paths["all"]} lacks image {min(extra)}, which a list of the retrieval '
            'track has. Ask for one track at a time: --track keypoints')
    return [ChallengeImage(img_id, name, sources.get(img_id, 'unknown'))
            for img_id, name in files.items()]


def _listed(path) -> dict:
    """Image id to file name and source, of a file with COCO's ``images``."""
    if not path.is_file():
        raise FileNotFoundError(
            f'file not found: {path}. It comes with the images of the challenge; '
            '--data-root is the folder that holds json_for_test and test/image')
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f'{path} is no JSON: {error}') from error
    rows = content.get('images') if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows:
        raise ValueError(f'{path} must hold "images": [{{"id": 1, "file_name": '
                         f'"000001.jpg"}}, ...], as COCO\'s files do')
    found = {}
    for number, row in enumerate(rows):
        img_id, name = (row.get(key) if isinstance(row, dict) else None
                        for key in ('id', 'file_name'))
        if type(img_id) is not int or type(name) is not str or not name or (
                Path(name).is_absolute() or '..' in Path(name).parts):
            raise ValueError(f'images[{number}] of {path} must have an integer id and '
                             f'the file_name of an image, got {str(row)[:100]}')
        if img_id in found:
            raise ValueError(f'images[{number}] of {path}: id {img_id} stands there '
                             'twice')
        found[img_id] = name, row.get('source', 'unknown')
    return found


def _check_files(images, folder):
    if not folder.is_dir():
        raise FileNotFoundError(f'no such folder: {folder}. Unpack the images there, '
                                'or give --data-root, the folder above')
    missing = [image.file_name for image in images
               if not (folder / image.file_name).is_file()]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(images)} images are missing in {folder}, such as '
            f'{missing[0]}. Unpack all of them')
