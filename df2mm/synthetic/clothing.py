"""A garment's cloth, and its pieces painted in order."""

import numpy as np

from df2mm.synthetic.annotating import Worn
from df2mm.synthetic.fabrics import render_fabric
from df2mm.synthetic.folds import fold_field
from df2mm.synthetic.painting import Canvas, Cloth, paint_piece
from df2mm.synthetic.pieces import Garment
from df2mm.synthetic.wardrobe import Identity, slot

__all__ = ['make_cloth', 'paint_garment']


def make_cloth(rng, identity: Identity, garment: Garment, unit: float, light) -> Cloth:
    """Render the fabric at about the size it is seen at, and fold it."""
    wide = int(np.clip(1.15 * garment.width * unit, 24, 420))
    high = int(np.clip(wide * garment.length / garment.width, 24, 640))
    texture = render_fabric(identity.fabric, high, wide)
    name = identity.cut.name
    kind = (
        'vertical'
        if name == 'skirt'
        or ('dress' in name and (identity.cut.flare > 0.1 or rng.random() < 0.4))
        else 'sharp'
        if name in ('trousers', 'shorts') or identity.fabric.kind in ('denim', 'checks')
        else 'knit'
        if identity.fabric.kind == 'knit'
        else 'soft'
    )
    anchors = (
        [(0.08, 0.25), (0.92, 0.25)]
        if slot(identity.cut) != 'lower'
        else [(0.5, 0.3), (0.25, 0.6), (0.75, 0.6)]
    )
    size = (min(high, 160), min(wide, 128))
    folds, _ = fold_field(rng, *size, kind, anchors, rng.uniform(0.7, 1.25))
    color = np.array(identity.fabric.dominant_color, np.float32)
    accent = (
        1 - color
        if rng.random() < 0.3
        else color * 0.45 + (0.5 if color.mean() < 0.4 else 0.0)
    )
    return Cloth(texture.astype(np.float32), folds, color, np.clip(accent, 0, 1), light)


def paint_garment(
    canvas: Canvas, worn: Worn, item: int, order, on_all: bool = False
) -> None:
    """Paint those pieces of a garment that ``order`` names, in that order."""
    pieces = {piece.name: piece for piece in worn.garment.pieces}
    for name in order:
        if name in pieces:
            shadow = 0.0 if name in ('lining', 'hood') else 0.4
            paint_piece(
                canvas, pieces[name], worn.garment, worn.cloth, item, shadow, on_all
            )
