"""Metadata is in setup.cfg; this file only lays out ``df2mm/.mim`` for mim."""

import shutil
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.editable_wheel import editable_wheel

ROOT = Path(__file__).resolve().parent
MIM_ITEMS = ('configs', 'tools', 'model_zoo', 'model-index.yml')


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


class EditableWheel(editable_wheel):
    """Lead mim and mmengine, which search site-packages, to the checkout.

    They join site-packages and the first line of top_level.txt, and an absolute
    path is what it is after joining.
    """

    def _ensure_dist_info(self):
        super()._ensure_dist_info()
        names = Path(self.dist_info_dir, 'top_level.txt')
        names.write_text(f"{ROOT / 'df2mm'}\n{names.read_text()}")


if __name__ == '__main__':
    # pip builds an editable install through `editable_wheel`, never `develop`.
    lay_out_mim(link=bool({'develop', 'editable_wheel'} & set(sys.argv)))
    setup(cmdclass=dict(editable_wheel=EditableWheel))
