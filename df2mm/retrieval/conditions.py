"""Conditions on fields as a person types them."""

import json
import re

_CONDITION = re.compile(r'([^<>=]+?)\s*(<=|>=|<|>|=)\s*(.*)', re.DOTALL)


def where_of(texts) -> dict:
    """Conditions as ``GalleryIndex.search`` takes them.

    ``brand=x`` asks for equality, ``brand=x,y`` for one of several, ``price<=30`` and
    the like for a number within bounds; several conditions must all hold. A value
    that reads as a number, ``true`` or ``false`` is one; in double quotes it is text.

    Args:
        texts (Sequence[str]): Such as ``['brand=x', 'price>=10', 'price<30']``.

    Returns:
        dict: ``{'brand': 'x', 'price': {'>=': 10, '<': 30}}``.

    Raises:
        ValueError: If a text is no condition, a bound no number, or a field is
            asked for in two ways.
    """
    where = {}
    for text in texts:
        found = _CONDITION.fullmatch(text.strip())
        if not found:
            raise ValueError('a condition must be such as brand=x, brand=x,y or '
                             f'price<=30, got {text!r}')
        name, sign, value = found.groups()
        if sign == '=':
            if name in where:
                raise ValueError(f'field {name!r} must have one condition, or bounds '
                                 'alone; name several values as brand=x,y')
            values = [_value(part) for part in value.split(',')]
            where[name] = values[0] if len(values) == 1 else values
            continue
        bounds = where.setdefault(name, {})
        number = _value(value)
        if not isinstance(bounds, dict) or sign in bounds:
            raise ValueError(f'field {name!r} must have one condition, or bounds '
                             f'alone, got {text!r} besides')
        if isinstance(number, (str, bool)):
            raise ValueError(f'a bound must be a number, got {value!r} in {text!r}')
        bounds[sign] = number
    return where


def _value(text: str):
    text = text.strip()
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (str, int, float, bool)) else text
