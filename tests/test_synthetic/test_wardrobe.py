from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from df2mm.metainfo import CATEGORY_NAMES
from df2mm.synthetic.cuts import sample_cut
from df2mm.synthetic.wardrobe import (
    Wardrobe,
    category_shares,
    complete_outfit,
    covers,
    plan_split,
    slot,
)


def test_shares_are_flattened_but_keep_the_order():
    shares = dict(zip(CATEGORY_NAMES, category_shares(), strict=True))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares['short sleeve top'] == max(shares.values())
    # 0.2 % of the real items, sqrt(.2) / sum of the roots = 1.4 %: raised to 3.5 %.
    assert 0.03 < shares['short sleeve outwear'] < 0.035


@pytest.mark.parametrize('num', [2, 3, 4, 5, 7, 50, 333])
def test_a_plan_has_just_that_many_images_and_a_shop_for_every_user(num):
    specs = plan_split(num, (7,))
    assert [s.img_id for s in specs] == list(range(1, num + 1))
    sold = {
        (i.pair_id, i.style) for s in specs if s.source == 'shop' for i in s.identities
    }
    worn = {
        (i.pair_id, i.style) for s in specs if s.source == 'user' for i in s.identities
    }
    assert worn <= sold
    assert worn


def test_plans_are_reproducible_and_seeds_matter():
    assert plan_split(40, (1, 0)) == plan_split(40, (1, 0))
    assert plan_split(40, (1, 0)) != plan_split(40, (2, 0))


def test_an_identity_keeps_cut_and_fabric_across_images():
    looks = {}
    for spec in plan_split(300, (3,)):
        for identity in spec.identities:
            key = identity.pair_id, identity.style
            assert looks.setdefault(key, identity) == identity


def test_plans_cover_all_categories_and_both_domains():
    specs = plan_split(2000, (0,))
    names = Counter(i.cut.name for s in specs for i in s.identities)
    assert set(names) == set(CATEGORY_NAMES)
    users = sum(s.source == 'user' for s in specs)
    assert 0.25 < users / len(specs) < 0.6


def test_some_garments_share_a_cut_and_some_a_colour():
    """Distractors: telling them apart needs both."""
    rng = np.random.default_rng(0)
    wardrobe = Wardrobe(rng)
    made = [wardrobe.garment(0) for _ in range(60)]
    assert len(set(made)) > 55
    assert len({cut for cut, _ in made}) < 50
    assert len({fabric.dominant_color for _, fabric in made}) < 60


def test_an_outfit_covers_the_body_and_shows_all_that_was_asked():
    rng = np.random.default_rng(5)
    for spec in plan_split(200, (9,)):
        worn = complete_outfit(rng, spec.identities, spec.pair_id)
        slots = [slot(i.cut) for i in worn]
        assert worn[: len(spec.identities)] == list(spec.identities)
        assert len(set(slots)) == len(slots)
        assert 'dress' in slots or {'upper', 'lower'} <= set(slots)
        assert all(i.style == 0 for i in worn[len(spec.identities) :])
        for one in worn:
            for asked in spec.identities:
                assert one is asked or not covers(one.cut, asked.cut)


def test_what_covers_what():
    rng = np.random.default_rng(0)
    skirt = replace(sample_cut(rng, 9), hem=4.6)
    assert covers(replace(sample_cut(rng, 1), hem=4.5), skirt)
    assert not covers(replace(sample_cut(rng, 1), hem=3.6), skirt)
    assert not covers(skirt, replace(sample_cut(rng, 1), hem=4.5))
    assert covers(replace(sample_cut(rng, 4), gap=0.02), sample_cut(rng, 2))
    assert not covers(replace(sample_cut(rng, 4), gap=0.3), sample_cut(rng, 2))


@pytest.mark.parametrize('num', [1, 0, -3])
def test_too_few_images(num):
    with pytest.raises(ValueError, match=f'at least 2 images.* got {num}'):
        plan_split(num, (0,))
