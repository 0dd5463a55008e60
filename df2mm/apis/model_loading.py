"""From a config and a checkpoint to a model: all of its weights, and no code."""

from pathlib import Path

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.model.utils import revert_sync_batchnorm
from mmengine.registry import DefaultScope

from df2mm import zoo
from df2mm.engine import check_state, load_state, read_config


def load_config(model) -> Config:
    """The config of a model.

    Args:
        model (str | Path | Config): The path of a config file, a config, or a
            name of the zoo such as
            ``match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic``; also with
            mmengine's prefix, ``df2mm::match_rcnn/<name>.py``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no such name, or the file does not parse.
        TypeError: If ``model`` is nothing of these.
    """
    if isinstance(model, Config):
        return model.copy()
    if not isinstance(model, (str, Path)):
        raise TypeError('model must be the path of a config, a name of the zoo or a '
                        f'Config, got {type(model).__name__}')
    if Path(model).is_file():
        return read_config(model)
    text = str(model)
    if not text.startswith('df2mm::') and text.endswith('.py'):
        raise FileNotFoundError(f'config not found: {text}')
    return read_config(zoo.config_path(text))


def published_weights(cfg: Config) -> Path:
    """The published checkpoint of a config of the zoo, fetched where need be.

    Raises:
        ValueError: If the config is not the zoo's, or nothing is published for it.
        OSError: If the checkpoint is not here and cannot be fetched.
    """
    name = zoo.name_of_config(cfg.filename)
    if name is None:
        raise ValueError(
            f'{cfg.filename or "the config"} has no published weights: it is none of '
            'the zoo. Pass weights=PATH, a checkpoint (.pth or .safetensors) that was '
            'trained with it')
    return zoo.find(name)


def choose_device(name=None) -> torch.device:
    """The device of this name, or else a GPU where there is one.

    Raises:
        ValueError: If there is no such device.
    """
    if name is None:
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f'device must be one such as cpu or cuda:0, got {name!r}'
                         ) from error
    if device.type == 'cuda' and not torch.cuda.is_available():
        raise ValueError(f'device {name!r} needs a GPU that torch sees, and there is '
                         "none. Use device='cpu'")
    return device


def build_model(cfg: Config, weights, device: torch.device) -> torch.nn.Module:
    """The model of a config with the weights of a checkpoint, ready to predict.

    Args:
        cfg (Config): With ``model``.
        weights (str | Path): As :func:`df2mm.engine.load_state`.
        device (torch.device): Where it goes.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If it is damaged, asks for code, or its tensors are not those
            of the model.
    """
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmdet')):
        model = revert_sync_batchnorm(MODELS.build(cfg.model))
    check_state(model.state_dict(), state := load_state(weights), weights)
    model.load_state_dict(state)
    if device.type == 'cpu':
        model.to(memory_format=torch.channels_last)
    return model.to(device).eval()
