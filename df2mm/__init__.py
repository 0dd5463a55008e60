"""df2mm: an OpenMMLab model zoo for DeepFashion2. Importing it registers all."""

from df2mm import compat
from df2mm.version import __version__

compat.apply()

__all__ = ['__version__']
