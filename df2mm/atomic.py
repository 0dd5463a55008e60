"""Files that appear under their name only once they are complete."""

import os
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path):
    """Open a temporary file beside ``path`` that takes its place at the end.

    After an error inside the ``with`` block, whatever stood at ``path`` still
    stands there and the temporary file is gone.

    Args:
        path (str | Path): Its folder is made where missing.

    Yields:
        BinaryIO: For writing bytes.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with temporary.open('wb') as file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
