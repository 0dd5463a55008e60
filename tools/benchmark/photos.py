"""Count the photos whose garment a model takes for what it is.

    python tools/benchmark/photos.py CONFIG CHECKPOINT [--photos DIR] [--out FILE]

The folder has a SOURCE.csv that names the garment of each photo (columns file and
label, such as those of model_zoo/cc0_photos: T-Shirt, Longsleeve, Pants, Shorts, Skirt,
Outwear and Dress). A photo is right if the detection of the highest score is of a
category that the label stands for. No photo is trained on, nor shown in a background.
"""

import argparse
import csv
import json
import os
from collections import Counter
from pathlib import Path

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

PHOTOS = Path(__file__).parents[2] / 'model_zoo/cc0_photos'
#: The categories that a label stands for.
CATEGORIES = {
    'T-Shirt': ('short sleeve top',),
    'Longsleeve': ('long sleeve top',),
    'Pants': ('trousers',),
    'Shorts': ('shorts',),
    'Skirt': ('skirt',),
    'Outwear': ('short sleeve outwear', 'long sleeve outwear'),
    'Dress': ('short sleeve dress', 'long sleeve dress', 'vest dress', 'sling dress'),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file, or name of the zoo')
    parser.add_argument('checkpoint')
    parser.add_argument('--photos', type=Path, default=PHOTOS, metavar='DIR')
    parser.add_argument('--device')
    parser.add_argument('--out', metavar='FILE.json')
    args = parser.parse_args()
    from df2mm.engine import USER_ERRORS, AtomicBackend, exit_on
    with exit_on(*USER_ERRORS):
        labels = read_labels(args.photos)
        found = first_categories(args, labels)
        right, of = Counter(), Counter(labels.values())
        confused = Counter()
        for name, label in labels.items():
            if found.get(name) in CATEGORIES[label]:
                right[label] += 1
            else:
                confused[label, found.get(name) or 'nothing'] += 1
        for label in CATEGORIES:
            print(f'{label:12}{right[label]:4} of {of[label]}')
        print(f'{"all":12}{right.total():4} of {of.total()}')
        for (label, category), count in confused.most_common(8):
            print(f'    {label} taken for {category}: {count}')
        if args.out:
            # Of paths as they were given: relative ones are the same elsewhere.
            command = ('python tools/benchmark/photos.py '
                       f'{args.config} {args.checkpoint}')
            AtomicBackend().put_text(json.dumps(dict(
                right=right.total(), of=of.total(), command=command,
                by_label={label: [right[label], of[label]] for label in CATEGORIES}),
                indent=2) + '\n', args.out)


def read_labels(folder):
    """{file: label} of a folder of photos."""
    with open(folder / 'SOURCE.csv', newline='', encoding='utf-8') as file:
        labels = {row['file']: row['label'] for row in csv.DictReader(file)}
    labels = {name: label for name, label in labels.items() if label in CATEGORIES}
    if not labels:
        raise ValueError(f'{folder / "SOURCE.csv"} names no photo of '
                         f'{", ".join(CATEGORIES)}')
    return labels


def first_categories(args, labels):
    """{file: category of the detection of the highest score}."""
    from df2mm.apis import DeepFashion2Inferencer
    from df2mm.metainfo import CATEGORY_NAMES
    inferencer = DeepFashion2Inferencer(args.config, args.checkpoint, args.device)
    return {
        Path(found.name).name: CATEGORY_NAMES[found.labels[0]]
        for found in inferencer.iterate(
            [args.photos / name for name in labels], 8, strict=True)
        if len(found.labels)}


if __name__ == '__main__':
    main()
