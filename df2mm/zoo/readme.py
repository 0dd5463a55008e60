"""The README of the zoo, made from its cards, the index and what the models cost."""

from pathlib import Path

from df2mm.atomic import replacing
from df2mm.zoo.cards import how_to_train, read_cards
from df2mm.zoo.leaderboard import cost_table
from df2mm.zoo.leaderboard_files import read_costs
from df2mm.zoo.names import zoo_entries
from df2mm.zoo.places import zoo_folder
from df2mm.zoo.results import PHOTOS, TASKS

_HEAD = '''# Model zoo

Made by `python tools/zoo.py readme` from the cards in this folder; do not edit.

```bash
python tools/zoo.py list               # what is published, and where it is
python tools/zoo.py download MODEL     # to the cache, its hash checked; says the path
python tools/zoo.py verify             # hashes, and whether the weights fit the configs
```

In Python `df2mm.zoo.find(MODEL)` is the path of the checkpoint,
`df2mm.apis.DeepFashion2Inferencer(MODEL)` takes it by itself, and a config starts from
it with `load_from = 'df2mm://MODEL'`. Checkpoints are float16 safetensors: reading one
runs no code of it. What does not live in this folder is downloaded from `$DF2MM_ZOO`,
an http(s) URL or a folder with `MODEL/FILE` below it.
'''
_SYNTHETIC = '''
The images are synthetic: `df2mm.synthetic` made those of the training and those of the
test. The figures compare models on such images, and with nothing that was measured on
DeepFashion2. The last column is about real photos, the CC0 photos that come with df2mm:
on how many the category was right.
'''
_COLUMNS = ('box AP', 'box AP50', 'mask AP', 'mask AP50', 'landmark AP',
            'visible landmark AP', *TASKS['Consumer-to-shop Retrieval'])


def readme(folder=None) -> str:
    """The text of the README.

    Figures of different data sets stand in different tables.

    Args:
        folder (str | Path, optional): Of the cards. Defaults to the package's.

    Raises:
        As :func:`df2mm.zoo.read_cards`, and ValueError if ``costs.json`` is malformed.
    """
    folder = Path(folder or zoo_folder())
    cards = read_cards(folder)
    published = {card.name for card in cards}
    parts = [_HEAD]
    for dataset in sorted({_dataset(card.entry) for card in cards}):
        parts += _section(
            dataset, [card for card in cards if _dataset(card.entry) == dataset])
    others = [entry for name, entry in sorted(zoo_entries().items())
              if name not in published]
    if others:
        parts.append('\n## Without published weights\n')
    for dataset in sorted(set(map(_dataset, others))):
        parts.append(f'\nFor {dataset}:\n\n')
        parts += [f'- {entry["Name"]}: {how_to_train(entry["Config"])}\n'
                  for entry in others if _dataset(entry) == dataset]
    costs = folder / 'costs.json'
    if costs.is_file():
        parts += ['\n## What the models cost\n\nBy `tools/benchmark/model_cost.py`. ',
                  cost_table(read_costs(costs))]
    return ''.join(parts)


def write_readme(folder=None) -> Path:
    """Write the README beside the cards; returns its path."""
    path = Path(folder or zoo_folder()) / 'README.md'
    with replacing(path) as file:
        file.write(readme(path.parent).encode())
    return path


def _dataset(entry) -> str:
    return entry['Metadata']['Training Data']


def _section(dataset, cards) -> list:
    parts = [f'\n## Trained and tested on {dataset}\n']
    if 'synthetic' in dataset:
        parts.append(_SYNTHETIC)
    columns = ('model', *_COLUMNS, PHOTOS)
    parts.append(f'\n| {" | ".join(columns)} |\n|{"---|" * len(columns)}\n')
    for card in cards:
        figures = {name: value for result in card.entry.get('Results', [])
                   if result['Dataset'] == dataset
                   for name, value in result['Metrics'].items()}
        cells = [f'{figures[name]:.3f}' if name in figures else ''
                 for name in _COLUMNS]
        row = (f'[{card.name}](#{card.name})', *cells, _photos(card))
        parts.append(f'| {" | ".join(row)} |\n')
    return parts + [_details(card) for card in cards]


def _photos(card) -> str:
    for result in card.entry.get('Results', []):
        if result['Dataset'] == PHOTOS:
            return f'{result["Metrics"]["right"]} of {result["Metrics"]["of"]}'
    return ''


def _details(card) -> str:
    metadata, checkpoint = card.entry['Metadata'], card.entry['Checkpoint']
    file = f'`{card.file}`'
    if checkpoint.get('In Repository', True):
        file = f'[{file}]({card.name}/{card.file})'
    lines = [
        f'file: {file}, {metadata["Size (MB)"]} MB, {metadata["Parameters (M)"]} M '
        f'parameters, sha256 `{card.sha256}`',
        f'config: [`{card.config}`](../{card.config})',
        f'training data: {metadata["Training Data"]}; `{metadata["Data Command"]}`',
        f'training: {metadata["Training"]}; [log]({card.name}/train.log)',
        f'all figures: [metrics.json]({card.name}/metrics.json), by '
        f'`{card.entry["Test Command"]}`' if card.entry.get('Results')
        else f'not measured yet: `{card.entry["Test Command"]}`']
    if 'Photos Command' in card.entry:
        lines.append(f'{PHOTOS}: `{card.entry["Photos Command"]}`')
    if checkpoint['Float32 Tensors']:
        lines.append(f'in float32: {", ".join(checkpoint["Float32 Tensors"])}')
    return f'\n### {card.name}\n\n' + ''.join(f'- {line}\n' for line in lines)
