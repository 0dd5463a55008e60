import math
from types import SimpleNamespace

import pytest
import torch

from df2mm.models.match_pairs import (
    balanced_accuracy,
    gallery_vectors,
    match_logits,
    pair_loss,
    pair_targets,
    pick_positives,
    pick_rois,
    query_vectors,
)


def test_a_score_by_hand():
    weight, bias = torch.tensor([1.0, -2.0]), torch.tensor(0.5)
    query = query_vectors(torch.tensor([[1.0, 2.0]]), weight, bias)
    gallery = gallery_vectors(torch.tensor([[3.0, 1.0]]), weight)
    assert query.tolist() == [[-2 * 1 * 1, -2 * -2 * 2, 1, 1 * 1 - 2 * 4 + 0.5]]
    assert gallery.tolist() == [[3, 1, 1 * 9 - 2 * 1, 1]]
    expected = 1 * (1 - 3) ** 2 - 2 * (2 - 1) ** 2 + 0.5
    assert match_logits(query, gallery).tolist() == [[expected]] == [[2.5]]


@pytest.mark.parametrize('scale', [0.01, 1, 30])
def test_the_inner_product_is_the_broadcast_formula(scale):
    generator = torch.Generator().manual_seed(0)
    queries, galleries = (
        torch.randn(count, 256, generator=generator) * scale for count in (9, 31))
    weight, bias = torch.randn(256, generator=generator), torch.tensor(-1.5)
    assert weight.min() < 0 < weight.max()
    logits = match_logits(query_vectors(queries, weight, bias),
                          gallery_vectors(galleries, weight))
    squares = (queries[:, None].double() - galleries.double()).square()
    expected = squares @ weight.double() + bias
    # Float error is that of the terms, which are larger than their sum.
    terms = (squares @ weight.abs().double()).max()
    assert logits.dtype == torch.float32
    torch.testing.assert_close(
        logits.double(), expected, rtol=0, atol=float(4e-7 * terms + 1e-6))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_vectors_are_float32_whatever_they_are_made_of(dtype):
    weight, bias = torch.ones(3, dtype=dtype), torch.zeros((), dtype=dtype)
    descriptors = torch.ones(2, 3, dtype=dtype)
    with torch.autocast('cpu', torch.bfloat16):
        query = query_vectors(descriptors, weight, bias)
        gallery = gallery_vectors(descriptors, weight)
        logits = match_logits(query, gallery)
    assert {query.dtype, gallery.dtype, logits.dtype} == {torch.float32}


def test_targets():
    targets = pair_targets(torch.tensor([500001, -1, 500002]),
                           torch.tensor([500002, -1, 500001, 500001]))
    assert targets.int().tolist() == [[0, 0, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]]


def test_loss_by_hand():
    # Probabilities of a match: a half, 3/4, 1/4 and 1/4.
    logits = torch.tensor([[0.0, math.log(3)], [-math.log(3), -math.log(3)]])
    targets = torch.tensor([[True, False], [False, False]])
    positive = math.log(2)
    negatives = [math.log(4), math.log(4 / 3), math.log(4 / 3)]
    assert pair_loss(logits, targets).item() == pytest.approx(
        (positive + sum(negatives)) / 4)
    assert pair_loss(logits, targets, pos_fraction=0.25).item() == pytest.approx(
        0.25 * positive + 0.75 * sum(negatives) / 3)
    none = torch.zeros_like(targets)
    assert pair_loss(logits, none, pos_fraction=0.25).item() == pytest.approx(
        0.75 * (math.log(2) + sum(negatives)) / 4)


def test_loss_of_the_hardest_others_by_hand():
    logits = torch.tensor([[0.0, math.log(3)], [-math.log(3), -math.log(7)]])
    targets = torch.tensor([[True, False], [False, False]])
    positive, negatives = math.log(2), [math.log(4), math.log(4 / 3), math.log(8 / 7)]
    for ratio, counted in ((1, 1), (2, 2), (1.5, 2), (9, 3)):
        hardest = negatives[:counted]
        assert pair_loss(logits, targets, neg_pos_ratio=ratio).item() == (
            pytest.approx((positive + sum(hardest)) / (1 + counted)))
        assert pair_loss(logits, targets, 0.25, ratio).item() == pytest.approx(
            0.25 * positive + 0.75 * sum(hardest) / counted)
    # Without one that matches, as many as for one; without any other, none.
    none = torch.zeros_like(targets)
    assert pair_loss(logits, none, neg_pos_ratio=2).item() == pytest.approx(
        (negatives[0] + math.log(2)) / 2)
    assert pair_loss(logits, ~none, neg_pos_ratio=2).item() == pytest.approx(
        pair_loss(logits, ~none).item())


@pytest.mark.parametrize('neg_pos_ratio', [None, 3.0])
@pytest.mark.parametrize('pos_fraction', [None, 0.5])
def test_no_pair_loses_nothing_and_stays_in_the_graph(pos_fraction, neg_pos_ratio):
    logits = torch.zeros(0, 3, requires_grad=True)
    loss = pair_loss(logits, torch.zeros(0, 3, dtype=torch.bool), pos_fraction,
                     neg_pos_ratio)
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.shape == (0, 3)


@pytest.mark.parametrize(('logits', 'targets', 'percent'), [
    # 1 of 1 that matches is right, and 2 of 4 others.
    ([[1, -1, 1], [-1, 1, 0]], [[1, 0, 0], [0, 0, 1]],
     100 * (1 / 2 + 2 / 4) / 2),
    ([[1, -1, 2, -3]], [[1, 0, 0, 0]], 100 * (1 + 2 / 3) / 2),
    ([[1, -1, -2, -3]], [[0, 0, 0, 0]], 100 * 3 / 4),
    ([[1, -1]], [[1, 1]], 100 * 1 / 2),
    ([[]], [[]], 0),
])
def test_accuracy(logits, targets, percent):
    found = balanced_accuracy(
        torch.tensor(logits, dtype=torch.float32), torch.tensor(targets).bool())
    assert found.item() == pytest.approx(percent)


def test_items_take_turns():
    # Item 0 has six RoIs, item 1 two and item 2 one.
    assigned = torch.tensor([0, 0, 1, 0, 2, 0, 0, 1, 0])
    torch.manual_seed(0)
    for num, counts in ((3, [1, 1, 1]), (5, [2, 2, 1]), (8, [5, 2, 1]),
                        (20, [6, 2, 1])):
        picks = pick_positives(assigned, num)
        assert len(set(picks.tolist())) == len(picks) == min(num, 9)
        assert torch.bincount(assigned[picks]).tolist() == counts


def test_picks_are_random_by_torchs_generator():
    assigned = torch.tensor([0] * 10 + [1] * 30)

    def draw():
        return pick_positives(assigned, 2).tolist()

    torch.manual_seed(3)
    draws = [draw() for _ in range(200)]
    torch.manual_seed(3)
    assert [draw() for _ in range(200)] == draws
    # Any RoI may come, and come first; a quarter of them are the first item's.
    assert {pick for picks in draws for pick in picks} == set(range(40))
    assert 25 < sum(picks[0] < 10 for picks in draws) < 75


def test_no_positive_no_pick():
    assert pick_positives(torch.zeros(0, dtype=torch.int64), 8).tolist() == []


def test_rois_of_a_batch():
    results = [SimpleNamespace(pos_assigned_gt_inds=torch.tensor(inds))
               for inds in ([0, 1, 1, 1], [0, 0], [], [0])]
    results[2].pos_assigned_gt_inds = torch.zeros(0, dtype=torch.int64)
    identities = [torch.tensor(numbers) for numbers in ([70, -1], [70], [71], [72])]
    picks, picked, is_user = pick_rois(
        results, identities, ['user', 'shop', 'shop', 'unknown'], 2)
    assert [len(pick) for pick in picks] == [2, 2, 0, 0]
    assert sorted(picked[:2].tolist()) == [-1, 70]
    assert results[0].pos_assigned_gt_inds[picks[0]].tolist() == [
        0 if number == 70 else 1 for number in picked[:2].tolist()]
    assert picked[2:].tolist() == [70, 70]
    assert is_user.tolist() == [True, True, False, False]
    assert is_user.dtype == torch.bool
