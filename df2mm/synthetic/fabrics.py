"""What a garment is made of: a small description, and its rendering.

A ``FabricSpec`` fixes a fabric completely, so an identity keeps its fabric
from image to image, whatever the size it is drawn at.
"""

from dataclasses import dataclass, replace

import numpy as np

from df2mm.synthetic import florals, knits, patterns, prints, textures
from df2mm.synthetic.colors import (
    Color,
    companion,
    distance,
    garment_color,
    parse,
    shade,
)
from df2mm.synthetic.weaves import WEAVES, render_weave

__all__ = [
    'FABRIC_KINDS',
    'FabricSpec',
    'recolor',
    'render_fabric',
    'repattern',
    'sample_fabric',
]

# Share in percent, variants with their weights, and weaves that carry them.
# Plain cloth is the commonest in any wardrobe.
_SMOOTH = ('jersey', 'jersey', 'poplin', 'twill', 'linen')
_KINDS = {
    'plain': (36, {'solid': 8, 'melange': 1.2}, (*_SMOOTH, *WEAVES)),
    'stripes': (
        10,
        {
            'across-breton': 4,
            'across-even': 2,
            'across-multi': 3,
            'across-wide': 2,
            'down-pin': 3,
            'down-even': 2,
            'down-multi': 2,
            'down-wide': 1,
            'bias-multi': 0.5,
        },
        _SMOOTH,
    ),
    'checks': (
        8,
        {'gingham': 2, 'tartan': 5, 'buffalo': 1.5, 'windowpane': 1.5, 'graph': 1},
        ('poplin', 'twill', 'linen', 'fleece'),
    ),
    'dots': (3.5, {'polka': 5, 'pin': 2, 'scatter': 2}, _SMOOTH),
    'floral': (
        9,
        {'liberty': 3, 'daisy': 2, 'bouquet': 3, 'rose': 2, 'tropical': 1.5},
        ('poplin', 'satin', 'linen', 'jersey'),
    ),
    'print': (
        9,
        {'words': 5, 'badge': 2, 'geometry': 2, 'scene': 3, 'creature': 2, 'brush': 1},
        ('jersey', 'jersey', 'fleece'),
    ),
    'denim': (6, {'raw': 4, 'faded': 5, 'acid': 1}, ('poplin',)),
    'camouflage': (1.2, {'woodland': 4, 'digital': 1}, ('twill', 'poplin')),
    'animal': (
        2,
        {'leopard': 5, 'zebra': 2, 'cow': 1, 'snake': 1.5},
        ('satin', 'poplin', 'jersey'),
    ),
    'dye': (
        1.8,
        {'ombre': 3, 'spiral': 1, 'cloud': 3, 'shibori': 1},
        ('jersey', 'linen'),
    ),
    'knit': (5, {'rib': 4, 'cable': 3, 'chunky': 2, 'fairisle': 2}, ('fleece',)),
    'lace': (1.5, {'chantilly': 3, 'guipure': 2}, ('poplin',)),
    'blocks': (
        3,
        {'chest': 3, 'halves': 3, 'thirds': 2, 'sides': 2, 'diagonal': 1},
        ('jersey', 'fleece', 'poplin'),
    ),
    'photo': (9, None, ('poplin',)),
}
FABRIC_KINDS = tuple(_KINDS)
_SHARES = np.array([row[0] for row in _KINDS.values()], float)
_SHARES /= _SHARES.sum()

_DRAW = {
    'stripes': patterns.draw_stripes,
    'checks': patterns.draw_checks,
    'dots': patterns.draw_dots,
    'floral': florals.draw_floral,
    'print': prints.draw_print,
    'denim': knits.draw_denim,
    'camouflage': patterns.draw_camouflage,
    'animal': patterns.draw_animal,
    'dye': patterns.draw_dye,
    'knit': knits.draw_knit,
    'lace': knits.draw_lace,
    'blocks': patterns.draw_blocks,
    'photo': textures.draw_texture,
}
# Kinds that exist in any colour; the others have colours of their own.
_ANY_COLOR = (
    'plain', 'stripes', 'checks', 'dots', 'floral', 'print', 'knit', 'blocks',
)  # fmt: skip
_INDIGO = (
    '2a3550',
    '39496b',
    '5a7699',
    '8fa9c4',
    'b4c6d6',
    '2b2c31',
    '8d9096',
    'e3e3e0',
)
_CAMOUFLAGE = ('6b6b45', 'b59f75', '8b9094', '3c4a66', 'c58f9b', '57614a')
_SKINS = ('c79a63', 'd9bd92', 'b9b3aa', 'e8e2d6', 'caa28c')
# How far apart recoloured fabrics must look, and what keeps two inks apart.
_RECOLOR_DISTANCE = 36.0
_CONTRAST = 28.0


@dataclass(frozen=True)
class FabricSpec:
    """A fabric, fully determined.

    Args:
        kind (str): One of ``FABRIC_KINDS``.
        variant (str): The pattern within the kind, e.g. 'tartan'.
        colors (tuple): Display RGB in 0..1 each; the first covers most.
        weave (str): One of ``WEAVES``: the yarn-level structure.
        scale (float): Size of the pattern, about 1.
        seed (int): Of the pattern's layout and the yarn's irregularities.
    """

    kind: str
    variant: str
    colors: tuple[Color, ...]
    weave: str
    scale: float
    seed: int

    @property
    def dominant_color(self) -> Color:
        """Display RGB in 0..1 of the colour that covers most."""
        return self.colors[0]


def _check_kind(kind: str) -> None:
    if kind not in _KINDS:
        raise ValueError(f'fabric kind must be one of {FABRIC_KINDS}, got {kind!r}')


def _weighted(rng, weights: dict) -> str:
    share = np.array(list(weights.values()), float)
    return list(weights)[int(rng.choice(len(weights), p=share / share.sum()))]


def _base_color(rng, kind: str) -> Color:
    """Draw the dominant colour a kind may have."""
    own = {'denim': _INDIGO, 'camouflage': _CAMOUFLAGE, 'animal': _SKINS}.get(kind)
    if own is None or (kind == 'animal' and rng.random() < 0.25):
        return garment_color(rng)
    color = parse(own[int(rng.integers(len(own)))])
    return shade(color, rng.normal(0, 3), rng.uniform(0.85, 1.15))


def _inks(rng, base: Color, count: int) -> tuple[Color, ...]:
    """Draw colours that stand out from the base; often white or black."""
    colors = [base]
    for _ in range(count):
        plain = ((0.95, 0.945, 0.93), (0.1, 0.1, 0.115))[int(rng.integers(2))]
        if rng.random() < 0.4 and distance(plain, base) > _CONTRAST:
            colors.append(plain)
        else:
            colors.append(companion(rng, base, min_distance=_CONTRAST))
    return tuple(colors)


def _tonal(base: Color, step: float) -> Color:
    """Return the base made lighter, or darker where it is light already."""
    return shade(base, -step if sum(base) > 1.7 else step)


def _palette(rng, kind: str, variant: str, base: Color) -> tuple[Color, ...]:
    """Draw the colours of a fabric around its dominant one."""
    if kind == 'plain':
        return (base,) if variant == 'solid' else (base, _tonal(base, 15))
    if kind == 'stripes':
        return _inks(rng, base, 3 if variant.endswith('multi') else 1)
    if kind == 'checks':
        if variant == 'buffalo':
            dark = (0.09, 0.09, 0.1)
            return (
                base,
                dark if distance(base, dark) > _CONTRAST else _tonal(base, 45),
            )
        white = (0.95, 0.945, 0.93)
        if variant == 'gingham' and distance(base, white) > _CONTRAST:
            return (base, white)
        return _inks(rng, base, 3 if variant == 'tartan' else 1)
    if kind == 'dots':
        return _inks(rng, base, 3 if variant == 'scatter' else 1)
    if kind == 'floral':
        greens = tuple(
            shade(parse(g), rng.normal(0, 6), rng.uniform(0.5, 1.1))
            for g in ('56743f', '3f5a4a')
        )
        heart = parse(('e8c24a', '6b3b26', 'f4efe0')[int(rng.integers(3))])
        blooms = _inks(rng, base, int(rng.integers(1, 4)))[1:]
        return (base, *greens, *blooms, heart)
    if kind == 'denim':
        pale = shade(base, min(45.0, 92 - 60 * base[1]), 0.5)
        return (base, pale)
    if kind == 'camouflage':
        return (base, shade(base, -16), shade(base, 20, 0.8), shade(base, -34, 0.6))
    if kind == 'animal':
        dark = shade(base, -60, 0.7) if sum(base) > 0.9 else shade(base, 45, 0.8)
        return (base, shade(base, -20 if sum(base) > 0.9 else 16, 1.2), dark)
    if kind == 'dye':
        white = (0.95, 0.945, 0.93)
        pale = white if distance(white, base) > _CONTRAST else _tonal(base, 40)
        if variant == 'spiral':
            return (base, pale, companion(rng, base, min_distance=_CONTRAST), pale)
        return (base, pale if rng.random() < 0.7 else _inks(rng, base, 1)[1])
    if kind == 'lace':
        near = _tonal(base, 30)
        return (base, near if rng.random() < 0.7 else (0.78, 0.6, 0.5))
    if kind == 'knit':
        return _inks(rng, base, 2) if variant == 'fairisle' else (base,)
    if kind in ('print', 'blocks'):
        return _inks(rng, base, int(rng.integers(1, 4)) if kind == 'print' else 2)
    return (base,)


def _seed(rng) -> int:
    return int(rng.integers(2**31))


def _make(rng, kind: str, base: Color | None) -> FabricSpec:
    _, variants, weaves = _KINDS[kind]
    if kind == 'photo':
        variant = textures.sample_texture(rng)
        base = textures.texture_color(variant) if base is None else base
    else:
        variant = _weighted(rng, variants)
        base = _base_color(rng, kind) if base is None else base
    colors = _palette(rng, kind, variant, base)
    weave = weaves[int(rng.integers(len(weaves)))]
    scale = round(float(np.exp(rng.normal(0, 0.2)).clip(0.65, 1.5)), 4)
    return FabricSpec(kind, variant, colors, weave, scale, _seed(rng))


def sample_fabric(rng: np.random.Generator, kind: str | None = None) -> FabricSpec:
    """Draw a fabric.

    Args:
        rng (Generator): Decides everything.
        kind (str, optional): One of ``FABRIC_KINDS``. Defaults to a draw by
            how often each is worn.

    Raises:
        ValueError: If ``kind`` is not known.
    """
    if kind is None:
        kind = FABRIC_KINDS[int(rng.choice(len(FABRIC_KINDS), p=_SHARES))]
    _check_kind(kind)
    return _make(rng, kind, None)


def recolor(spec: FabricSpec, rng: np.random.Generator) -> FabricSpec:
    """Return the same cloth and pattern in clearly different colours."""
    best, gap = spec.colors[0], -1.0
    for _ in range(60):
        base = _base_color(rng, spec.kind)
        found = distance(base, spec.colors[0])
        if found > gap:
            best, gap = base, found
        if gap >= _RECOLOR_DISTANCE:
            break
    return replace(spec, colors=_palette(rng, spec.kind, spec.variant, best))


def repattern(spec: FabricSpec, rng: np.random.Generator) -> FabricSpec:
    """Return a fabric of the same dominant colour and another kind."""
    kinds = [kind for kind in _ANY_COLOR if kind != spec.kind]
    shares = np.array([_KINDS[kind][0] for kind in kinds], float)
    kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
    return _make(rng, kind, spec.colors[0])


def render_fabric(spec: FabricSpec, height: int, width: int) -> np.ndarray:
    """Render a fabric over a garment.

    Args:
        spec (FabricSpec): The fabric; the result depends on nothing else.
        height (int): Rows.
        width (int): Columns: one garment width, to which the pattern's size
            is relative.

    Returns:
        ndarray: (height, width, 3) float32 display RGB in 0..1.

    Raises:
        ValueError: If a size is not positive or the kind is not known.
    """
    if height < 1 or width < 1:
        raise ValueError(
            f'fabric size must be at least 1 x 1, got height {height}, width {width}'
        )
    _check_kind(spec.kind)
    if spec.kind == 'plain':
        image = _draw_plain(spec, height, width)
    else:
        draw = _DRAW[spec.kind]
        image = draw(spec.variant, spec.colors, spec.scale, spec.seed, height, width)
    weave = render_weave(spec.weave, spec.seed, height, width)
    # Black cloth still reflects: yarns show as added, not only multiplied.
    image = image * weave[..., None] + 0.05 * (weave - 1)[..., None]
    return np.clip(image, 0, 1).astype(np.float32, copy=False)


def _draw_plain(spec, height, width):
    image = np.empty((height, width, 3), np.float32)
    image[:] = spec.colors[0]
    if spec.variant == 'melange':
        fleck = textures.fleck(spec.seed, height, width)
        image += fleck[..., None] * (np.asarray(spec.colors[1], np.float32) - image)
    return image
