"""Checkpoints that a kill cannot spoil, and that run no code."""

import os
import pickle
import zipfile
from pathlib import Path

import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.runner import CheckpointLoader
from safetensors import SafetensorError, safe_open

from df2mm.atomic import replacing

#: Of a list of tensors an error message names so many.
_NAMED = 8


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
        ValueError: If it is neither one that torch wrote nor a ``.safetensors``,
            or not all of it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint not found: {path}')
    if path.suffix == '.safetensors':
        try:
            # Compares the length that the header says; there are no checksums.
            with safe_open(path, 'pt'):
                return
        except SafetensorError as error:
            raise ValueError(
                f'{path} is no whole .safetensors file: {error}') from error
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


def load_state(path) -> dict:
    """The tensors of a checkpoint by name; nothing else of it is kept.

    Args:
        path (str | Path): A ``.safetensors``, or what torch or mmengine saved: the
            tensors themselves or, with more, under ``state_dict``.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is damaged, or safe loading refuses it.
    """
    verify_checkpoint(path)
    try:
        loaded = CheckpointLoader.load_checkpoint(
            str(path), map_location='cpu', logger='silent')
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise ValueError(f'{path} does not load: {" ".join(str(error).split())[:300]}'
                         ) from error
    state = loaded.get('state_dict', loaded) if isinstance(loaded, dict) else None
    if not state or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise ValueError(f'{path} must hold tensors by name, alone or under '
                         f'"state_dict", got {type(loaded).__name__}')
    return {name.removeprefix('module.'): value for name, value in state.items()}


def check_state(expected: dict, got: dict, where) -> None:
    """Compare the names and shapes of two sets of tensors.

    Args:
        expected, got (dict[str, Tensor]): The model's and the checkpoint's.
        where: The checkpoint, for the message.

    Raises:
        ValueError: If they differ; names the tensors.
    """
    missing = [f'{name} {tuple(expected[name].shape)}'
               for name in expected if name not in got]
    unknown = [f'{name} {tuple(got[name].shape)}' for name in got
               if name not in expected]
    other = [f'{name} expected {tuple(expected[name].shape)}, got '
             f'{tuple(got[name].shape)}' for name in expected
             if name in got and expected[name].shape != got[name].shape]
    parts = [f'{len(tensors)} {what}: {", ".join(tensors[:_NAMED])}'
             f'{", ..." if len(tensors) > _NAMED else ""}'
             for what, tensors in (('missing', missing), ('not in the model', unknown),
                                   ('of another shape', other)) if tensors]
    if parts:
        raise ValueError(
            f'{where} does not fit the config. Tensors {"; ".join(parts)}. Use the '
            'config that the checkpoint was trained with')
