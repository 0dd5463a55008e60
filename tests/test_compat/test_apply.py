"""What df2mm.compat.apply does with the mmcv it finds."""

import importlib
import sys

import pytest

from df2mm import compat
from df2mm.compat import operators


def test_compiled_operators_are_left_alone(monkeypatch):
    compiled = object()
    monkeypatch.setitem(sys.modules, 'mmcv._ext', compiled)
    compat.apply()
    assert sys.modules['mmcv._ext'] is compiled


def test_broken_compiled_operators_are_replaced(monkeypatch):
    real = importlib.import_module

    def broken(name, *args):
        if name == 'mmcv._ext':
            raise ImportError('undefined symbol: _ZN2at')
        return real(name, *args)

    monkeypatch.setattr(importlib, 'import_module', broken)
    monkeypatch.setitem(sys.modules, 'mmcv._ext', None)
    with pytest.warns(UserWarning, match='undefined symbol'):
        compat.apply()
    assert sys.modules['mmcv._ext'] is operators


def test_no_mmcv_at_all(monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmcv', None)
    with pytest.raises(ImportError, match=r'mmcv-lite==2\.1\.0.*--no-binary'):
        compat.apply()
