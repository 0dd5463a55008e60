"""The only place that patches what is outside df2mm.

:func:`apply` runs when df2mm is imported. It changes nothing that works
already: a compiled mmcv, an installed xtcocotools and the caller's own safe
globals stay as they are.
"""

import importlib
import importlib.util
import sys
import warnings

__all__ = ['apply']


def apply():
    """Make the stack of packages below df2mm work together.

    - ``mmcv.ops`` without a compiler (:mod:`df2mm.compat.operators`);
    - safe loading and resuming of checkpoints (:mod:`df2mm.compat.loading`);
    - ``df2mm::config`` names in mmengine (:mod:`df2mm.compat.hub`);
    - mmpose without xtcocotools (:mod:`df2mm.compat.xtcocotools`).

    Safe to call again. To leave out a compiled mmcv, set
    ``sys.modules['mmcv._ext'] = None`` before df2mm is imported.

    Raises:
        ImportError: If there is neither mmcv nor mmcv-lite.
    """
    _provide_operators()
    from . import hub, loading

    loading.allow_safe_loading()
    hub.register_names()
    _provide_xtcocotools()


def _provide_operators():
    import torch  # noqa: F401  (a compiled mmcv._ext links against it)

    try:
        mmcv = importlib.import_module('mmcv')
    except ModuleNotFoundError as error:
        if error.name != 'mmcv':
            raise
        raise ImportError(
            'df2mm needs mmcv 2.1.0, which is not installed. Without a '
            'compiler: pip install mmcv-lite==2.1.0. With all operators '
            'compiled: MMCV_WITH_OPS=1 pip install --no-build-isolation '
            '--no-binary mmcv mmcv==2.1.0. Never both') from error
    try:
        importlib.import_module('mmcv._ext')
    except ImportError as error:
        if not isinstance(error, ModuleNotFoundError):
            warnings.warn(
                f'the compiled operators of mmcv do not load ({error}); '
                'torchvision takes their place', stacklevel=3)
        operators = importlib.import_module('df2mm.compat.operators')
        sys.modules['mmcv._ext'] = mmcv._ext = operators


def _provide_xtcocotools():
    if 'xtcocotools' in sys.modules:
        return
    if importlib.util.find_spec('xtcocotools') is None:
        # Its submodules are found through the package's path.
        sys.modules['xtcocotools'] = importlib.import_module(
            'df2mm.compat.xtcocotools')
