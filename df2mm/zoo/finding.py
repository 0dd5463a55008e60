"""From the name of a model to its checkpoint, which is the one that was published."""

from pathlib import Path
from urllib.parse import quote

from df2mm.zoo.cards import Card, card_of, how_to_train
from df2mm.zoo.fetching import FetchError, fetch, sha256_of
from df2mm.zoo.places import cache_folder, is_url, mirror


def find(model, show_progress: bool | None = None) -> Path:
    """The published checkpoint of a model, on this machine.

    Looked for in the package's own ``model_zoo``, then in the cache; what is in
    neither is downloaded from ``$DF2MM_ZOO`` into the cache.

    Args:
        model (str): A name or a published file, as :func:`card_of` takes them.
        show_progress (bool, optional): Of a download.

    Returns:
        Path: The file; its hash is right.

    Raises:
        ValueError: If there is no such model, nothing is published for it, or the
            file that is here is not the one that was published.
        FetchError: If it is not here and cannot be downloaded.
    """
    card = card_of(model)
    return here(card) or _from_mirror(card, _cached(card), mirror(), show_progress)


def download(model, to=None, base=None, show_progress: bool | None = None) -> Path:
    """The published checkpoint of a model, fetched anew where it is damaged.

    Args:
        model (str): As for :func:`find`.
        to (str | Path, optional): A folder for it. Defaults to the cache, and to
            where it is if it lives in the repository.
        base (str, optional): In place of ``$DF2MM_ZOO``; then the file is taken from
            there and not from this machine.
        show_progress (bool, optional): Defaults to whether stderr is a terminal.

    Raises:
        ValueError: If there is no such model, or nothing is published for it.
        FetchError: If it cannot be fetched.
    """
    card = card_of(model)
    target = _cached(card) if to is None else Path(to) / card.file
    if base is None and card.local.is_file():
        check_file(card.local, card)
        if to is None:
            return card.local
        return fetch(card.local, target, card.sha256, card.size,
                     show_progress=show_progress)
    if base is None and _is_published(_cached(card), card):
        return fetch(_cached(card), target, card.sha256, card.size,
                     show_progress=show_progress)
    return _from_mirror(card, target, base or mirror(), show_progress)


def here(card: Card) -> Path | None:
    """Where a checkpoint is on this machine, or None.

    Raises:
        ValueError: If it is not the one that was published.
    """
    for path in (card.local, _cached(card)):
        if path.is_file():
            check_file(path, card)
            return path
    return None


def check_file(path, card: Card) -> None:
    """Compare a file with what its card says.

    Raises:
        ValueError: If the hashes differ; says both.
    """
    got = sha256_of(path)
    if got != card.sha256:
        raise ValueError(
            f'{path} is not the file that was published: expected sha256 '
            f'{card.sha256}, got {got}. Remove it; `python tools/zoo.py download '
            f'{card.name}` fetches it from $DF2MM_ZOO')


def verify(model, folder=None) -> Path:
    """Check a published checkpoint: its hash, and that it fits its config.

    Builds the model and compares all of its tensors. Downloads nothing.

    Args:
        model (str): As for :func:`find`.
        folder (str | Path, optional): Of the cards. Defaults to the package's.

    Returns:
        Path: The file.

    Raises:
        ValueError: If it is not what was published, or does not fit.
        FileNotFoundError: If it is not on this machine.
    """
    from df2mm.zoo.models import check_fit
    card = card_of(model, folder)
    path = here(card)
    if path is None:
        raise FileNotFoundError(
            f'{card.file} is neither in {card.path.parent} nor in the cache, '
            f'{_cached(card).parent}. tools/zoo.py download {card.name} fetches it')
    check_fit(card, path)
    return path


def _cached(card: Card) -> Path:
    return cache_folder() / card.name / card.file


def _is_published(path: Path, card: Card) -> bool:
    return path.is_file() and sha256_of(path) == card.sha256


def _from_mirror(card, target, base, show_progress) -> Path:
    if base is None:
        raise FetchError(
            f'{card.file} is not on this machine (looked in {card.path.parent} and '
            f'{_cached(card).parent}), and no mirror is known. Set DF2MM_ZOO to the '
            f'URL or folder that has {card.name}/{card.file}, or '
            f'{how_to_train(card.config)}')
    if is_url(base):
        source = f'{base.rstrip("/")}/{quote(card.name)}/{quote(card.file)}'
    else:
        source = Path(base).expanduser() / card.name / card.file
    return fetch(source, target, card.sha256, card.size, show_progress=show_progress)
