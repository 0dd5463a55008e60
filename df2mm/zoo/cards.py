"""Cards: ``model_zoo/<model>/metafile.yml`` says what is published, and its hash."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from df2mm.atomic import replacing
from df2mm.zoo.names import config_path
from df2mm.zoo.places import zoo_folder, zoo_root

_SCHEME = 'df2mm://'
_SUFFIX = '.safetensors'
#: Of the sha256, so many digits are in the file's name, as in all of OpenMMLab.
_DIGITS = 8


@dataclass(frozen=True)
class Card:
    """A published model.

    Attributes:
        path (Path): The metafile.
        entry (dict): What it says under ``Models``, in OpenMMLab's form.
    """

    path: Path
    entry: dict

    @property
    def name(self) -> str:
        return self.entry['Name']

    @property
    def config(self) -> str:
        """The config's path from the root of the repository."""
        return self.entry['Config']

    @property
    def file(self) -> str:
        """The checkpoint's file name, ``<model>-<8 digits>.safetensors``."""
        return self.entry['Checkpoint']['File']

    @property
    def sha256(self) -> str:
        return self.entry['Checkpoint']['SHA256']

    @property
    def size(self) -> int:
        """Bytes of the checkpoint."""
        return self.entry['Checkpoint']['Bytes']

    @property
    def local(self) -> Path:
        """Where the checkpoint is if it lives in the repository."""
        return self.path.with_name(self.file)


def file_name(name: str, sha256: str) -> str:
    """What the checkpoint of a model with this hash is called."""
    return f'{name}-{sha256[:_DIGITS]}{_SUFFIX}'


def weights_of(file: str) -> str:
    """What mmengine's loaders take for a published file, wherever it is."""
    return f'{_SCHEME}{file}'


def read_card(path) -> Card:
    """Read and check a card.

    Args:
        path (str | Path): Of the metafile.

    Raises:
        FileNotFoundError: If it, or the config that it names, is missing.
        ValueError: If it is no card.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'card not found: {path}')
    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(
            f'{path} is no YAML: {" ".join(str(error).split())}') from error
    models = content.get('Models') if isinstance(content, dict) else None
    if not isinstance(models, list) or len(models) != 1 or not isinstance(
            models[0], dict):
        raise ValueError(f'{path} must hold one model under Models')
    entry = models[0]
    if entry.get('Name') != path.parent.name:
        raise ValueError(f'{path}: Name must be that of the folder, '
                         f'{path.parent.name}, got {entry.get("Name")}')
    if not entry.get('Config'):
        raise ValueError(f'{path} names no config. Add Config: configs/...')
    config = zoo_root() / entry['Config']
    if not config.is_file():
        raise FileNotFoundError(f'{path} names a config that is not there: {config}')
    _check_checkpoint(path, entry)
    return Card(path, entry)


def _check_checkpoint(path, entry):
    checkpoint = entry.get('Checkpoint')
    if not isinstance(checkpoint, dict):
        raise ValueError(f'{path} names no checkpoint. tools/zoo.py publish writes it')
    sha256, size = checkpoint.get('SHA256'), checkpoint.get('Bytes')
    if not isinstance(sha256, str) or not re.fullmatch('[0-9a-f]{64}', sha256):
        raise ValueError(
            f'{path}: SHA256 must be 64 hexadecimal digits, got {sha256!r}')
    if not isinstance(size, int) or size < 1:
        raise ValueError(f'{path}: Bytes must be the size of the file, got {size!r}')
    expected = file_name(entry['Name'], sha256)
    if checkpoint.get('File') != expected:
        raise ValueError(
            f'{path}: File must be {expected}, got {checkpoint.get("File")}')


def read_cards(folder=None) -> list:
    """All cards below a folder, by name.

    Args:
        folder (str | Path, optional): Defaults to the package's ``model_zoo``.

    Returns:
        list[Card]: Empty where nothing is published.

    Raises:
        As :func:`read_card`.
    """
    folder = Path(folder or zoo_folder())
    return [read_card(path) for path in sorted(folder.glob('*/metafile.yml'))]


def card_of(model, folder=None) -> Card:
    """The card of a model.

    Args:
        model (str): Its name, or the name of its published file; either may follow
            ``df2mm://``.
        folder (str | Path, optional): Defaults to the package's ``model_zoo``.

    Raises:
        ValueError: If there is no such model, nothing is published for it, or the
            card is of another file.
    """
    text = str(model).removeprefix(_SCHEME)
    name = text
    if text.endswith(_SUFFIX):
        name = re.sub(rf'-[0-9a-f]{{{_DIGITS}}}$', '', Path(text).stem)
    config = config_path(name)
    path = Path(folder or zoo_folder()) / config.stem / 'metafile.yml'
    if not path.is_file():
        raise ValueError(f'{config.stem} has no published weights: '
                         f'{how_to_train(config.relative_to(zoo_root()))}')
    card = read_card(path)
    if text.endswith(_SUFFIX) and Path(text).name != card.file:
        raise ValueError(f'{Path(text).name} is not published: of {card.name} there is '
                         f'{card.file}')
    return card


def how_to_train(config) -> str:
    """The command for a model without a published file, as a fix in a message."""
    return f'train it with `python tools/train.py {config}`'


def write_card(card: Card) -> None:
    """Write a card at its path, all of it or nothing."""
    text = yaml.safe_dump(dict(Models=[card.entry]), sort_keys=False, width=88,
                          allow_unicode=True)
    with replacing(card.path) as file:
        file.write(text.encode())
