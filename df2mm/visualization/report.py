"""One page that shows results: figures, tables, charts and pictures.

The page opens from disk without a network: its style stands inside it, its
pictures beside it or, on request, inside it too. Every text is escaped.
"""

import re
from html import escape
from itertools import groupby
from pathlib import Path

from df2mm.atomic import replacing
from df2mm.version import __version__
from df2mm.visualization.charts import bars_html, line_chart_svg
from df2mm.visualization.gallery import Gallery, Shelf
from df2mm.visualization.report_style import MARK, SCRIPT, STYLE
from df2mm.visualization.tables import check_rows, number, number_columns


class Report:
    """A page put together part by part; each ``add_...`` returns the report.

    Args:
        title (str): The headline.
        subtitle (str): A sentence under it.

    Examples:
        >>> report = Report('Clothes found', 'A short run')
        >>> report = report.add_cards([('box AP', 0.41, 'validation')])
        >>> report = report.add_section('By category')
        >>> report = report.add_bars([('skirt', 0.5), ('vest', 0.3)])
        >>> path = report.write('report.html')
    """

    def __init__(self, title: str, subtitle: str = '') -> None:
        self.title, self.subtitle = title, subtitle
        self._sections = []
        self._blocks = []

    def add_section(self, title: str, text: str = ''):
        """Start a section; what is added after it stands in it.

        Args:
            title (str): Also its link at the top of the page.
            text (str): Under the title; an empty line starts a new paragraph.
        """
        self._sections.append((title, len(self._blocks)))
        self._blocks.append(f'<h2>{escape(title)}</h2>')
        return self.add_text(text)

    def add_text(self, text: str):
        """Add paragraphs; an empty line starts a new one."""
        for paragraph in filter(None, map(str.strip, re.split(r'\n\s*\n', text))):
            self._blocks.append(f'<p>{escape(paragraph)}</p>')
        return self

    def add_cards(self, cards, digits: int = 3):
        """Add summary figures.

        Args:
            cards (Sequence[tuple]): (name, value) or (name, value, note).
            digits (int): Of a float, after the point.
        """
        parts = []
        for name, value, *note in cards:
            small = ''.join(f'<small>{escape(str(n))}</small>' for n in note)
            parts.append(f'<div class="card"><dt>{escape(str(name))}</dt>'
                         f'<dd>{escape(number(value, digits))}</dd>{small}</div>')
        self._blocks.append(f'<dl class="cards">{"".join(parts)}</dl>')
        return self

    def add_table(self, header, rows, caption: str = '', digits: int = 3):
        """Add a table; columns of numbers are set to the right.

        Args:
            header (Sequence[str]): C column names.
            rows (Sequence[Sequence]): Of C texts or numbers; None and NaN are
                shown as a dash.
            caption (str): Over the table.
            digits (int): Of a float, after the point.

        Raises:
            ValueError: If a row has not C cells.
        """
        rows = [list(row) for row in rows]
        check_rows(header, rows)
        right = number_columns(rows, len(header))

        def cells(tag, values):
            return ''.join(
                f'<{tag}{" class=num" * num}>{escape(number(v, digits))}</{tag}>'
                for v, num in zip(values, right, strict=True))

        body = ''.join(f'<tr>{cells("td", row)}</tr>' for row in rows)
        if not rows:
            body = f'<tr><td colspan="{len(header)}" class="empty">no rows</td></tr>'
        top = f'<caption>{escape(caption)}</caption>' if caption else ''
        self._blocks.append(
            f'<div class="panel"><table>{top}<thead><tr>{cells("th", header)}</tr>'
            f'</thead><tbody>{body}</tbody></table></div>')
        return self

    def add_bars(self, rows, series=(), title: str = '', **options):
        """Add horizontal bars, beside the charts before and after them.

        See :func:`charts.bars_html` for the arguments.
        """
        return self._add_panel(title, bars_html(rows, series, **options))

    def add_line_chart(self, series, title: str = '', **options):
        """Add a line chart, beside the charts before and after it.

        See :func:`charts.line_chart_svg` for the arguments.
        """
        return self._add_panel(title, line_chart_svg(series, title=title, **options))

    def _add_panel(self, title: str, content: str):
        top = f'<h3>{escape(title)}</h3>' if title else ''
        self._blocks.append(_Chart(f'<div class="panel">{top}{content}</div>'))
        return self

    def add_gallery(self, pictures, size: str = 'medium'):
        """Add pictures; a click enlarges one.

        Args:
            pictures (Sequence[tuple]): Of (image, caption), where an image is
                (H, W, 3) uint8 RGB or the path of a picture file.
            size (str): ``small``, ``medium`` or ``large``: how wide a picture is
                at least shown.

        Raises:
            ValueError: If the size is another, or a picture is neither such an
                array nor a JPEG, PNG, WebP or GIF file.
            FileNotFoundError: If a picture file is missing.
        """
        self._blocks.append(Gallery(pictures, size))
        return self

    def write(self, path, embed: bool = False) -> Path:
        """Write the page.

        Args:
            path (str | Path): Of the HTML file. Its folder is made if missing;
                what is there is overwritten.
            embed (bool): Put the pictures into the page. Otherwise they go to
                the folder ``<name>_files`` beside it.

        Returns:
            Path: Of the HTML file.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        shelf = Shelf(path.with_name(f'{path.stem}_files'), embed)
        blocks = [block.html(shelf) if isinstance(block, Gallery) else block
                  for block in self._blocks]
        with replacing(path) as file:
            file.write(self._page(blocks).encode())
        return path

    def _page(self, blocks: list) -> str:
        starts = [start for _, start in self._sections] + [len(blocks)]
        body = _joined(blocks[:starts[0]])
        links = ''
        for i, (title, start) in enumerate(self._sections):
            links += f'<a href="#s{i + 1}">{escape(title)}</a>'
            body += (f'<section id="s{i + 1}">'
                     f'{_joined(blocks[start:starts[i + 1]])}</section>')
        nav = f'<nav>{links}</nav>' if len(self._sections) > 1 else ''
        subtitle = f'<p class="subtitle">{escape(self.subtitle)}</p>'
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f'<title>{escape(self.title)} · df2mm</title><style>{STYLE}</style></head>'
            f'<body><header><div class="wrap"><div class="project">{MARK}df2mm</div>'
            f'<h1>{escape(self.title)}</h1>{subtitle if self.subtitle else ""}{nav}'
            f'</div></header><main class="wrap">{body}</main><footer>'
            f'<div class="wrap">Made with df2mm {escape(__version__)}</div></footer>'
            f'<script>{SCRIPT}</script></body></html>\n')


class _Chart(str):
    """A block that shares a row with the charts beside it."""


def _joined(blocks: list) -> str:
    """Blocks as one text; where charts follow each other they make one row."""
    parts = []
    for is_chart, group in groupby(blocks, key=lambda block: isinstance(block, _Chart)):
        text = ''.join(group)
        parts.append(f'<div class="row">{text}</div>' if is_chart else text)
    return ''.join(parts)
