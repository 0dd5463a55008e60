"""df2mm/retrieval needs neither a network nor data sets, nor what it may lack."""

import ast
import sys
from pathlib import Path

import df2mm.retrieval

ROOT = Path(df2mm.retrieval.__file__).parent
ALLOWED = {'numpy', 'orjson', 'df2mm.retrieval', 'df2mm.metainfo', 'df2mm.atomic',
           'df2mm.ranges'}
#: Only inside functions.
LAZY = {'faiss', 'pymilvus', 'milvus_lite'}


def imported(path):
    """(module, whether at the top) of each import."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        for name in names:
            yield name, node in tree.body


def test_imports():
    paths = sorted(ROOT.rglob('*.py'))
    assert len(paths) > 10
    for path in paths:
        for name, is_top in imported(path):
            package, where = name.split('.')[0], f'{name} in {path.name}'
            if package in LAZY:
                assert not is_top, where
            elif package not in sys.stdlib_module_names:
                wanted = '.'.join(name.split('.')[:2]) if package == 'df2mm' else name
                assert wanted in ALLOWED, where
