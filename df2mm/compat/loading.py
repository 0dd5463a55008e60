"""Save, load and resume mmengine checkpoints under torch's safe loading.

Since torch 2.6, ``torch.load`` builds only objects of known classes. A
training checkpoint of mmengine holds more than tensors: logs (HistoryBuffer)
and numpy values. This module makes exactly those known, and never anything
that could look up or call another function.
"""

import functools
import importlib
import pickle
import re

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as mmengine_checkpoint
from safetensors import SafetensorError
from safetensors.torch import load_file

# numpy 2 moved its core; a checkpoint names the module of the numpy that
# wrote it.
_NUMPY_CORES = ('numpy.core.multiarray', 'numpy._core.multiarray')


def allow_safe_loading():
    """Teach torch and mmengine what a training checkpoint may hold.

    - HistoryBuffer pickles as its arrays: by default it carries bound methods,
      for which a reader would have to allow ``getattr``.
    - numpy arrays, scalars and number types may be loaded.
    - Files that come from a URL are loaded as safely as local ones.
    - ``.safetensors`` files, and the published checkpoints of the zoo under
      ``df2mm://<model>``, load wherever mmengine takes a checkpoint.
    - A refused file raises ValueError saying what it asked for.
    """
    HistoryBuffer.__reduce__ = _reduce_history
    torch.serialization.add_safe_globals([HistoryBuffer, *_numpy_globals()])
    loader = CheckpointLoader.load_checkpoint.__func__
    if hasattr(loader, '__wrapped__'):
        return
    CheckpointLoader.load_checkpoint = classmethod(_explaining(loader))
    mmengine_checkpoint.load_url = functools.partial(
        mmengine_checkpoint.load_url, weights_only=True)
    CheckpointLoader.register_scheme(
        r'^(?!\w+://).*\.safetensors$', load_from_safetensors, force=True)
    CheckpointLoader.register_scheme('df2mm://', load_from_zoo, force=True)


def load_from_safetensors(filename, map_location=None):
    """The tensors of a ``.safetensors``, as mmengine's loaders return them.

    Args:
        filename (str): The file.
        map_location: Ignored: a model copies the tensors to where it is.

    Returns:
        dict: ``state_dict``.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is damaged.
    """
    try:
        return dict(state_dict=load_file(filename))
    except SafetensorError as error:
        raise ValueError(
            f'{filename} is no whole .safetensors file: {error}') from error


def load_from_zoo(filename, map_location=None):
    """As :func:`load_from_safetensors`, of ``df2mm://<model or its file>``."""
    from df2mm import zoo

    return load_from_safetensors(zoo.find(filename))


def _reduce_history(history):
    return HistoryBuffer, (*history.data, history.max_length)


def _numpy_globals():
    core = importlib.import_module(
        _NUMPY_CORES[int(np.lib.NumpyVersion(np.__version__) >= '2.0.0')])
    pairs = [(getattr(core, name), f'{module}.{name}')
             for module in _NUMPY_CORES for name in ('_reconstruct', 'scalar')]
    # No object and no void types: they hold what is not a number.
    kinds = {type(np.dtype(code)) for code in '?bBhHiIlLqQefdgFDUS'}
    # An array without elements pickles its data as a call of bytes.
    return [bytes, np.ndarray, np.dtype, *pairs, *kinds]


def _explaining(load):

    @functools.wraps(load)
    def load_checkpoint(cls, filename, map_location=None, logger='current'):
        try:
            return load(cls, filename, map_location, logger)
        except pickle.UnpicklingError as error:
            raise ValueError(_reason(filename, str(error))) from error

    return load_checkpoint


def _reason(filename, message):
    asked = re.search(r'GLOBAL ([\w.]+)', message)
    if asked is None:
        return (f'{filename} is not a checkpoint that can be loaded safely: '
                f'{message.splitlines()[0]}')
    if asked[1] in ('getattr', 'builtins.getattr', '__builtin__.getattr'):
        return (f'{filename} asks for getattr, as training checkpoints do '
                'that mmengine wrote without df2mm.compat; allowing it would '
                'let any file run code. Resume from a checkpoint written with '
                'df2mm imported, or get the weights alone ("state_dict") from '
                'whoever made the file')
    return (f'{filename} asks for {asked[1]}, which is neither a tensor, a '
            'number nor a log; loading it could run code, so it is refused. '
            'Get the weights alone ("state_dict") from whoever made the file')
