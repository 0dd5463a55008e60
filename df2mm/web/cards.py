"""The parts of the page that are HTML: matches as cards, messages, the gallery's name.

Texts of a gallery are anybody's; all of them are escaped.
"""

import base64
import json
from html import escape

# More of a text or of the fields would push the next card off the screen.
_MOST_LETTERS, _MOST_FIELDS = 80, 8


def matches_html(matches, pictures) -> str:
    """Cards of matches, best first.

    Args:
        matches (Sequence[Match]): N.
        pictures (Sequence[bytes | None]): N JPEG files.
    """
    cards = [_card(rank, match, picture) for rank, (match, picture) in enumerate(
        zip(matches, pictures, strict=True), 1)]
    return f'<ol class="df2-matches">{"".join(cards)}</ol>'


def note_html(text: str) -> str:
    """A quiet line."""
    return f'<p class="df2-note">{escape(text)}</p>'


def error_html(text: str) -> str:
    """A line that is seen and read out at once."""
    return f'<p class="df2-error" role="alert">{escape(text)}</p>'


def header_html(name: str, size: int) -> str:
    """The page's title with the gallery's name and size."""
    return (f'<header class="df2-header"><h1>Find this garment</h1>'
            f'<p>Gallery <b>{escape(name)}</b>, {size:,} '
            f'garment{"s" if size != 1 else ""}</p></header>')


def _card(rank, match, picture) -> str:
    entry, percent = match.entry, 100 * match.probability
    if picture is None:
        image = '<div class="df2-no-picture">no picture in the images root</div>'
    else:
        source = base64.b64encode(picture).decode()
        image = (f'<img alt="match {rank}: {escape(entry.category)}" '
                 f'src="data:image/jpeg;base64,{source}">')
    rows = list(entry.fields.items())
    fields = ''.join(f'<dt>{_text(name)}</dt><dd>{_value(value)}</dd>'
                     for name, value in rows[:_MOST_FIELDS])
    more = len(rows) - _MOST_FIELDS
    return (
        f'<li>{image}<div class="df2-score" title="logit {match.score:.3f}">'
        f'<span class="df2-rank">{rank}</span>'
        f'<i><i style="width:{percent:.1f}%"></i></i><b>{match.probability:.3f}</b>'
        f'</div><div class="df2-category">{escape(entry.category)}</div>'
        f'<div class="df2-id" title="{escape(entry.id or "")}">{_text(entry.id)}</div>'
        + (f'<dl>{fields}</dl>' if fields else '')
        + (f'<div class="df2-id">and {more} more fields</div>' if more > 0 else '')
        + '</li>')


def _value(value) -> str:
    """HTML of a field: a link where it is an address of the web."""
    if isinstance(value, str) and value.startswith(('http://', 'https://')):
        return (f'<a href="{escape(value)}" target="_blank" '
                f'rel="noopener noreferrer">{_text(value.partition("://")[2])}</a>')
    if isinstance(value, str):
        return _text(value)
    return _text(json.dumps(value, ensure_ascii=False))


def _text(value) -> str:
    text = str(value)
    if len(text) > _MOST_LETTERS:
        text = text[:_MOST_LETTERS - 1] + '…'
    return escape(text)
