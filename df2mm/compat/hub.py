"""``df2mm::config`` names in mmengine, and what its hub asks of a package.

mmengine knows its sister projects by a fixed list, and ``get_model`` imports
``<package>.utils`` to call ``register_all_modules`` there. This module stands
under that name too (``sys.modules``).
"""

import sys
import time

from mmengine.config.utils import MODULE2PACKAGE
from mmengine.registry import DefaultScope

__all__ = ['register_all_modules']


def register_names():
    """Let mmengine resolve ``df2mm::...``."""
    MODULE2PACKAGE.setdefault('df2mm', 'df2mm')
    sys.modules.setdefault('df2mm.utils', sys.modules[__name__])


def register_all_modules(init_default_scope=True):
    """Register mmdet's and df2mm's modules, as mmengine's hub expects.

    df2mm's modules live in mmdet's registries, so the default scope becomes
    mmdet's. A model of another scope says so itself: ``_scope_='mmpose'``.

    Args:
        init_default_scope (bool): Whether to set the default scope.
    """
    import mmdet.utils

    import df2mm  # noqa: F401  (importing it registers all)

    mmdet.utils.register_all_modules(init_default_scope=False)
    if init_default_scope:
        DefaultScope.get_instance(f'df2mm-{time.time_ns()}',
                                  scope_name='mmdet')
