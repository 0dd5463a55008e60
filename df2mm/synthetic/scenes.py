"""One image: garments on a figure or laid out, a place, a camera, an annotation."""

import numpy as np

from df2mm.synthetic import foreground, props
from df2mm.synthetic.annotating import Worn, annotate
from df2mm.synthetic.backgrounds import cluttered_background, studio_background
from df2mm.synthetic.camera import finish
from df2mm.synthetic.fabrics import render_fabric
from df2mm.synthetic.folds import fold_field
from df2mm.synthetic.garments import build_garment
from df2mm.synthetic.painting import Canvas, Cloth, paint_piece
from df2mm.synthetic.people import (
    CROTCH,
    Build,
    Figure,
    sample_build,
    sample_pose,
)
from df2mm.synthetic.pieces import Garment
from df2mm.synthetic.wardrobe import Identity, SceneSpec, complete_outfit, slot

#: The body that garments laid flat are cut for.
_TAILOR = Build(0.88, 0.7, 0.6, 0.74, 1.0, (0, 0, 0), (0, 0, 0), 0.0, (0, 0, 0))

_SIZES = {
    'user': (
        (468, 624),
        (468, 624),
        (468, 624),
        (480, 640),
        (540, 540),
        (450, 600),
        (468, 832),
        (624, 468),
    ),
    'shop': ((600, 600), (560, 560), (600, 750), (500, 750), (468, 624), (640, 640)),
}

_MAX_ATTEMPTS = 20


def render_scene(spec: SceneSpec) -> tuple:
    """Paint one image.

    Args:
        spec (SceneSpec): What it shows; the same spec gives the same bytes.

    Returns:
        tuple: (H, W, 3) uint8 RGB, and the annotation as DeepFashion2 stores it
        (a dict of ``source``, ``pair_id``, ``item1``, ...).
    """
    for attempt in range(_MAX_ATTEMPTS):
        canvas, worn, view, rng = _compose(spec, attempt)
        annotation = annotate(spec, canvas, worn, view)
        styles = {item['style'] for item in annotation.values() if type(item) is dict}
        # Every image shows what it is about: pairs are counted on that.
        if spec.identities[0].style in styles:
            break
    else:
        raise RuntimeError(
            f'{spec} did not show its main item in {_MAX_ATTEMPTS} attempts'
        )
    return finish(rng, canvas.image, spec.source), annotation


def _compose(spec: SceneSpec, attempt: int) -> tuple:
    """Paint a scene: canvas, what is worn, view, and the generator as it is left."""
    rng = np.random.default_rng((*spec.seed, attempt))
    sizes = _SIZES[spec.source]
    width, height = sizes[rng.integers(len(sizes))]
    view = _sample_view(rng, spec.source)
    background = studio_background if spec.source == 'shop' else cluttered_background
    # Laid out, cloth lies on a table, a floor or a bed, seen from above.
    place = background(rng, height, width, laid=view == 'flat')
    canvas = Canvas(np.ascontiguousarray(place, np.float32), 100.0)
    if view == 'flat':
        worn = _lay_out(rng, spec, canvas)
    else:
        worn = _dress(rng, spec, canvas, view)
    foreground.paint_foreground(rng, canvas, spec.source, view)
    return canvas, worn, view, rng


def _sample_view(rng, source: str) -> str:
    """78 % are worn and seen from the front, by the paper."""
    shares = {'shop': [0.22, 0.68, 0.05, 0.05], 'user': [0.08, 0.80, 0.06, 0.06]}[
        source
    ]
    return str(rng.choice(['flat', 'front', 'side', 'back'], p=shares))


def _cloth(rng, identity: Identity, garment: Garment, unit: float, light) -> Cloth:
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


def _target_extent(rng, identity: Identity, source: str) -> float:
    """Share of the picture's side that the main item spans; above 1 it is cut off.

    Medians and spreads by the box sizes of the authors' validation files.
    """
    name = identity.cut.name
    median, spread = {
        'trousers': (0.55, 0.32),
        'shorts': (0.5, 0.42),
        'skirt': (0.5, 0.4),
    }.get(name, (0.72, 0.33))
    if source == 'shop':
        median, spread = median * 0.95, spread * 0.75
    return float(np.clip(np.exp(rng.normal(np.log(median), spread)), 0.28, 1.45))


def _frame(
    rng, canvas: Canvas, points: np.ndarray, extent: float, tilt: float, end: int = 0
):
    """(2, 3) affine map from heads to pixels that frames the main item.

    With ``end`` 1 the picture ends where the item ends below, with -1 above.
    """
    height, width = canvas.owner.shape
    low, high = points.min(0), points.max(0)
    scale = extent * min(width / (high[0] - low[0]), height / (high[1] - low[1]))
    cos, sin = np.cos(tilt) * scale, np.sin(tilt) * scale
    linear = np.array([[cos, -sin], [sin, cos]])
    span = scale * (high - low)
    room = np.maximum(np.array([width, height]) - span, 0.0)
    over = np.maximum(span - (width, height), 0.0)
    # Room is shared unevenly; what is too large is cut off on either side.
    target = (
        np.array([width, height]) / 2
        + rng.uniform(-0.38, 0.38, 2) * room
        + rng.uniform(-0.5, 0.5, 2) * over
    )
    if end:
        middle = span[1] / 2 * (1 + rng.uniform(-0.04, 0.02))
        target[1] = height - middle if end > 0 else middle
    canvas.unit = scale
    return np.concatenate(
        [linear, (target - linear @ ((low + high) / 2))[:, None]], axis=1
    )


def _extent_points(garments) -> np.ndarray:
    return np.concatenate([p.outline for g in garments for p in g.pieces])


def _lay_out(rng, spec: SceneSpec, canvas: Canvas) -> list:
    """Garments without a body: on a table, a bed, a wall."""
    light, worn = rng.uniform(-1, 1), []
    identities = list(spec.identities)[:2]
    built = []
    for identity in identities:
        figure = Figure(_TAILOR, sample_pose(rng, 'flat'))
        built.append(build_garment(identity.cut, figure))
    extent = min(_target_extent(rng, identities[0], spec.source), 1.15)
    tilt = rng.normal(0, 0.05)
    if len(built) == 1:
        placed = [np.eye(2, 3)]
    else:
        placed = _side_by_side(rng, built)
        extent = min(extent * 1.2, 1.05)
    built = [g.transformed(a) for g, a in zip(built, placed, strict=True)]
    affine = _frame(rng, canvas, _extent_points(built), extent, tilt)
    for index, (identity, garment) in enumerate(zip(identities, built, strict=True)):
        garment = garment.transformed(affine)
        cloth = _cloth(rng, identity, garment, canvas.unit, light)
        worn.append(Worn(identity, garment, cloth))
        names = [
            'hood',
            'lining',
            'strap-1',
            'strap1',
            'body',
            'leg-1',
            'leg1',
            'skirt',
            'collar',
        ]
        sleeves = ['sleeve-1', 'sleeve1']
        order = sleeves + names if rng.random() < 0.5 else names + sleeves
        _paint(canvas, worn[-1], index, [*order, 'front-1', 'front1'], on_all=True)
    return worn


def _side_by_side(rng, built) -> list:
    """Affine maps that put the second garment beside or below the first."""
    first, second = (_extent_points([g]) for g in built)
    if rng.random() < 0.5:
        shift = (
            first[:, 0].max() - second[:, 0].min() + rng.uniform(-0.1, 0.4),
            first[:, 1].mean() - second[:, 1].mean() + rng.uniform(-0.5, 0.5),
        )
    else:
        shift = (
            first[:, 0].mean() - second[:, 0].mean() + rng.uniform(-0.8, 0.8),
            first[:, 1].max() - second[:, 1].min() + rng.uniform(-0.5, 0.2),
        )
    return [np.eye(2, 3), np.array([[1, 0, shift[0]], [0, 1, shift[1]]], float)]


def _paint(canvas: Canvas, worn: Worn, item: int, order, on_all: bool = False) -> None:
    """Paint those pieces of a garment that ``order`` names, in that order."""
    pieces = {piece.name: piece for piece in worn.garment.pieces}
    for name in order:
        if name in pieces:
            shadow = 0.0 if name in ('lining', 'hood') else 0.4
            paint_piece(
                canvas, pieces[name], worn.garment, worn.cloth, item, shadow, on_all
            )


def _dress(rng, spec: SceneSpec, canvas: Canvas, view: str) -> list:
    """A person who wears the garments, from the back of the picture to its front."""
    figure = Figure(sample_build(rng), sample_pose(rng, view))
    light = rng.uniform(-1, 1)
    outfit = complete_outfit(rng, spec.identities, spec.pair_id)
    built = [build_garment(identity.cut, figure) for identity in outfit]
    # Pictures of one garment often leave out the other that is worn with it.
    end = {'upper': 1, 'lower': -1}.get(slot(outfit[0].cut), 0)
    end *= len(spec.identities) == 1 and rng.random() < 0.7
    extent = _target_extent(rng, outfit[0], spec.source)
    affine = _frame(
        rng,
        canvas,
        _extent_points(built[:1]),
        extent,
        rng.normal(0, 0.03),
        end * (extent > 0.5),
    )
    worn = [
        Worn(identity, garment.transformed(affine), None)
        for identity, garment in zip(outfit, built, strict=True)
    ]
    for one in worn:
        one.cloth = _cloth(rng, one.identity, one.garment, canvas.unit, light)
    by_slot = {slot(one.identity.cut): (index, one) for index, one in enumerate(worn)}
    person = props.Person(rng, canvas, figure, affine, light)
    person.behind()
    for side in (-1, 1):
        if not figure.pose.arms[0 if side < 0 else 1].front:
            _arm(person, canvas, by_slot, side)
    for name in ('outer', 'upper', 'dress'):
        if name in by_slot:
            index, one = by_slot[name]
            _paint(canvas, one, index, ('hood', 'lining'))
    person.body()
    _torso(rng, canvas, by_slot)
    person.head()
    for side in (-1, 1) if rng.random() < 0.5 else (1, -1):
        if figure.pose.arms[0 if side < 0 else 1].front:
            _arm(person, canvas, by_slot, side)
    person.in_front(spec.source)
    return worn


def _torso(rng, canvas: Canvas, by_slot: dict) -> None:
    """Lower garment, top and outwear without their sleeves, tucked in or not."""
    body = ('body', 'collar', 'front-1', 'front1')
    straps = ('strap-1', 'strap1')
    lower = ('leg-1', 'leg1') if rng.random() < 0.5 else ('leg1', 'leg-1')
    lower = (*lower, 'skirt')
    order = [('lower', lower), ('upper', (*straps, *body))]
    if 'upper' in by_slot and 'lower' in by_slot:
        top, bottom = (by_slot[name][1].identity.cut for name in ('upper', 'lower'))
        # A wide top would bulge out beside the waistband.
        slim = top.ease < 0.1 and top.flare < 0.03 and top.straight < 0.5
        if bottom.waist + 0.1 < top.hem < CROTCH + 0.1 and slim and rng.random() < 0.8:
            order.reverse()
    for name, pieces in [*order, ('dress', (*straps, *body)), ('outer', body)]:
        if name in by_slot:
            index, one = by_slot[name]
            _paint(canvas, one, index, pieces)


def _arm(person, canvas: Canvas, by_slot: dict, side: int) -> None:
    """An arm, the sleeves over it, and its hand."""
    sleeved = [
        by_slot[name]
        for name in ('upper', 'dress', 'outer')
        if name in by_slot and by_slot[name][1].identity.cut.sleeve > 0
    ]
    longest = max((one.identity.cut.sleeve for _, one in sleeved), default=0.0)
    # Cloth hides the arm up to its cuff; a bare arm joins the body at the armpit,
    # unless it is behind the body and was not painted with it.
    behind = not person.figure.pose.arms[0 if side < 0 else 1].front
    person.arm(side, longest * 0.75 if sleeved else 0.0 if behind else 0.3)
    for index, one in sleeved:
        # A shorter sleeve is inside the longer one that is worn over it.
        if one is sleeved[-1][1] or one.identity.cut.sleeve > longest - 1e-6:
            _paint(canvas, one, index, (f'sleeve{side}',))
    person.hand(side)
