import base64
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from df2mm.visualization.charts import bars_html, line_chart_svg, ticks
from df2mm.visualization.images import read_image, write_image
from df2mm.visualization.report import Report
from df2mm.visualization.tables import format_table, number

RED = np.full((40, 60, 3), (200, 30, 30), np.uint8)
EVIL = '<script>alert("x")</script> & \'co\''
VOID = {'meta', 'img', 'input', 'br', 'link'}


class Page(HTMLParser):
    """The tags, addresses and text of a page; fails where tags do not close."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.text, self.open = [], [], '', []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [v for k, v in attrs if k in ('src', 'href', 'xlink:href')]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (['style'], ['script']):
            self.text += data


def full_report(image=RED, text='plain'):
    return (Report(f'Title {text}', f'Subtitle {text}')
            .add_cards([(f'card {text}', 0.4123, f'note {text}'), ('count', 1234)])
            .add_section(f'Section {text}', f'First {text}.\n\nSecond.')
            .add_table([f'head {text}', 'AP'], [[f'cell {text}', 0.5], ['b', None]],
                       caption=f'caption {text}')
            .add_bars([(f'row {text}', (0.5, float('nan')))], [f'series {text}', 'b'],
                      title=f'bars {text}')
            .add_line_chart({f'loss {text}': [(0, 2.0), (1, 1.0)]},
                            title=f'chart {text}', x_label=f'x {text}',
                            y_label=f'y {text}')
            .add_section('Pictures')
            .add_gallery([(image, f'picture {text}')]))


@pytest.mark.parametrize('embed', [False, True])
def test_page_needs_no_network(tmp_path, embed):
    path = full_report().write(tmp_path / 'page.html', embed=embed)
    text = path.read_text()
    # The name of a name space is no address.
    bare = text.replace('xmlns="http://www.w3.org/2000/svg"', '')
    assert not re.search(r'(https?:)?//|@import|url\(', bare.split('<style>')[0])
    assert not re.search(r'https?:|@import|url\(|<link|<script src', bare)
    for address in Page(text).addresses:
        assert address.startswith(('#', 'data:image/' if embed else 'page_files/'))


def test_pictures_stand_beside_the_page_or_in_it(tmp_path):
    source = write_image(tmp_path / 'in' / 'a.png', RED)
    beside = full_report(source).write(tmp_path / 'beside' / 'page.html')
    address, = (a for a in Page(beside.read_text()).addresses if a[0] != '#')
    assert (read_image(beside.parent / address) == RED).all()
    inside = full_report(source).write(tmp_path / 'inside' / 'page.html', embed=True)
    assert [p.name for p in inside.parent.iterdir()] == ['page.html']
    address, = (a for a in Page(inside.read_text()).addresses if a[0] != '#')
    head, data = address.split(',')
    assert head == 'data:image/png;base64'
    assert base64.b64decode(data) == source.read_bytes()


def test_every_text_is_escaped(tmp_path):
    path = full_report(text=EVIL).write(tmp_path / 'page.html')
    page = Page(path.read_text())
    # The page's own script alone.
    assert page.tags.count('script') == 1
    assert 'alert("x")</script>' not in path.read_text()
    for where in ('Title', 'Subtitle', 'card', 'note', 'Section', 'First', 'head',
                  'cell', 'caption', 'row', 'series', 'bars', 'loss', 'chart', 'x',
                  'y', 'picture'):
        assert f'{where} {EVIL}' in page.text


def test_page_shows_what_was_added(tmp_path):
    text = Page(full_report().write(tmp_path / 'p.html').read_text()).text
    for part in ('0.412', '1,234', 'First plain.', 'Second.', '0.500', '—', 'Pictures'):
        assert part in text


def test_sections_are_linked(tmp_path):
    text = full_report().write(tmp_path / 'p.html').read_text()
    assert '<a href="#s2">Pictures</a>' in text and '<section id="s2">' in text


def test_array_that_changes_later_is_shown_as_it_was(tmp_path):
    image = RED.copy()
    report = Report('a').add_gallery([(image, '')])
    image[:] = 0
    path = report.write(tmp_path / 'p.html')
    assert read_image(tmp_path / 'p_files' / '001.jpg')[..., 0].min() > 190
    assert path.name == 'p.html'


def test_empty_parts_say_so(tmp_path):
    report = (Report('Nothing').add_cards([]).add_table(['a'], []).add_gallery([])
              .add_bars([]).add_line_chart({}).add_line_chart({'a': []}).add_text(''))
    page = Page(report.write(tmp_path / 'p.html').read_text())
    assert page.text.count('no values') == 2
    assert 'no rows' in page.text and 'no pictures' in page.text
    assert [p.name for p in tmp_path.iterdir()] == ['p.html']


def test_numbers_stand_to_the_right(tmp_path):
    report = Report('a').add_table(['name', 'AP'], [['box', 0.5], ['mask', None]])
    text = report.write(tmp_path / 'p.html').read_text()
    assert '<td>box</td><td class=num>0.500</td>' in text


@pytest.mark.parametrize(('call', 'error', 'message'), [
    (lambda r: r.add_table(['a', 'b'], [[1, 2], [3]]), ValueError,
     'a row must have 2 cells, one for each name in the header, got 1 in row 1'),
    (lambda r: r.add_gallery([], size='huge'), ValueError,
     r"size must be one of \['large', 'medium', 'small'\], got 'huge'"),
    (lambda r: r.add_gallery([('none.jpg', '')]), FileNotFoundError,
     'picture not found: none.jpg'),
    (lambda r: r.add_gallery([(__file__, '')]), ValueError,
     'a picture must be one of .* got no picture: .*test_report.py'),
    (lambda r: r.add_gallery([(np.zeros((4, 4)), '')]), ValueError,
     r'uint8 array of shape \(H, W, 3\), got float64 \(4, 4\)'),
    (lambda r: r.add_bars([('skirt', (1, 2))]), ValueError,
     "a row must have 1 values, got 2 in 'skirt'"),
    (lambda r: r.add_bars([('skirt', -1)]), ValueError, 'must not be negative'),
    (lambda r: r.add_line_chart({'loss': [1, 2]}), ValueError,
     r"a pair of numbers \(x, y\), got 1 in series 'loss'"),
    (lambda r: r.add_line_chart({'loss': [('a', 2)]}), ValueError, 'pair of numbers')])
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(Report('a'))


@pytest.mark.parametrize(('low', 'high', 'expected'), [
    (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
    (0.3, 2.2, [0, 0.5, 1, 1.5, 2, 2.5]),
    (-7, 12, [-10, -5, 0, 5, 10, 15]),
    (0, 590, [0, 200, 400, 600]),
    (100, 101, [100, 100.2, 100.4, 100.6, 100.8, 101])])
def test_ticks(low, high, expected):
    assert ticks(low, high) == expected


def test_line_chart_puts_points_to_scale():
    svg = line_chart_svg({'a': [(0, 0), (1, 1), (2, 0.5)]})
    path = re.search(r'<path d="([^"]+)"', svg)[1]
    (x0, y0), (x1, y1), (x2, y2) = (
        tuple(map(float, p.split())) for p in re.split('[ML]', path)[1:])
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.11) and x0 < x1
    # Up is less in SVG; 0.5 lies midway.
    assert y1 < y2 < y0 and y2 == pytest.approx((y0 + y1) / 2, abs=0.11)


def test_line_chart_breaks_at_a_gap():
    svg = line_chart_svg({'a': [(0, 1), (1, 2), (2, math.nan), (3, 1), (4, 2)]})
    assert len(re.findall('M', re.search(r'<path d="([^"]+)"', svg)[1])) == 2
    assert 'nan' not in svg


@pytest.mark.parametrize('points', [[(5, 3)], [(5, 0)], [(0, 3), (9, 3)]])
def test_line_chart_without_a_range(points):
    svg = line_chart_svg({'a': points})
    assert '<circle' in svg and 'nan' not in svg and 'inf' not in svg


def test_bars_are_to_scale():
    html = bars_html([('a', 2), ('b', 1), ('c', 0), ('d', None)], digits=1)
    assert re.findall(r'width:([\d.]+)%', html) == ['100.0', '50.0', '0.0', '0.0']
    assert re.findall(r'width:([\d.]+)%', bars_html([('a', 0.5)], maximum=2)) == [
        '25.0']
    assert '<b>2</b>' not in html and '<b>2.0</b>' in html and '<b>—</b>' in html


def test_text_table_is_aligned():
    assert format_table(['name', 'items', 'share'], [
        ['skirt', 1234, 0.5], ['short sleeve top', 7, None]], 'Title', digits=2) == (
        'Title\n'
        'name              items  share\n'
        '----------------  -----  -----\n'
        'skirt             1,234   0.50\n'
        'short sleeve top      7      —')
    assert format_table(['a', 'b'], []) == 'a  b\n-  -'
    assert format_table(['x', 'share'], [['p', '5.0%'], ['', '100.0%']]) == (
        'x   share\n-  ------\np    5.0%\n   100.0%')


@pytest.mark.parametrize(('value', 'text'), [
    (1234567, '1,234,567'), (np.int64(1234), '1,234'), (0.6384, '0.638'),
    (np.float32(0.5), '0.500'), (math.nan, '—'), (math.inf, '—'), (None, '—'),
    ('6 min', '6 min'), (True, 'yes'), (np.bool_(False), 'no')])
def test_number(value, text):
    assert number(value) == text
