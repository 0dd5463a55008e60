"""One image: garments on a figure or laid out, a place, a camera, an annotation."""

import numpy as np

from df2mm.synthetic import foreground, props
from df2mm.synthetic.annotating import Worn, annotate
from df2mm.synthetic.backgrounds import cluttered_background, studio_background
from df2mm.synthetic.camera import finish
from df2mm.synthetic.clothing import make_cloth, paint_garment
from df2mm.synthetic.framing import extent_points, frame, target_extent
from df2mm.synthetic.garments import build_garment
from df2mm.synthetic.painting import Canvas
from df2mm.synthetic.people import (
    CROTCH,
    UNWORN,
    VIEWS,
    Figure,
    sample_build,
    sample_pose,
)
from df2mm.synthetic.still_life import arrange
from df2mm.synthetic.wardrobe import SceneSpec, complete_outfit, slot

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
    unworn = view in UNWORN
    place = background(rng, height, width, kind=view if unworn else 'worn')
    canvas = Canvas(np.ascontiguousarray(place, np.float32), 100.0)
    if unworn:
        worn = arrange(rng, spec, canvas, view)
    else:
        worn = _dress(rng, spec, canvas, view)
    foreground.paint_foreground(rng, canvas, spec.source, view)
    return canvas, worn, view, rng


def _sample_view(rng, source: str) -> str:
    """Worn and seen from the front, mostly.

    That is 78 % by the paper, and fewer here: what people photograph to sell or
    to search for is as often laid out or hung up, which few real images are.
    """
    shares = {
        'shop': [0.22, 0.12, 0.56, 0.05, 0.05],
        'user': [0.18, 0.08, 0.62, 0.06, 0.06],
    }[source]
    return str(rng.choice(VIEWS, p=shares))


def _dress(rng, spec: SceneSpec, canvas: Canvas, view: str) -> list:
    """A person who wears the garments, from the back of the picture to its front."""
    figure = Figure(sample_build(rng), sample_pose(rng, view))
    light = rng.uniform(-1, 1)
    outfit = complete_outfit(rng, spec.identities, spec.pair_id)
    built = [build_garment(identity.cut, figure) for identity in outfit]
    # Pictures of one garment often leave out the other that is worn with it.
    end = {'upper': 1, 'lower': -1}.get(slot(outfit[0].cut), 0)
    end *= len(spec.identities) == 1 and rng.random() < 0.7
    extent = target_extent(rng, outfit[0], spec.source)
    affine = frame(
        rng,
        canvas,
        extent_points(built[:1]),
        extent,
        rng.normal(0, 0.03),
        end * (extent > 0.5),
    )
    worn = [
        Worn(identity, garment.transformed(affine), None)
        for identity, garment in zip(outfit, built, strict=True)
    ]
    for one in worn:
        one.cloth = make_cloth(rng, one.identity, one.garment, canvas.unit, light)
    by_slot = {slot(one.identity.cut): (index, one) for index, one in enumerate(worn)}
    person = props.Person(rng, canvas, figure, affine, light)
    person.behind()
    for side in (-1, 1):
        if not figure.pose.arms[0 if side < 0 else 1].front:
            _arm(person, canvas, by_slot, side)
    for name in ('outer', 'upper', 'dress'):
        if name in by_slot:
            index, one = by_slot[name]
            paint_garment(canvas, one, index, ('hood', 'lining'))
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
            paint_garment(canvas, one, index, pieces)


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
            paint_garment(canvas, one, index, (f'sleeve{side}',))
    person.hand(side)
