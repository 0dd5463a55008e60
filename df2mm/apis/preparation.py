"""From an image that a user gives to the network's input, as in testing."""

from dataclasses import dataclass

import cv2
import numpy as np
from mmcv.transforms import Compose
from mmengine.registry import DefaultScope

from df2mm.apis.image_inputs import ImageInput
from df2mm.apis.image_reading import (
    MAX_PIXELS,
    UnreadableImageError,
    read_upright,
    rgb_of_array,
)


@dataclass(eq=False)
class Prepared:
    """An image that is ready for the network.

    Attributes:
        entry (ImageInput): Where it comes from.
        image (np.ndarray): (H, W, 3) uint8 RGB, upright.
        packed (dict): ``inputs``, (3, h, w) BGR, and ``data_samples``.
    """

    entry: ImageInput
    image: np.ndarray
    packed: dict


class Preparation:
    """Reads an image and takes it through the config's test pipeline.

    Of the pipeline everything that loads is left out: the image is read here, by
    its Exif orientation, and there is no annotation. Threads may share one.

    Args:
        cfg (Config): With ``test_dataloader``.
        source (str, optional): ``user`` or ``shop``, as the match head reads it.
        channel_order (str): Of arrays, ``bgr`` or ``rgb``.
        max_pixels (int): An image of more is not read.

    Raises:
        ValueError: If the config has no test pipeline, or an argument is wrong.
    """

    def __init__(self, cfg, *, source: str | None = None, channel_order: str = 'bgr',
                 max_pixels: int = MAX_PIXELS) -> None:
        if source not in ('user', 'shop', None):
            raise ValueError(f"source must be 'user', 'shop' or None, got {source!r}")
        if channel_order not in ('bgr', 'rgb'):
            raise ValueError(
                f"channel_order must be 'bgr' or 'rgb', got {channel_order!r}")
        self.source, self.channel_order = source, channel_order
        self.max_pixels = max_pixels
        *steps, pack = (dict(step) for step in network_steps(cfg))
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmdet')):
            self._pipeline = Compose([*steps, _planes_first, pack])

    def __call__(self, entry: ImageInput) -> Prepared:
        """Prepare one image.

        Raises:
            UnreadableImageError: If it cannot be read, or resizing leaves nothing of
                it.
            TypeError, ValueError: If an array is no image.
        """
        if isinstance(entry.value, np.ndarray):
            image = rgb_of_array(entry.value, self.channel_order)
        else:
            image = read_upright(entry.value, self.max_pixels)
        height, width = image.shape[:2]
        try:
            # mmdet's preprocessor takes BGR.
            packed = self._pipeline(dict(
                img=cv2.cvtColor(image, cv2.COLOR_RGB2BGR), img_id=entry.index,
                img_path=entry.name, img_shape=(height, width),
                ori_shape=(height, width)))
        except cv2.error as error:
            raise UnreadableImageError(
                f'it has {width} x {height} pixels, of which resizing leaves none'
            ) from error
        packed['data_samples'].set_metainfo(dict(source=self.source))
        return Prepared(entry, image, packed)


def _planes_first(results: dict) -> dict:
    """Lay the image out by channels, which packing would have torch do.

    In a thread of its own torch starts a team of OpenMP threads, and a few teams that
    wait by spinning slow the network down ten times over.
    """
    planes = np.ascontiguousarray(results['img'].transpose(2, 0, 1))
    results['img'] = planes.transpose(1, 2, 0)
    return results


def network_steps(cfg) -> list:
    """The transforms of a config's test pipeline after those that load.

    Raises:
        ValueError: If there is none.
    """
    if 'test_dataloader' not in cfg:
        raise ValueError(f'{cfg.filename} must have a test_dataloader, whose pipeline '
                         'says how an image reaches the network')
    return [step for step in cfg.test_dataloader.dataset.pipeline
            if not step.type.rsplit('.', 1)[-1].startswith('Load')]
