"""A name for what makes a model's vectors: its weights and how images reach it."""

import hashlib
import json

import numpy as np
import torch

#: Counts of batches, which nothing reads once a model is trained.
_UNUSED = '.num_batches_tracked'


def model_id(state_dict, settings) -> str:
    """A fingerprint of a model: vectors compare only under the same one.

    The same wherever the model is, on a CPU or a GPU, from a ``.pth`` or a
    ``.safetensors``, with whatever channels-last strides. Numbers count as
    float32; integers and logicals too.

    Args:
        state_dict (dict[str, Tensor]): All of the model's, by name.
        settings (dict): What else the vectors depend on; serializable as JSON.

    Returns:
        str: 16 hexadecimal digits, the start of a SHA-256.
    """
    digest = hashlib.sha256()

    def put(data: bytes):
        # With its length, so that no two sequences of parts read alike.
        digest.update(len(data).to_bytes(8, 'little'))
        digest.update(data)

    put(json.dumps(settings, sort_keys=True, separators=(',', ':')).encode())
    for name in sorted(state_dict):
        if name.endswith(_UNUSED):
            continue
        tensor = state_dict[name]
        values = tensor.detach().to('cpu', torch.float32).contiguous().numpy()
        put(name.encode())
        put(json.dumps(list(tensor.shape)).encode())
        put(values.astype('<f4', copy=False).tobytes())
    return digest.hexdigest()[:16]


def vector_settings(cfg, steps) -> dict:
    """What of a config the vectors depend on beside the weights.

    Args:
        cfg (Config): With ``model``.
        steps (list[dict]): The transforms between reading and packing an image.

    Returns:
        dict: The match head's feed, those transforms, and what the preprocessor
        does to colours and borders; plain values for JSON.
    """
    names = ('mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr', 'pad_size_divisor', 'pad_value')
    preprocessor = cfg.model.get('data_preprocessor') or {}
    return _plain(dict(
        match_feed=cfg.model.get('roi_head', {}).get('match_feed'),
        steps=[dict(step) for step in steps],
        preprocessor={name: preprocessor.get(name) for name in names}))


def _plain(value):
    """Values as JSON has them: a tuple and a list are one thing, as are 1 and 1.0."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(entry) for entry in value]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, float, np.number)):
        return float(value)
    return getattr(value, '__name__', str(value))
