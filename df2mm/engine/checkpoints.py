"""Checkpoints that a kill cannot spoil."""

import os
import zipfile
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from df2mm.atomic import replacing


class AtomicBackend(LocalBackend):
    """The local file system, where a file that is written appears whole.

    mmengine's own backend writes in place: killed meanwhile, it leaves half a
    file under the checkpoint's name. A config asks for this one by
    ``checkpoint=dict(..., backend_args=dict(backend='df2mm.atomic'))``.
    """

    def put(self, obj: bytes, filepath) -> None:
        with replacing(filepath) as file:
            file.write(obj)
            file.flush()
            os.fsync(file.fileno())

    def put_text(self, obj: str, filepath, encoding: str = 'utf-8') -> None:
        self.put(obj.encode(encoding), filepath)


register_backend('df2mm.atomic', AtomicBackend)


def verify_checkpoint(path) -> None:
    """Check that a checkpoint is there and whole, without loading it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not one that torch wrote, or not all of it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint not found: {path}')
    with open(path, 'rb') as file:
        # A pickle: how torch saved before 1.6. It has no checksums to compare.
        if file.read(1) == b'\x80':
            return
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except zipfile.BadZipFile as error:
        raise ValueError(
            f'{path} is not a whole checkpoint ({error}). It was cut short, or '
            'torch.save did not write it') from error
    if broken is not None:
        raise ValueError(f'{path} is damaged: the checksum of {broken} is wrong')


def find_resumable(work_dir) -> Path | None:
    """The newest whole checkpoint of a run.

    mmengine's ``last_checkpoint`` file alone is not enough: a kill can leave it
    empty, or pointing to a file that is gone or cut short.

    Args:
        work_dir: The run's folder. Where ``last_checkpoint`` names another
            folder (``out_dir`` of CheckpointHook), that one is searched too.

    Returns:
        Path | None: None if there is nothing whole to resume from.
    """
    folders = {Path(work_dir)}
    last = Path(work_dir) / 'last_checkpoint'
    if last.is_file() and (named := last.read_text().strip()):
        folders.add(Path(named).parent)
    found = [path for folder in folders for pattern in ('epoch_*.pth', 'iter_*.pth')
             for path in folder.glob(pattern)]
    for path in sorted(found, key=lambda p: p.stat().st_mtime_ns, reverse=True):
        try:
            verify_checkpoint(path)
        except ValueError:
            continue
        return path
    return None
