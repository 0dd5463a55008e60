"""Matches as HTML, whatever is in their texts."""

import re

from df2mm.retrieval import Entry, Match
from df2mm.web.cards import error_html, header_html, matches_html


def card(picture=b'jpeg', probability=0.875, **fields):
    entry = Entry('a.jpg', (0, 0, 1, 1), 6, id='a.jpg#0', fields=fields)
    return matches_html([Match(entry, 1.95, probability)], [picture])


def test_a_card_has_all_of_a_match():
    html = card(price=19.5, sku='A-1', sizes=['S', 'M'])
    for text in ('<b>0.875</b>', 'width:87.5%', 'logit 1.950', 'shorts', 'a.jpg#0',
                 '<dt>price</dt><dd>19.5</dd>', '<dd>A-1</dd>', '[&quot;S&quot;'):
        assert text in html
    assert 'data:image/jpeg;base64,anBlZw==' in html


def test_texts_are_no_code():
    html = card(**{'<b>': '<script>x</script>', 'url': 'javascript:x', 'q': '"><i>'})
    assert '<script' not in html and '<b>&' not in html and 'href' not in html
    assert '&lt;script&gt;' in html and '&quot;&gt;&lt;i&gt;' in html
    assert '<u>' not in error_html('<u>') and '<u>' not in header_html('<u>', 3)


def test_addresses_are_links():
    html = card(url='https://shop.example/?a=1&b="')
    assert re.search(r'<a href="https://shop.example/\?a=1&amp;b=&quot;" '
                     r'target="_blank" rel="noopener noreferrer">', html)


def test_long_texts_and_many_fields_are_cut():
    html = card(**{f'f{i}': 'x' * 500 for i in range(11)})
    assert html.count('<dt>') == 8 and 'and 3 more fields' in html
    assert 'x' * 80 not in html


def test_without_a_picture_it_says_so():
    assert 'no picture in the images root' in card(picture=None)
    assert matches_html([], []) == '<ol class="df2-matches"></ol>'


def test_the_header_names_the_gallery():
    assert 'Gallery <b>shop</b>, 12,345 garments' in header_html('shop', 12345)
    assert '1 garment<' in header_html('shop', 1)
