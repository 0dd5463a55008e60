"""df2mm: an OpenMMLab model zoo for DeepFashion2. Importing it registers all."""

from df2mm.version import __version__

__all__ = ['__version__']
