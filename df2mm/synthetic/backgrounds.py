"""What is behind the clothes: studios for shops, the world for users."""

import cv2
import numpy as np

from df2mm.synthetic import interiors, streets, surfaces, textures
from df2mm.synthetic.noise import grid, smooth_noise
from df2mm.synthetic.people import UNWORN

__all__ = [
    'CLUTTERED_SCENES',
    'STUDIO_SCENES',
    'cluttered_background',
    'studio_background',
]

# Scenes are drawn smaller and enlarged: what is behind is never quite sharp.
_REDUCTION = 1.7


def _backdrop_color(rng):
    if rng.random() < 0.6:
        return np.full(3, rng.uniform(0.86, 1.0), np.float32) + rng.normal(
            0, 0.006, 3
        ).astype(np.float32)
    if rng.random() < 0.5:
        return np.full(3, rng.uniform(0.45, 0.85), np.float32) + rng.normal(
            0, 0.012, 3
        ).astype(np.float32)
    return surfaces.wall_color(rng)


def _plain(rng, height, width):
    image = np.empty((height, width, 3), np.float32)
    image[:] = 1.0 if rng.random() < 0.5 else _backdrop_color(rng)
    return image


def _gradient(rng, height, width):
    x, y = grid(height, width)
    cx, cy = rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.6) * height / width
    fall = ((x - cx) ** 2 + (y - cy) ** 2) * np.float32(rng.uniform(0.1, 0.4))
    return _backdrop_color(rng) * (1.03 - np.minimum(fall, 0.5))[..., None]


def _paper(rng, height, width):
    """Seamless paper: a wall that curves into the floor, a shadow in the bend."""
    _, y = grid(height, width)
    v = y * np.float32(width / height)
    bend = rng.uniform(0.68, 0.9)
    ramp = (
        1 - 0.07 * np.exp(-(((v - bend) / 0.1) ** 2)) + 0.04 * np.clip(v - bend, 0, 1)
    )
    image = _gradient(rng, height, width) * ramp[..., None].astype(np.float32)
    # The pool of shade where feet or a stand would be.
    x, _ = grid(height, width)
    dx, dv = (x - rng.uniform(0.4, 0.6)) / 0.3, (v - rng.uniform(0.88, 0.97)) / 0.05
    return image * (1 - 0.14 * np.exp(-(dx**2) - dv**2))[..., None]


def _wall_and_floor(rng, height, width):
    """A plain bright wall over boards: how many shops photograph."""
    floor_at = rng.uniform(0.7, 0.95)
    image = surfaces.plaster(rng, height, width, _backdrop_color(rng), 0.004)
    top = round(floor_at * height)
    depth = max(2, height - top)
    boards = surfaces.wood(rng, 160, 160, planks=9)
    across = width / 2
    corners = np.float32([[0, 0], [160, 0], [160, 160], [0, 160]])
    spread = rng.uniform(0.6, 1.2) * width
    goal = np.float32(
        [
            [-0.1 * width, 0],
            [1.1 * width, 0],
            [across + spread, depth],
            [across - spread, depth],
        ]
    )
    matrix = cv2.getPerspectiveTransform(corners, goal)
    floor = cv2.warpPerspective(
        boards, matrix, (width, depth), borderMode=cv2.BORDER_REFLECT
    )
    image[top : top + depth] = floor[: height - top]
    band = np.exp(-(((np.arange(height) - top) / (0.03 * height)) ** 2)).astype(
        np.float32
    )
    return image * (1 - 0.15 * band)[:, None, None]


def _tabletop(rng, height, width):
    """From straight above, for clothes laid flat."""
    choice = rng.random()
    if choice < 0.4:
        image = surfaces.wood(rng, height, width, planks=int(rng.integers(4, 9)))
    elif choice < 0.6:
        image = surfaces.marble(rng, height, width)
    elif choice < 0.75:
        image = surfaces.sheet(rng, height, width)
    else:
        image = surfaces.speckle(rng, height, width, _backdrop_color(rng), 90, 0.008)
    return _wash(rng, image)


def _wash(rng, image):
    field = 1 + 0.04 * smooth_noise(rng, *image.shape[:2], 1.6)
    return image * field[..., None]


def _lounge(rng, height, width):
    """A tidy room, pale and soft."""
    small = _reduced(rng, interiors.room, height, width, 2.4)
    pale = np.float32(rng.uniform(0.35, 0.7))
    return small * (1 - pale) + pale * np.float32(rng.uniform(0.8, 0.95))


def _reduced(rng, scene, height, width, factor=_REDUCTION):
    size = max(8, round(height / factor)), max(8, round(width / factor))
    image = scene(rng, *size)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)


def _surface(rng, height, width):
    """Beds, carpets and floors from above."""
    choice = rng.random()
    if choice < 0.5:
        image = textures.backdrop(rng, height, width)
    elif choice < 0.75:
        image = surfaces.sheet(rng, height, width)
    elif choice < 0.88:
        image = surfaces.wood(rng, height, width, planks=int(rng.integers(3, 7)))
    else:
        image = surfaces.carpet(rng, height, width)
    return _wash(rng, image)


def _scene(draw, factor=_REDUCTION):
    return lambda rng, height, width: _reduced(rng, draw, height, width, factor)


KINDS = ('worn', *UNWORN)
# Painter, and its share with clothes that are worn, laid flat and hung up.
_STUDIO = {
    'plain': (_plain, 5, 2, 4),
    'gradient': (_gradient, 3, 1, 3),
    'paper': (_paper, 3, 0, 1),
    'floor': (_wall_and_floor, 3, 0, 1),
    'lounge': (_lounge, 2, 0, 1),
    'tabletop': (_tabletop, 0, 4, 1),
}
_CLUTTERED = {
    'room': (_scene(interiors.room), 10, 0, 3),
    'street': (_scene(streets.street), 5, 0, 0.3),
    'park': (_scene(streets.park), 2, 0, 0),
    'shop': (_scene(interiors.shop_interior), 2, 0, 1),
    'lights': (_scene(streets.lights, 3), 0.7, 0, 0),
    # Curtains, doors and panelling are what beds and floors are made of.
    'surface': (_surface, 0, 1, 3),
}
STUDIO_SCENES = tuple(_STUDIO)
CLUTTERED_SCENES = tuple(_CLUTTERED)


def _draw(rng, height, width, scenes, scene, kind):
    if height < 1 or width < 1:
        raise ValueError(
            'background size must be at least 1 x 1, '
            f'got height {height}, width {width}'
        )
    if scene is None:
        if kind not in KINDS:
            raise ValueError(f'kind must be one of {KINDS}, got {kind!r}')
        names = tuple(scenes)
        share = np.array([scenes[name][1 + KINDS.index(kind)] for name in names])
        scene = names[int(rng.choice(len(names), p=share / share.sum()))]
    if scene not in scenes:
        raise ValueError(f'scene must be one of {tuple(scenes)}, got {scene!r}')
    image = scenes[scene][0](rng, height, width)
    return np.clip(image, 0, 1).astype(np.float32, copy=False)


def studio_background(
    rng: np.random.Generator,
    height: int,
    width: int,
    scene: str | None = None,
    kind: str = 'worn',
) -> np.ndarray:
    """Draw a background of a shop's photograph.

    Args:
        rng (Generator): Decides everything.
        height (int): Rows.
        width (int): Columns.
        scene (str, optional): One of ``STUDIO_SCENES``. Defaults to a draw.
        kind (str): Draw among the scenes for clothes that are 'worn', laid
            'flat' (seen from above) or 'hung' up.

    Returns:
        ndarray: (height, width, 3) float32 display RGB in 0..1.

    Raises:
        ValueError: If the scene or the kind is not known or a size is not positive.
    """
    return _draw(rng, height, width, _STUDIO, scene, kind)


def cluttered_background(
    rng: np.random.Generator,
    height: int,
    width: int,
    scene: str | None = None,
    kind: str = 'worn',
) -> np.ndarray:
    """Draw a background of a user's photograph.

    Args:
        rng (Generator): Decides everything.
        height (int): Rows.
        width (int): Columns.
        scene (str, optional): One of ``CLUTTERED_SCENES``. Defaults to a draw.
        kind (str): Draw among the scenes for clothes that are 'worn', laid
            'flat' (seen from above) or 'hung' up.

    Returns:
        ndarray: (height, width, 3) float32 display RGB in 0..1.

    Raises:
        ValueError: If the scene or the kind is not known or a size is not positive.
    """
    return _draw(rng, height, width, _CLUTTERED, scene, kind)
