"""Where the zoo's files are: in the package, in a cache, at a mirror."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
#: Where an installed package has its configs, and where a checkout has them.
_ROOTS = (_PACKAGE / '.mim', _PACKAGE.parent)


def zoo_root() -> Path:
    """The folder of ``model-index.yml``, ``configs`` and ``model_zoo``.

    Raises:
        FileNotFoundError: If the installation lacks ``model-index.yml``.
    """
    for root in _ROOTS:
        index = root / 'model-index.yml'
        if index.is_file():
            # A link is followed: metafiles stand beside what it points to.
            return index.resolve().parent
    raise FileNotFoundError(
        f'model-index.yml not found in {" or ".join(map(str, _ROOTS))}. Install df2mm '
        'again, or give the path of a config')


def zoo_folder() -> Path:
    """The package's own ``model_zoo``: a folder a model, with its card."""
    return zoo_root() / 'model_zoo'


def cache_folder() -> Path:
    """Where downloads go: ``$DF2MM_HOME/model_zoo``, or below ``~/.cache/df2mm``.

    It has the layout of a mirror, ``<model>/<file>``, and can serve as one.
    """
    home = os.environ.get('DF2MM_HOME') or '~/.cache/df2mm'
    return Path(home).expanduser() / 'model_zoo'


def mirror() -> str | None:
    """``$DF2MM_ZOO``: an http(s) URL or a folder with ``<model>/<file>`` below it.

    Raises:
        ValueError: If it is a URL of another kind.
    """
    base = os.environ.get('DF2MM_ZOO') or None
    if base and '://' in base and not is_url(base):
        raise ValueError(f'DF2MM_ZOO must be an http(s) URL or a folder, got {base}')
    return base


def is_url(text) -> bool:
    """Whether this is an http(s) URL."""
    return str(text).startswith(('http://', 'https://'))
