"""df2mm/retrieval/filters.py"""

import numpy as np

from df2mm.retrieval import Filter
from df2mm.retrieval.filters import ValueColumn, flat_keys, typed_value


def test_an_expression_for_milvus():
    wanted = Filter.parsed(['vest', 0], {
        'brand': ['x"', 'é'], 'price': {'<=': 30, '>': 1.5}, 'new': True, 'none': []})
    assert wanted.expression() == (
        'label in [0, 4] and (keys["s:brand"] == "x\\"" or keys["s:brand"] == "é") and '
        'keys["n:price"] <= 30 and keys["n:price"] > 1.5 and (keys["b:new"] == true) '
        'and label == -1')
    assert Filter.parsed().expression() == ''


def test_keys_for_milvus():
    assert flat_keys({'a': 'x', 'b': 1, 'c': False, 'd': None, 'e': [1], 'f': {}}) == {
        's:a': 'x', 'n:b': 1, 'b:c': False}


def test_a_column_grows():
    column = ValueColumn()
    column.extend([typed_value(value) for value in (1, 'x', None, True)])
    column.extend([typed_value(value) for value in (1.0, [1], 'y', 'x')])
    assert column.codes.tolist() == [0, 1, -1, 2, 0, -1, 3, 1]
    wanted = Filter.parsed(where={'field': ['x', 1]})
    mask = wanted.mask(np.zeros(8), lambda name: column)
    assert np.flatnonzero(mask).tolist() == [0, 1, 4, 7]
    assert Filter.parsed().mask(np.zeros(8), None) is None
