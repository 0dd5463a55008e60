"""Write a whole dataset in DeepFashion2's own layout."""

import json
from functools import partial
from pathlib import Path

from tqdm import tqdm

from df2mm.atomic import replacing
from df2mm.datasets.coco import write_authors_coco, write_retrieval_gt
from df2mm.datasets.parallel import map_stream
from df2mm.datasets.raw import iter_raw
from df2mm.synthetic.camera import encode_jpeg
from df2mm.synthetic.scenes import render_scene
from df2mm.synthetic.wardrobe import SceneSpec, plan_split

#: Raised whenever the same seed would give other bytes than before.
GENERATOR_VERSION = 2

_MARKER = 'synthetic.json'


def write_dataset(
    out,
    num_train: int,
    num_val: int,
    seed: int = 0,
    workers=None,
    progress: bool = True,
) -> dict:
    """Make a DeepFashion2-like dataset.

    Writes ``train`` and ``validation`` with ``image`` and ``annos``, and
    ``json_for_validation`` with the authors' four files. The same arguments give
    the same bytes. Identities of validation are not among those of training.

    An interrupted run goes on where it stopped when it is called again with the
    same arguments; a finished one is left as it is.

    Args:
        out (str | Path): The folder; new, empty or of the same arguments.
        num_train (int): Images in ``train``: 0 or at least 2.
        num_val (int): Images in ``validation``: likewise.
        seed (int): Not negative.
        workers (int, optional): Processes. Defaults to the usable cores.
        progress (bool): Whether to show a progress bar.

    Returns:
        dict: ``images`` painted by this call, ``train`` and ``validation`` totals.

    Raises:
        ValueError: If a number is out of range.
        FileExistsError: If ``out`` holds something else.
    """
    out = Path(out)
    _check_numbers(num_train, num_val, seed)
    facts = dict(
        generator='df2mm.synthetic',
        version=GENERATOR_VERSION,
        train=num_train,
        validation=num_val,
        seed=seed,
    )
    _claim(out, facts)
    train = plan_split(num_train, (seed, 0)) if num_train else []
    first_pair = train[-1].pair_id + 1 if train else 1
    validation = plan_split(num_val, (seed, 1), first_pair) if num_val else []
    tasks = []
    for split, specs in (('train', train), ('validation', validation)):
        for folder in ('image', 'annos'):
            (out / split / folder).mkdir(parents=True, exist_ok=True)
        tasks += [
            (split, spec)
            for spec in specs
            if not (out / split / 'annos' / f'{spec.img_id:06d}.json').exists()
        ]
    painted = map_stream(partial(_paint_files, out), tasks, workers)
    for _ in tqdm(
        painted, total=len(tasks), desc='synthesize', unit='image', disable=not progress
    ):
        pass
    if validation:
        _write_validation_json(out)
    return dict(images=len(tasks), train=num_train, validation=num_val)


def _check_numbers(num_train: int, num_val: int, seed: int) -> None:
    for name, number in (('num_train', num_train), ('num_val', num_val)):
        if number < 0 or number == 1:
            raise ValueError(
                f'{name} must be 0 or at least 2 (a user and a shop image), '
                f'got {number}'
            )
    if num_train + num_val == 0:
        raise ValueError('num_train and num_val are both 0: there is nothing to make')
    if seed < 0:
        raise ValueError(f'seed must not be negative, got {seed}')


def _claim(out: Path, facts: dict) -> None:
    """Make ``out`` ours, or find that it is, or refuse it."""
    marker = out / _MARKER
    if marker.is_file():
        try:
            found = json.loads(marker.read_text())
        except ValueError:
            found = None
        if found == facts:
            return
        raise FileExistsError(
            f'{out} holds a synthetic dataset made with {found}, asked for {facts}. '
            'Give another folder, or remove that one first'
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(
            f'{out} is not an empty folder and holds no {_MARKER}. Give another folder'
        )
    with replacing(marker) as file:
        file.write(json.dumps(facts, indent=1).encode() + b'\n')


def _paint_files(out: Path, task: tuple[str, SceneSpec]) -> None:
    """Paint one image and write its two files, the annotation last."""
    split, spec = task
    image, annotation = render_scene(spec)
    stem = f'{spec.img_id:06d}'
    with replacing(out / split / 'image' / f'{stem}.jpg') as file:
        file.write(encode_jpeg(image))
    with replacing(out / split / 'annos' / f'{stem}.json') as file:
        file.write(json.dumps(annotation, separators=(',', ':')).encode())


def _write_validation_json(out: Path) -> None:
    """The authors' files for their evaluation scripts."""
    folder, split = out / 'json_for_validation', out / 'validation'
    write_authors_coco(folder / 'keypoints_val_vis_and_occ.json', iter_raw(split))
    write_authors_coco(
        folder / 'keypoints_val_vis.json', iter_raw(split), occluded=False
    )
    write_retrieval_gt(
        folder / 'val_query.json', folder / 'val_gallery.json', iter_raw(split)
    )
