"""Materials of rooms and streets, seen straight on: (h, w, 3) float32 RGB."""

import cv2
import numpy as np

from df2mm.synthetic.colors import garment_color, parse
from df2mm.synthetic.folds import fold_field
from df2mm.synthetic.noise import fractal_noise, grid, smooth_noise

__all__ = [
    'brick',
    'carpet',
    'foliage',
    'marble',
    'picture',
    'plaster',
    'rug',
    'sheet',
    'speckle',
    'tiles',
    'wall_color',
    'wood',
]

_WALLS = (
    ('efece6', 6), ('e3ddd1', 4), ('d9d9d8', 4), ('c9c5bd', 3), ('b8b6b3', 2),
    ('d7c7ae', 2), ('c4d0d4', 1.5), ('b9c4b0', 1), ('e2c9c4', 1), ('8e9499', 1.5),
    ('5d636b', 1), ('47525f', 0.7), ('a4705c', 0.5), ('d9b97c', 0.8), ('6f7d6a', 0.5),
)  # fmt: skip
_WOODS = (
    'c9a06c',
    'b98a55',
    'a5744a',
    '7f5636',
    '5b3d29',
    'd8bd94',
    'b3a695',
    '8d7f72',
)


def _tint(rng, color, spread=0.03):
    color = np.asarray(color, np.float32)
    return np.clip(
        color * (1 + rng.normal(0, spread)) + rng.normal(0, spread / 3, 3), 0, 1
    )


def wall_color(rng) -> np.ndarray:
    """Draw a colour that walls are painted in."""
    share = np.array([weight for _, weight in _WALLS])
    return _tint(
        rng, parse(_WALLS[int(rng.choice(len(_WALLS), p=share / share.sum()))][0])
    )


def _fill(color, height, width):
    image = np.empty((height, width, 3), np.float32)
    image[:] = color
    return image


def plaster(rng, height, width, color=None, rough=0.012):
    """A painted wall: nearly even, stained and lit a little unevenly."""
    color = wall_color(rng) if color is None else color
    field = 0.025 * smooth_noise(rng, height, width, 2.5)
    field += rough * smooth_noise(rng, height, width, 120)
    return _fill(color, height, width) * (1 + field)[..., None]


def speckle(rng, height, width, color, cells=90, contrast=0.06):
    """Concrete, asphalt, gravel: grain at every size."""
    field = fractal_noise(rng, height, width, 4, 3, 0.6) * 0.5
    field += fractal_noise(rng, height, width, cells, 2, 0.9)
    return _fill(color, height, width) * (1 + np.float32(contrast) * field)[..., None]


def wood(rng, height, width, planks=7, color=None):
    """Boards side by side, running down the picture."""
    if color is None:
        color = _tint(rng, parse(_WOODS[int(rng.integers(len(_WOODS)))]), 0.06)
    x, y = grid(height, width)
    board = np.minimum((x[0] * planks).astype(int), planks - 1)
    # Boards end at places of their own.
    length = rng.uniform(0.9, 2.0)
    along = (y + rng.uniform(0, length, planks)[board][None]) / length
    row = np.floor(along)
    tone = rng.normal(0, 0.055, (planks, 64))[board[None], row.astype(int) % 64]
    grain = smooth_noise(rng, height, width, planks * 22, planks * 0.9)
    bend = smooth_noise(rng, height, width, planks * 1.6, 1.2)
    rings = np.sin(bend * 5 + x * planks * 9)
    edge = np.abs((x * planks) % 1 - 0.5) * 2
    gap = np.clip((edge - 0.955) / 0.03, 0, 1)
    gap = np.maximum(gap, np.abs(along - row - 0.5) > 0.5 - 0.004 / length)
    field = tone + 0.045 * grain + 0.03 * rings - 0.4 * gap
    field = (1 + field.astype(np.float32))[..., None]
    # Dark grain is redder than the board.
    return _fill(color, height, width) * field ** np.array([0.85, 1, 1.2], np.float32)


def tiles(rng, height, width, across=6, color=None, aspect=1.0, mixed=True):
    """Square or oblong tiles with joints; ``mixed`` ones may be a chessboard."""
    if color is None:
        color = _tint(
            rng,
            parse(
                ('ded9d0', 'c8bfae', 'b7b2aa', '8f8a83', 'e9e7e3')[int(rng.integers(5))]
            ),
        )
    x, y = grid(height, width)
    down = across * aspect
    column = (x * across).astype(int)
    row = (y * down).astype(int)
    tone = rng.normal(0, 0.03, (64, 64))[row % 64, column % 64]
    if rng.random() < 0.15 and mixed:
        tone = tone - 0.55 * ((row + column) % 2)
    stain = fractal_noise(rng, height, width, across * 1.5, 3, 0.6)
    joint = np.maximum(
        np.abs((x * across) % 1 - 0.5), np.abs((y * down) % 1 - 0.5) + 0 * x
    )
    joint = np.clip((joint - 0.482) / 0.008, 0, 1)
    field = 1 + tone + 0.025 * stain - rng.uniform(0.1, 0.35) * joint
    return _fill(color, height, width) * field.astype(np.float32)[..., None]


def brick(rng, height, width, across=9, color=None):
    """Running bond with mortar joints."""
    if color is None:
        color = _tint(
            rng,
            parse(
                ('9c5a45', 'a86f57', '7f4a3c', 'cfc8bd', 'b59a82')[int(rng.integers(5))]
            ),
        )
    x, y = grid(height, width)
    down = across * 2.7
    row = (y * down).astype(int)
    shifted = x * across + 0.5 * (row % 2)
    tone = rng.normal(0, 0.09, (128, 64))[row % 128, shifted.astype(int) % 64]
    joint = np.maximum(
        (np.abs(shifted % 1 - 0.5) - 0.46) / 0.03,
        (np.abs((y * down) % 1 - 0.5) - 0.4) / 0.07 + 0 * x,
    )
    joint = np.clip(joint, 0, 1)[..., None].astype(np.float32)
    rough = 0.07 * fractal_noise(rng, height, width, across * 6, 2, 0.8)
    image = _fill(color, height, width) * (1 + tone + rough)[..., None].astype(
        np.float32
    )
    mortar = np.float32(0.62 + 0.2 * rng.random())
    return image + joint * (mortar - image) * 0.8


def marble(rng, height, width, color=None):
    """Pale stone with veins where turbulent noise crosses zero."""
    color = _tint(rng, (0.92, 0.915, 0.9)) if color is None else color
    cloud = fractal_noise(rng, height, width, 2.5, 4, 0.6)
    vein = np.exp(-np.abs(fractal_noise(rng, height, width, 2.2, 4, 0.55)) * 16)
    field = 1 + 0.02 * cloud - rng.uniform(0.12, 0.35) * vein
    return _fill(color, height, width) * field[..., None]


def carpet(rng, height, width, color=None, cells=75):
    """A deep pile: rough at the scale of tufts, brushed in patches."""
    if color is None:
        color = _tint(
            rng,
            parse(
                ('b4aa9b', '8d8a86', '6b6a6e', 'c8bda9', '7a6757', 'd9d4cb')[
                    int(rng.integers(6))
                ]
            ),
        )
    tuft = fractal_noise(rng, height, width, cells, 2, 0.9)
    brushed = fractal_noise(rng, height, width, 4, 2)
    return _fill(color, height, width) * (1 + 0.06 * tuft + 0.03 * brushed)[..., None]


def rug(rng, height, width):
    """A woven rug: a border and a field of mirrored motifs."""
    palette = np.array([garment_color(rng) for _ in range(4)], np.float32) * 0.85
    quarter = smooth_noise(rng, 24, 18, 7)
    chart = np.digitize(quarter, [-0.5, 0.2, 0.9])
    chart = np.concatenate([chart, chart[:, ::-1]], 1)
    chart = np.concatenate([chart, chart[::-1]], 0)
    for ring, index in ((0, 1), (1, 0), (2, 2)):
        chart[ring, ring : -ring or None] = chart[-1 - ring, ring : -ring or None] = (
            index
        )
        chart[ring : -ring or None, ring] = chart[ring : -ring or None, -1 - ring] = (
            index
        )
    image = cv2.resize(palette[chart], (width, height), interpolation=cv2.INTER_LINEAR)
    return image * (1 + 0.08 * fractal_noise(rng, height, width, 80, 2, 0.9))[..., None]


def sheet(rng, height, width, color=None):
    """Bed linen or a cloth spread out, with creases."""
    if color is None:
        color = wall_color(rng) if rng.random() < 0.6 else garment_color(rng)
    kind = 'soft' if rng.random() < 0.6 else 'sharp'
    shading, _ = fold_field(rng, height, width, kind, strength=rng.uniform(0.5, 1.1))
    weave = 1 + 0.02 * smooth_noise(rng, height, width, 200)
    return _fill(color, height, width) * (shading * weave)[..., None]


def foliage(rng, height, width, cells=14, color=None):
    """Leaves: clumps lit from above, with dark gaps between."""
    if color is None:
        color = _tint(
            rng,
            parse(('4d6b35', '5f7a3d', '3b5530', '748246')[int(rng.integers(4))]),
            0.08,
        )
    clump = fractal_noise(rng, height, width, cells / 4, 2, 0.5)
    leaf = fractal_noise(rng, height, width, cells, 3, 0.85)
    light = 0.55 + 0.2 * clump + 0.3 * leaf
    light = np.clip(light, 0.06, 1.5)[..., None]
    hue = np.array([1.05, 1.0, 0.75], np.float32)
    image = _fill(color, height, width) * light
    return image * hue ** np.clip(light, 0, 1.2)


def picture(rng, height, width):
    """What hangs in frames: soft shapes in a few colours."""
    image = _fill(garment_color(rng), height, width)
    x, y = grid(height, width)
    for _ in range(int(rng.integers(2, 6))):
        color = np.asarray(garment_color(rng), np.float32)
        field = smooth_noise(rng, height, width, rng.uniform(1, 4))
        tilt = rng.normal(0, 2, 2)
        field = field + tilt[0] * (x - 0.5) + tilt[1] * (y - 0.5 * height / width)
        cover = np.clip((field - 0.4) * 6, 0, 1)[..., None].astype(np.float32)
        image += cover * (color - image)
    return image
