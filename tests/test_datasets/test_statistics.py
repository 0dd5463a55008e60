import json

import numpy as np
import pytest

from df2mm.datasets.annotation import ImageAnnotation, Item
from df2mm.datasets.statistics import collect, draw_figure, format_tables
from df2mm.metainfo import CATEGORIES
from df2mm.visualization.images import read_image

SKIRT, VEST = 9, 5


def item(category_id, style=1, box=(0, 0, 10, 20), visible=2, variations=(1, 1, 1, 2)):
    category = CATEGORIES[category_id - 1]
    landmarks = np.full((category.num_landmarks, 3), float(visible))
    return Item('item1', category_id, category.name, style, np.array(box, float),
                landmarks, [], np.array(variations))


def image(source, pair_id, *items):
    return ImageAnnotation(1, source, pair_id, list(items))


@pytest.fixture
def stats():
    return collect(iter([
        image('user', 1, item(SKIRT, 1), item(VEST, 2, visible=1)),
        image('user', 1, item(SKIRT, 1), item(SKIRT, 0)),
        image('shop', 1, item(SKIRT, 1, box=(5, 5, 35, 15))),
        image('shop', 1, item(VEST, 2), item(SKIRT, 1, visible=0)),
        image('shop', 1, item(VEST, 3, variations=(3, 2, 0, 3))),
        image('shop', 2, item(SKIRT, 1)),
        image('unknown', -1, item(SKIRT, 1)),
        None]))


def test_images_and_items(stats):
    assert stats.images.tolist() == [2, 4, 1] and stats.num_images == 7
    assert stats.items[SKIRT - 1].tolist() == [3, 3, 1]
    assert stats.items[VEST - 1].tolist() == [1, 2, 0]
    assert stats.num_items == 10
    assert stats.items_per_image == [{2: 2}, {1: 3, 2: 1}, {1: 1}]


def test_levels(stats):
    # Columns: unknown, 1, 2, 3; rows: scale, occlusion, zoom_in, viewpoint.
    assert stats.levels.tolist() == [
        [0, 9, 0, 1], [0, 9, 1, 0], [1, 9, 0, 0], [0, 0, 9, 1]]


def test_landmarks(stats):
    # A skirt has 8 landmarks: one skirt with all absent, six with all visible.
    assert stats.landmarks[SKIRT - 1].tolist() == [8, 0, 6 * 8]
    assert stats.landmarks[VEST - 1].tolist() == [0, 15, 2 * 15]


def test_identities_and_pairs(stats):
    # (1, 1): 2 user and 2 shop items; (1, 2): 1 and 1; (1, 3) and (2, 1): shop only.
    assert stats.identities == {(1, 1): [2, 2], (1, 2): [1, 1], (1, 3): [0, 1],
                                (2, 1): [0, 1]}
    assert stats.num_pair_ids == 2 and stats.num_shared_identities == 2
    assert stats.instance_pairs == 2 * 2 + 1 * 1
    # Users {1, 2} and {1} with shops {1} and {2, 1}: each shares style 1. One image
    # pair may share two items and counts once. The shop image {3} shares none.
    assert stats.image_pairs == 2 * 2


def test_style_0_never_pairs():
    stats = collect([image(source, 1, item(SKIRT, 0)) for source in ('user', 'shop')])
    assert (stats.image_pairs, stats.instance_pairs, stats.identities) == (0, 0, {})


def test_an_unknown_pair_id_never_pairs():
    stats = collect([image('user', -1, item(SKIRT)), image('shop', -1, item(SKIRT))])
    assert (stats.image_pairs, stats.num_pair_ids) == (0, 0)


def test_box_percentiles():
    # Widths 0, 10, ... 100: the 10th percentile is 10, the 50th 50, the 90th 90.
    stats = collect([image('user', 1, *(
        item(SKIRT, box=(5, 5, 5 + width, 105)) for width in range(0, 101, 10)))])
    sizes = stats.box_percentiles()
    assert sizes[SKIRT - 1, 0].tolist() == [10, 50, 90]
    assert sizes[SKIRT - 1, 1].tolist() == [100, 100, 100]
    assert sizes[SKIRT - 1, 2] == pytest.approx([0.1, 0.5, 0.9])
    assert np.isnan(sizes[VEST - 1]).all()


def lines_of(tables, title):
    """Cells of the table under a title, by the first cell."""
    table = tables.split(f'{title}\n')[1].split('\n\n')[0]
    return {line.split('  ')[0].strip(): line.split()
            for line in table.splitlines()[2:]}


def test_tables(stats):
    tables = format_tables(stats)
    images = lines_of(tables, 'Images')
    # images, share, items, items/image, with 1, with 2
    assert images['user'] == ['user', '2', '28.6%', '4', '2.00', '0', '2']
    assert images['all'] == ['all', '7', '100.0%', '10', '1.43', '4', '3']
    skirt, = (line for line in tables.splitlines() if line.startswith(' 9  skirt'))
    assert skirt.split() == ['9', 'skirt', '7', '70.0%', '3', '3', '1']
    vest, = (line for line in tables.splitlines() if line.startswith(' 5  vest'))
    assert vest.split()[2:4] == ['3', '30.0%']
    levels = tables.split('Items by variation\n')[1].split('\n\n')[0]
    assert 'moderate' in levels and 'side or back' in levels
    assert levels.count('not known') == 1
    marks = lines_of(tables, 'Landmarks')
    assert marks['vest'] == ['vest', '15', '30', '66.7%', '15', '33.3%', '0', '0.0%']
    pairs = lines_of(tables, 'Identities and pairs')
    assert pairs['user-shop image pairs that share an item'][-1] == '4'
    assert pairs['user-shop item pairs'][-1] == '5'
    assert pairs['items with an identity'][-1] == '8'
    boxes = lines_of(tables, 'Boxes: 10th, 50th and 90th percentile in pixels')
    assert boxes['sling'][1:] == ['—'] * 9
    assert boxes['vest'] == ['vest', *['10'] * 3, *['20'] * 3, *['0.50'] * 3]


def test_tables_are_aligned(stats):
    for table in format_tables(stats).split('\n\n'):
        _, header, rule, *rows = table.splitlines()
        # Between the columns, two blanks on every line.
        gaps = [i for i in range(len(rule) - 1) if rule[i:i + 2] == '  ']
        for line in (header, *rows):
            assert all(line[i:i + 2].strip() == '' for i in gaps)


def test_dict_is_json(stats):
    figures = json.loads(json.dumps(stats.to_dict(), allow_nan=False))
    assert figures['images'] == dict(user=2, shop=4, unknown=1)
    assert figures['items_by_category']['skirt'] == dict(user=3, shop=3, unknown=1)
    assert figures['items_per_image']['shop'] == {'1': 3, '2': 1}
    assert figures['variations']['viewpoint'] == {
        'unknown': 0, 'no wear': 0, 'frontal': 9, 'side or back': 1}
    assert figures['landmarks']['vest'] == dict(absent=0, occluded=15, visible=30)
    assert figures['box_percentiles']['vest']['width'] == [10, 10, 10]
    assert figures['box_percentiles']['sling']['width'] == [None] * 3
    assert (figures['image_pairs'], figures['instance_pairs']) == (4, 5)


def test_of_nothing(tmp_path):
    stats = collect([])
    assert stats.num_images == stats.num_items == stats.image_pairs == 0
    assert 'short sleeve top' in format_tables(stats)
    json.dumps(stats.to_dict(), allow_nan=False)
    assert draw_figure(stats, tmp_path / 'a.png').is_file()


def test_figure(stats, tmp_path):
    path = draw_figure(stats, tmp_path / 'new' / 'stats.png')
    drawn = read_image(path)
    assert drawn.shape == (1150, 1800, 3)
    # The colours of user and shop bars are on it.
    for color in ((0x2f, 0x6f, 0xed), (0xe0, 0x85, 0x1b)):
        assert (drawn == color).all(-1).sum() > 2000
    assert [p.name for p in path.parent.iterdir()] == ['stats.png']


@pytest.mark.parametrize(('bad', 'message'), [
    (image('street', 1), "source must be one of user, shop, unknown; got 'street'"),
    (image('user', 1, item(SKIRT, variations=(1, 4, 1, 1))),
     r'variations must be four of 0..3, got \[1, 4, 1, 1\] in image 1 item1'),
    (image('user', 1, item(SKIRT, visible=3)),
     r'landmarks must have v in 0..2, got 3 in image 1 item1')])
def test_bad_annotation(bad, message):
    with pytest.raises(ValueError, match=message):
        collect([bad])
