"""Charts as text, without a plotting library: SVG lines and HTML bars.

Colours are CSS variables with a fallback, so that a chart follows the page that
it stands in and still shows when it stands alone.
"""

import math
from html import escape

from df2mm.visualization.tables import NO_VALUE, number

#: Told apart by colour-blind readers too, on light and on dark.
SERIES_COLORS = ('#2f6fed', '#e0851b', '#17a05d', '#c2408f', '#8a63d2', '#1c9cb5')

_WIDTH, _HEIGHT = 540, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 18, 30, 44


def series_color(index: int) -> str:
    """CSS colour of the index-th series."""
    index %= len(SERIES_COLORS)
    return f'var(--series-{index + 1}, {SERIES_COLORS[index]})'


def ticks(low: float, high: float, about: int = 5) -> list:
    """Round numbers that span a range: multiples of 1, 2 or 5 times 10^n.

    Args:
        low, high (float): The range, ``low`` < ``high``.
        about (int): How many steps to aim at.

    Returns:
        list[float]: In order; the first is at or under ``low``, the last at or
        over ``high``.
    """
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def line_chart_svg(series, *, title='', x_label='', y_label='') -> str:
    """A line chart as an inline SVG element.

    Args:
        series (dict[str, Sequence]): Name to its (x, y) points. Points that are
            not finite are left out, and break the line.
        title (str): What the chart shows, for readers who do not see it too.
        x_label, y_label (str): Of the axes, units included.

    Returns:
        str: An ``<svg>``. Without any point one that says so.

    Raises:
        ValueError: If a point is not a pair of numbers.
    """
    series = {str(name): [_point(p, name) for p in points]
              for name, points in series.items()}
    finite = [p for points in series.values() for p in points if all(
        map(math.isfinite, p))]
    head = (f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="12">'
            f'<title>{escape(title or "line chart")}</title>')
    if not finite:
        return (f'{head}<text x="{_WIDTH / 2}" y="{_HEIGHT / 2}" '
                f'text-anchor="middle" {_INK}>no values</text></svg>')
    x_ticks = _spanning_ticks([x for x, _ in finite], about=6)
    y_ticks = _spanning_ticks([y for _, y in finite], about=5)

    def x_of(x):
        # The last tick may lie past the data: lines end at the right edge.
        low, high = min(f[0] for f in finite), max(f[0] for f in finite)
        low, high = (x_ticks[0], x_ticks[-1]) if low == high else (low, high)
        return _LEFT + (x - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def y_of(y):
        share = (y - y_ticks[0]) / (y_ticks[-1] - y_ticks[0])
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    parts = [head, *_axes(x_ticks, y_ticks, x_of, y_of, x_label, y_label)]
    for i, points in enumerate(series.values()):
        parts += _curve(points, x_of, y_of, series_color(i))
    parts += _legend(series)
    return ''.join(parts) + '</svg>'


_INK = 'fill="var(--soft, #5b6472)"'


def _point(point, name) -> tuple:
    try:
        x, y = point
        return float(x), float(y)
    except (TypeError, ValueError):
        raise ValueError(f'a point must be a pair of numbers (x, y), got {point!r} '
                         f'in series {name!r}') from None


def _spanning_ticks(values, about: int) -> list:
    """Ticks over some values; where all are equal, around them."""
    low, high = min(values), max(values)
    if low == high:
        margin = abs(low) / 2 or 1.0
        low, high = low - margin, high + margin
    return ticks(low, high, about)


def _axes(x_ticks, y_ticks, x_of, y_of, x_label: str, y_label: str) -> list:
    floor, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for y in y_ticks:
        parts.append(
            f'<line x1="{_LEFT}" x2="{right}" y1="{y_of(y):.1f}" y2="{y_of(y):.1f}" '
            f'stroke="var(--line, #dfe3e8)"/><text x="{_LEFT - 8}" '
            f'y="{y_of(y) + 4:.1f}" text-anchor="end" {_INK}>{y:,g}</text>')
    for x in x_ticks:
        if _LEFT - 1 <= x_of(x) <= right + 1:
            parts.append(
                f'<text x="{x_of(x):.1f}" y="{floor + 18}" text-anchor="middle" '
                f'{_INK}>{x:,g}</text>')
    parts.append(
        f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 6}" text-anchor="middle" '
        f'{_INK}>{escape(x_label)}</text>'
        f'<text transform="translate(14 {(_TOP + floor) / 2}) rotate(-90)" '
        f'text-anchor="middle" {_INK}>{escape(y_label)}</text>')
    return parts


def _curve(points, x_of, y_of, color: str) -> list:
    """The line, and a dot on its last point that names the value."""
    path, pen = [], 'M'
    for x, y in points:
        if math.isfinite(x) and math.isfinite(y):
            path.append(f'{pen}{x_of(x):.1f} {y_of(y):.1f}')
            pen = 'L'
        else:
            pen = 'M'
    finite = [p for p in points if all(map(math.isfinite, p))]
    if not finite:
        return []
    x, y = finite[-1]
    return [f'<path d="{"".join(path)}" fill="none" stroke="{color}" '
            f'stroke-width="2" stroke-linejoin="round"/>'
            f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3.5" fill="{color}">'
            f'<title>{y:,g}</title></circle>']


def _legend(series) -> list:
    parts, x = [], _LEFT
    for i, name in enumerate(series):
        parts.append(
            f'<rect x="{x}" y="8" width="14" height="4" rx="2" '
            f'fill="{series_color(i)}"/><text x="{x + 20}" y="14" '
            f'fill="var(--ink, #1f242d)">{escape(name)}</text>')
        # SVG text has no width before it is shown: 7 px a letter holds for 12 px.
        x += 36 + 7 * len(name)
    return parts


def bars_html(rows, series=(), *, digits=3, maximum=None) -> str:
    """Horizontal bars, one group a row.

    Args:
        rows (list[tuple[str, float | Sequence]]): A name and its value, or one
            value for each of the series. None or NaN draws no bar and a dash.
        series (Sequence[str]): Their names; empty for one that needs none.
        digits (int): After the point.
        maximum (float, optional): What a full bar stands for. Defaults to the
            greatest value.

    Returns:
        str: HTML.

    Raises:
        ValueError: If a row has not one value for each of the series, or a value
            is negative.
    """
    count = max(1, len(series))
    groups = []
    for name, values in rows:
        values = list(values) if isinstance(values, (list, tuple)) else [values]
        if len(values) != count:
            raise ValueError(
                f'a row must have {count} values, got {len(values)} in {name!r}')
        values = [None if number(v) == NO_VALUE else float(v) for v in values]
        if any(v is not None and v < 0 for v in values):
            raise ValueError(f'bars must not be negative, got {values} in {name!r}')
        groups.append((name, values))
    known = [v for _, values in groups for v in values if v is not None]
    full = maximum or max(known, default=0) or 1
    parts = ['<div class="legend">', *(
        f'<span><i style="background:{series_color(i)}"></i>{escape(name)}</span>'
        for i, name in enumerate(series)), '</div>'] if series else []
    parts.append('<div class="bars">')
    for name, values in groups:
        bars = ''.join(
            f'<div class="bar"><div class="track"><i style="width:'
            f'{min(1, (v or 0) / full):.1%};background:{series_color(i)}"></i></div>'
            f'<b>{number(v, digits)}</b></div>' for i, v in enumerate(values))
        parts.append(f'<span class="name">{escape(str(name))}</span><div>{bars}</div>')
    return ''.join(parts) + '</div>'
