"""Smooth random fields: the raw material of cloth, walls and light.

All sizes are in pixels and all frequencies in cells per image *width*, so that
the same field at another size is the same field.
"""

import cv2
import numpy as np

__all__ = ['fractal_noise', 'grid', 'smooth_noise', 'stream']


def stream(seed: int, layer: int) -> np.random.Generator:
    """Return the generator of one layer of a seed.

    Layers draw from streams of their own: how many numbers one consumes
    depends on the image size, and must not shift the next one.
    """
    return np.random.default_rng((seed, layer))


def smooth_noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    cells_x: float,
    cells_y: float | None = None,
) -> np.ndarray:
    """Return a (height, width) float32 field of about zero mean, unit deviation.

    Args:
        rng (Generator): Where the lattice values come from.
        height (int): Rows.
        width (int): Columns.
        cells_x (float): Lattice cells across the width. Cells finer than a
            pixel are averaged away, as a lens would.
        cells_y (float, optional): Lattice cells per width down the column.
    """
    cells_y = cells_x if cells_y is None else cells_y
    across, down = min(cells_x, width), min(cells_y, width)
    columns = int(np.ceil(across)) + 1
    rows = int(np.ceil(down * height / width)) + 1
    lattice = rng.standard_normal((rows, columns), dtype=np.float32)
    size = (
        max(width, round(columns * width / across)),
        max(height, round(rows * width / down)),
    )
    if size != (columns, rows):
        lattice = cv2.resize(lattice, size, interpolation=cv2.INTER_CUBIC)
    fade = np.sqrt(across / cells_x * down / cells_y)
    return lattice[:height, :width] * np.float32(1.3 * fade)


def fractal_noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    cells: float,
    octaves: int = 3,
    gain: float = 0.5,
) -> np.ndarray:
    """Return octaves of smooth noise summed to about unit deviation."""
    field = np.zeros((height, width), np.float32)
    power = 0.0
    for octave in range(octaves):
        weight = gain**octave
        field += np.float32(weight) * smooth_noise(
            rng, height, width, cells * 2**octave
        )
        power += weight**2
    return field / np.float32(np.sqrt(power))


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pixel centres in units of the width: x (1, width), y (height, 1)."""
    x = (np.arange(width, dtype=np.float32) + 0.5) / np.float32(width)
    y = (np.arange(height, dtype=np.float32) + 0.5) / np.float32(width)
    return x[None, :], y[:, None]
