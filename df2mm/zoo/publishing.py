"""From a training to a published checkpoint and its card.

First :func:`publish`, which converts the checkpoint and names it by its hash; then
tools/test.py on the published file itself; then :func:`complete`, which puts what was
measured into the card. So the figures of a card are those of the file it names.
"""

import hashlib
import json
from pathlib import Path

from df2mm.atomic import replacing
from df2mm.version import __version__
from df2mm.zoo.cards import Card, file_name, read_card, weights_of, write_card
from df2mm.zoo.index import list_card
from df2mm.zoo.names import config_path, name_of_config, zoo_entries
from df2mm.zoo.places import zoo_folder, zoo_root
from df2mm.zoo.readme import write_readme
from df2mm.zoo.results import (
    PHOTOS,
    measure_command,
    photo_results,
    read_metrics,
    read_photos,
    task_results,
)

#: What a checkpoint in the repository may have, in bytes.
LIMIT = 40_000_000


def publish(config, checkpoint, logs, *, data: str, training: str, folder=None,
            out=None) -> Card:
    """Convert a training's checkpoint and write its card, still without figures.

    Only the weights are kept, in float16 where that holds them.

    Args:
        config (str | Path): A name or a config of the zoo.
        checkpoint (str | Path): What the training saved.
        logs (Sequence[str | Path]): The training's logs, in order; they become
            ``train.log``, without the absolute paths of this machine.
        data (str): The command that made the training data, or where they are from.
        training (str): How long, and on what, it was trained.
        folder (str | Path, optional): Of the cards. Defaults to the package's
            ``model_zoo``.
        out (str | Path, optional): A folder for the checkpoint outside of it, laid
            out as a mirror.

    Returns:
        Card: Of the published file.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the config is not the zoo's, the checkpoint does not fit it or
            is damaged, or the file is too large for the repository.
    """
    from safetensors.torch import save

    from df2mm.engine import check_state, load_state
    from df2mm.zoo.models import build_untrained, to_half
    name = _name_of(config)
    entry = zoo_entries()[name]
    text = _joined(logs)
    model = build_untrained(zoo_root() / entry['Config'])
    check_state(model.state_dict(), state := load_state(checkpoint), checkpoint)
    state, kept = to_half(state)
    about = dict(config=entry['Config'], df2mm=__version__, data=data,
                 training_data=entry['Metadata']['Training Data'])
    # One key: safetensors writes several in an order that changes, and so the hash.
    content = save(state, dict(df2mm=json.dumps(about, sort_keys=True)))
    if out is None and len(content) > LIMIT:
        raise ValueError(
            f'{name} has {len(content):,} bytes, and the repository takes {LIMIT:,} at '
            'most. Give --out DIR, and put what is written there on a mirror')
    folder = Path(folder or zoo_folder())
    count = sum(parameter.numel() for parameter in model.parameters())
    card = _new_card(folder, entry, content, count, kept, data, training, out is None)
    return _write(card, content, text, Path(out) / name if out else card.path.parent)


def complete(name: str, *, metrics=None, photos=None, training=None,
             folder=None) -> Card:
    """Put what was measured on the published file into its card, and list it.

    Updates ``model-index.yml`` and the README beside the cards.

    Args:
        name (str): The model.
        metrics (str | Path, optional): What tools/test.py wrote. Defaults to
            ``metrics.json`` beside the card, where a copy goes in any case.
        photos (str | Path, optional): As :func:`df2mm.zoo.results.read_photos`.
            Without it the card keeps what it has.
        training (str, optional): Replaces what the card says.
        folder (str | Path, optional): Of the cards.

    Raises:
        FileNotFoundError: If the card or a file is missing.
        ValueError: If the metrics are not those of the published file.
    """
    from df2mm.engine import read_config
    folder = Path(folder or zoo_folder())
    card = read_card(folder / name / 'metafile.yml')
    own = card.path.with_name('metrics.json')
    source = Path(metrics or own)
    data_root = read_config(zoo_root() / card.config).get('data_root')
    found = read_metrics(source, card, data_root)
    entry = dict(card.entry)
    entry['Results'] = task_results(found, entry['Metadata']['Training Data']) + [
        result for result in entry.get('Results', [])
        if photos is None and result['Dataset'] == PHOTOS]
    if photos is not None:
        counted = read_photos(photos)
        entry['Results'].append(photo_results(counted))
        entry['Photos Command'] = counted['command']
    if training is not None:
        entry['Metadata'] = dict(entry['Metadata'], Training=training)
    if source.resolve() != own.resolve():
        with replacing(own) as file:
            file.write(source.read_bytes())
    card = Card(card.path, entry)
    write_card(card)
    list_card(card)
    write_readme(folder)
    return card


def _name_of(config) -> str:
    if not Path(config).is_file():
        return config_path(config).stem
    name = name_of_config(config)
    if name is None:
        raise ValueError(f'{config} is no config of the zoo. List it in a metafile of '
                         'model-index.yml')
    return name


def _joined(logs) -> str:
    """The text of the logs, with paths relative to the repository."""
    text = ''
    for log in map(Path, logs):
        if not log.is_file():
            raise FileNotFoundError(f'log not found: {log}')
        text += log.read_text(errors='replace')
    for place, short in ((zoo_root(), ''), (Path.cwd(), ''), (Path.home(), '~/')):
        if place != Path('/'):
            text = text.replace(f'{place}/', short)
    return text


def _new_card(folder, entry, content, count, kept, data, training, in_repository):
    name, sha256 = entry['Name'], hashlib.sha256(content).hexdigest()
    metadata = entry['Metadata']
    file = file_name(name, sha256)
    checkpoint = dict(File=file, SHA256=sha256, Bytes=len(content))
    if not in_repository:
        checkpoint['In Repository'] = False
    checkpoint['Float32 Tensors'] = kept
    card = Card(folder / name / 'metafile.yml', {
        'Name': name, 'In Collection': entry['In Collection'],
        'Config': entry['Config'],
        'Metadata': {**metadata, 'Data Command': data, 'Training': training,
                     'Synthetic Data': 'synthetic' in metadata['Training Data'],
                     'Parameters (M)': round(count / 1e6, 2),
                     'Size (MB)': round(len(content) / 1e6, 1)},
        'Results': [], 'Weights': weights_of(file), 'Checkpoint': checkpoint})
    card.entry['Test Command'] = measure_command(card)
    return card


def _write(card, content, log, place) -> Card:
    old = read_card(card.path) if card.path.is_file() else None
    with replacing(place / card.file) as file:
        file.write(content)
    with replacing(card.path.with_name('train.log')) as file:
        file.write(log.encode())
    write_card(card)
    if old and old.sha256 != card.sha256:
        # Measured on a file that is published no more.
        card.path.with_name('metrics.json').unlink(missing_ok=True)
        old.local.unlink(missing_ok=True)
    return card
