"""Metadata is in setup.cfg; this file only lays out ``df2mm/.mim`` for mim."""

import shutil
import sys
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
MIM_ITEMS = ('configs', 'tools', 'model-index.yml', 'dataset-index.yml')


def lay_out_mim(link: bool) -> None:
    """Put what mim looks for into ``df2mm/.mim``, as links or as copies."""
    mim = ROOT / 'df2mm' / '.mim'
    if mim.is_symlink():
        mim.unlink()
    shutil.rmtree(mim, ignore_errors=True)
    mim.mkdir(parents=True)
    for name in MIM_ITEMS:
        source = ROOT / name
        if not source.exists():
            continue
        if link:
            (mim / name).symlink_to(Path('..', '..', name))
        elif source.is_dir():
            shutil.copytree(
                source, mim / name, ignore=shutil.ignore_patterns('__pycache__'))
        else:
            shutil.copy2(source, mim / name)


if __name__ == '__main__':
    # pip builds an editable install through `editable_wheel`, never `develop`.
    lay_out_mim(link=bool({'develop', 'editable_wheel'} & set(sys.argv)))
    setup()
