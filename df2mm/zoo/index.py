"""Cards in ``model-index.yml``, where mim and mmengine look."""

import re

import yaml

from df2mm.atomic import replacing
from df2mm.zoo.names import zoo_entries


def list_card(card) -> None:
    """List a card, and take the model out of the metafile that had it before.

    mim and mmengine want every model once. Of a folder of cards that is not beside
    a ``model-index.yml`` nothing is listed.

    Args:
        card (Card): Its metafile is at its place.

    Raises:
        ValueError: If a metafile is written in a way that this cannot edit.
    """
    root = card.path.parents[2]
    index = root / 'model-index.yml'
    own = card.path.relative_to(root).as_posix()
    if not index.is_file():
        return
    imports = yaml.safe_load(index.read_text())['Import']
    for metafile in imports:
        if metafile != own:
            _replace(root / metafile, without_model(
                (root / metafile).read_text(), card.name, metafile))
    if own not in imports:
        _replace(index, f'{index.read_text().rstrip()}\n  - {own}\n')
    zoo_entries(root)


def without_model(text: str, name: str, where) -> str:
    """The text of a metafile without one model; the rest stays as it was written.

    Raises:
        ValueError: If the model's lines cannot be told.
    """
    before = yaml.safe_load(text)
    models = [model for model in before['Models'] if model['Name'] != name]
    if len(models) == len(before['Models']):
        return text
    # From the model's line up to the next entry or key.
    found = re.sub(rf'^  - Name: {re.escape(name)}\n(?:   .*\n|\n)*', '', text,
                   count=1, flags=re.M)
    if not models:
        found = re.sub(r'^Models:\s*$', 'Models: []\n', found, flags=re.M)
    if yaml.safe_load(found) != dict(before, Models=models):
        raise ValueError(f'{where}: take {name} out by hand; it is listed by its card')
    return found


def _replace(path, text):
    if text != path.read_text():
        with replacing(path) as file:
            file.write(text.encode())
