"""df2mm: an OpenMMLab model zoo for DeepFashion2. Importing it registers all."""

from df2mm import compat
from df2mm.version import __version__

compat.apply()

# Only after that: they need mmcv's operators.
from df2mm import datasets, engine, evaluation, models  # noqa: E402
from df2mm.visualization import visualizer  # noqa: E402

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models', 'visualizer']
