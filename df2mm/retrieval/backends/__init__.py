"""Where a gallery keeps its vectors and how it searches them.

All back ends have the methods of ``FlatBackend``, with the same meaning.
"""

from pathlib import Path

from df2mm.retrieval.backends.approximate import HnswBackend, IvfBackend
from df2mm.retrieval.backends.flat import FlatBackend
from df2mm.retrieval.backends.milvus import MilvusBackend
from df2mm.retrieval.gallery_file import GalleryFile

BACKENDS = {backend.name: backend for backend in (
    FlatBackend, HnswBackend, IvfBackend, MilvusBackend)}


def backend_named(name):
    """The class of a back end.

    Raises:
        ValueError: If there is none of this name.
    """
    if name not in BACKENDS:
        raise ValueError(
            f'backend must be one of {", ".join(BACKENDS)}, got {name!r}')
    return BACKENDS[name]


def backend_at(path) -> str:
    """Name of the back end of what is saved at a path or URL.

    Milvus's are URLs, folders, and files that end in ``.db``.

    Raises:
        FileNotFoundError, ValueError: As ``GalleryFile``.
    """
    text = str(path)
    if '://' in text or text.endswith('.db') or Path(text).is_dir():
        if '://' not in text and not Path(text).exists():
            raise FileNotFoundError(f'gallery not found: {path}. Build one first')
        return MilvusBackend.name
    return GalleryFile(path).meta['backend']


__all__ = ['BACKENDS', 'FlatBackend', 'HnswBackend', 'IvfBackend', 'MilvusBackend',
           'backend_at', 'backend_named']
