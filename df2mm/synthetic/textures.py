"""Cloth and floors cut from CC0 photographs, repeated without seams.

``textures/`` holds small tiles that close on themselves in both directions,
synthesised from a patch inside a garment or beside it; ``SOURCE.csv`` names
the photograph, the patch and, for cloth, how many pixels a garment is wide.
"""

import csv
import functools
from pathlib import Path

import cv2
import numpy as np

from df2mm.synthetic.colors import Color, from_lab, to_lab
from df2mm.synthetic.noise import smooth_noise, stream
from df2mm.synthetic.weaves import MASTER, repeat_tile

__all__ = ['backdrop', 'draw_texture', 'fleck', 'sample_texture', 'texture_color']

_FOLDER = Path(__file__).with_name('textures')


@functools.lru_cache(maxsize=1)
def _index() -> dict[str, dict[str, dict]]:
    """Rows of SOURCE.csv by use ('cloth', 'backdrop') and tile name."""
    path = _FOLDER / 'SOURCE.csv'
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} not found: the package data is missing. Install df2mm again'
        )
    index = {'cloth': {}, 'backdrop': {}}
    with path.open(newline='') as file:
        for row in csv.DictReader(file):
            index[row['use']][row['tile']] = row
    return index


@functools.lru_cache(maxsize=128)
def _tile(name: str) -> np.ndarray:
    data = np.frombuffer((_FOLDER / name).read_bytes(), np.uint8)
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def sample_texture(rng: np.random.Generator) -> str:
    """Return the name of a cloth tile."""
    names = list(_index()['cloth'])
    return names[int(rng.integers(len(names)))]


@functools.lru_cache(maxsize=128)
def texture_color(name: str) -> Color:
    """Return the mean display RGB of a cloth tile.

    Raises:
        ValueError: If there is no such tile.
    """
    if name not in _index()['cloth']:
        raise ValueError(
            f'cloth tile must be one of {tuple(_index()["cloth"])}, got {name!r}'
        )
    mean = to_lab(_tile(name).astype(np.float32) / 255).mean((0, 1))
    return tuple(round(float(c), 5) for c in from_lab(mean))


@functools.lru_cache(maxsize=48)
def _dyed_tile(name: str, color: Color, scale: float) -> np.ndarray:
    """The tile at MASTER's scale, its mean moved to a colour in CIELAB."""
    own = texture_color(name)
    tile = _tile(name).astype(np.float32) / 255
    if color != own:
        lab, source, target = to_lab(tile), to_lab(own), to_lab(color)
        # Dark cloth has less contrast; hues turn together with the mean.
        contrast = np.clip((target[0] + 25) / (source[0] + 25), 0.6, 1.4)
        turn = np.arctan2(target[2], target[1]) - np.arctan2(source[2], source[1])
        chroma = np.hypot(target[1], target[2]) / max(
            8.0, np.hypot(source[1], source[2])
        )
        strength = np.clip(chroma, 0.25, 1.3)
        spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        lab = lab - source
        lab[..., 0] *= contrast
        lab[..., 1:] = (lab[..., 1:] @ spin * strength).astype(np.float32)
        tile = from_lab(lab + target)
    ratio = MASTER / float(_index()['cloth'][name]['garment_width']) * scale
    size = tuple(max(1, round(side * ratio)) for side in tile.shape[1::-1])
    tile = np.clip(tile * 255 + 0.5, 0, 255).astype(np.uint8)
    return cv2.resize(tile, size, interpolation=cv2.INTER_CUBIC)


def draw_texture(variant, colors, scale, seed, height, width):
    """Cloth of a tile called ``variant``, dyed so that its mean is colors[0]."""
    tile = _dyed_tile(variant, tuple(colors[0]), 0.8 + 0.2 * scale)
    return repeat_tile(tile, height, width).astype(np.float32) / 255


def fleck(seed: int, height: int, width: int) -> np.ndarray:
    """Return how much of the paler yarn shows in melange, (H, W) in 0..1."""
    yarn = smooth_noise(stream(seed, 13), height, width, 240, 90)
    blotch = smooth_noise(stream(seed, 14), height, width, 90, 40)
    return np.clip(0.3 + 0.34 * yarn + 0.12 * blotch, 0, 1)


def backdrop(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Return a floor, carpet or bed cover, (height, width, 3) float32 RGB."""
    names = list(_index()['backdrop'])
    tile = _tile(names[int(rng.integers(len(names)))])
    turn = int(rng.integers(4))
    tile = np.rot90(tile, turn)
    if rng.random() < 0.5:
        tile = tile[:, ::-1]
    ratio = max(height, width) / rng.uniform(420, 760)
    shift = (int(rng.integers(tile.shape[0])), int(rng.integers(tile.shape[1])))
    tile = np.roll(tile, shift, (0, 1))
    need = [max(1, round(side / ratio)) for side in (height, width)]
    counts = (-(-need[0] // tile.shape[0]), -(-need[1] // tile.shape[1]), 1)
    canvas = np.ascontiguousarray(np.tile(tile, counts)[: need[0], : need[1]])
    image = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_CUBIC)
    return image.astype(np.float32) / 255 * np.float32(rng.uniform(0.85, 1.1))
