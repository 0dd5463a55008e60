"""The model of a config beside a checkpoint: whether they fit, and in half the size."""

import torch
from mmdet.registry import MODELS
from mmengine.registry import DefaultScope

from df2mm.engine import check_state, load_state, read_config
from df2mm.zoo.places import zoo_root

#: Rounding a normal number to float16 costs 2**-11 of it at most.
_MOST_LOST = 2 ** -10


def build_untrained(config) -> torch.nn.Module:
    """The model of a config, its weights as they come.

    Args:
        config (str | Path): The config's path.
    """
    cfg = read_config(config)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmdet')):
        return MODELS.build(cfg.model)


def check_fit(card, path) -> None:
    """Compare all tensors of a published file with the model of its config.

    Args:
        card (Card): Says which config.
        path (str | Path): The file.

    Raises:
        ValueError: If the file is damaged or a tensor is missing, too many, or of
            another shape; names them.
    """
    model = build_untrained(zoo_root() / card.config)
    check_state(model.state_dict(), load_state(path), path)


def to_half(state: dict) -> tuple[dict, list]:
    """A state in float16, but for what float16 cannot hold.

    Integers, such as the batches that a batch norm has counted, stay as they are.
    A tensor stays in float32 if a value of it overflows, or if it would lose more
    than rounding costs: of a variance, which something is divided by, any value may;
    of other tensors, their norm.

    Args:
        state (dict[str, Tensor]): Of any shapes.

    Returns:
        tuple[dict[str, Tensor], list[str]]: The tensors, none sharing memory with
        another, and the names of those that stay in float32.

    Raises:
        ValueError: If a value is not finite: the training has failed.
    """
    half, kept = {}, []
    for name, value in state.items():
        if not value.is_floating_point():
            half[name] = value.detach().clone().contiguous()
            continue
        value = value.detach().float()
        if not torch.isfinite(value).all():
            raise ValueError(f'{name} holds values that are not finite, so the model '
                             'cannot predict. Publish an earlier checkpoint')
        if _lost(name, value) > _MOST_LOST:
            kept.append(name)
            half[name] = value.clone().contiguous()
        else:
            half[name] = value.half().contiguous()
    return half, kept


def _lost(name, value) -> float:
    """The part of a tensor that float16 loses."""
    error = (value.half().float() - value).abs()
    if value.numel() == 0 or not value.any():
        return 0.0
    if name.endswith('running_var'):
        return (error / value.abs())[value != 0].max().item()
    return (error.norm() / value.norm()).item()
