"""Names of models: each is that of its config, listed in ``model-index.yml``."""

import difflib
from pathlib import Path

import yaml

from df2mm.zoo.places import zoo_root

_PREFIX = 'df2mm::'


def zoo_entries(root=None) -> dict:
    """What the metafiles say of the models.

    Args:
        root (Path, optional): The folder of ``model-index.yml``. Defaults to the
            package's own.

    Returns:
        dict[str, dict]: Name to the entry under ``Models``.

    Raises:
        FileNotFoundError: If the index or a metafile is missing.
        ValueError: If a model has no name or no config, or stands there twice.
    """
    root, entries = Path(root or zoo_root()), {}
    for metafile in yaml.safe_load((root / 'model-index.yml').read_text())['Import']:
        for entry in yaml.safe_load((root / metafile).read_text())['Models']:
            if not entry.get('Name') or not entry.get('Config'):
                raise ValueError(f'{root / metafile}: every model needs Name and '
                                 f'Config, got {sorted(entry)}')
            if entry['Name'] in entries:
                raise ValueError(f'{root / metafile}: {entry["Name"]} stands in '
                                 'model-index.yml twice. Take one entry out')
            entries[entry['Name']] = entry
    return entries


def zoo_configs() -> dict:
    """The models of the zoo: name to the path of its config.

    Raises:
        As :func:`zoo_entries`.
    """
    root = zoo_root()
    return {name: root / entry['Config'] for name, entry in zoo_entries(root).items()}


def config_path(model) -> Path:
    """The config of a name.

    Args:
        model (str): Such as ``match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic``;
            also with mmengine's prefix, ``df2mm::match_rcnn/<name>.py``.

    Raises:
        ValueError: If there is no such model; names the nearest ones.
    """
    text = str(model)
    name = text.removeprefix(_PREFIX).rsplit('/', 1)[-1].removesuffix('.py')
    configs = zoo_configs()
    if name not in configs:
        close = difflib.get_close_matches(name, configs, n=3, cutoff=0.3)
        raise ValueError(f'no model of the zoo is called {name!r}, and no config file '
                         f'{text!r} is here. Did you mean {" or ".join(close)}?'
                         if close else f'no model of the zoo is called {name!r}. There '
                         f'are {", ".join(sorted(configs))}')
    return configs[name]


def name_of_config(path) -> str | None:
    """The model whose config this file is, or None: a copy elsewhere is none."""
    if path is None:
        return None
    path = Path(path)
    known = zoo_configs().get(path.stem)
    return path.stem if known and known.resolve() == path.resolve() else None
