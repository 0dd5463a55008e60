"""Checkpoints that come inside a pip package: ``package://NAME/PATH``.

A machine that reaches nothing but a package registry can still start from
ImageNet weights that way. mmengine resolves the scheme wherever it takes a
checkpoint, ``init_cfg`` and ``load_from`` among them.
"""

import hashlib
import re
from importlib import resources
from pathlib import Path

import torch
from mmengine.runner import CheckpointLoader

SCHEME = 'package://'


@CheckpointLoader.register_scheme(prefixes=SCHEME)
def load_from_package(filename: str, map_location=None) -> dict:
    """Load a checkpoint that an installed package carries.

    Args:
        filename (str): ``package://NAME/PATH``: the package's import name and
            the file's path inside it. Where the file's name ends in
            ``-HEX.pth``, as torch's hub names files, its sha256 must begin
            with HEX.
        map_location: As in ``torch.load``.

    Returns:
        dict: What the file holds, read with torch's safe loading.

    Raises:
        FileNotFoundError: If the package is not installed or has no such file.
        ValueError: If the file's hash does not agree with its name.
    """
    package, _, path = filename.removeprefix(SCHEME).partition('/')
    try:
        file = resources.files(package) / path
    except ModuleNotFoundError as error:
        raise FileNotFoundError(
            f'{filename} is in the package {package}, which is not installed. '
            f'Run pip install {package.replace("_", "-")}') from error
    if not path or not file.is_file():
        raise FileNotFoundError(f'the package {package} has no file {path!r}')
    with resources.as_file(file) as local:
        verify_name_hash(local)
        return torch.load(local, map_location=map_location, weights_only=True)


def verify_name_hash(path: Path) -> None:
    """Compare a file's sha256 with the start of it that its name ends in.

    A name without ``-HEX`` (at least 8 digits) before its suffix passes.

    Raises:
        ValueError: If they differ.
    """
    match = re.search(r'-([0-9a-f]{8,64})\.[a-z]+$', path.name)
    if match is None:
        return
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not digest.startswith(match[1]):
        raise ValueError(
            f'{path} is damaged: its sha256 must begin with {match[1]}, got '
            f'{digest[:len(match[1])]}. Install the package that carries it again')
