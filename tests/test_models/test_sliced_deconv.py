import torch
from torch.utils.flop_counter import FlopCounterMode

from df2mm.models.sliced_deconv import (
    SlicedConvTranspose2d,
    category_table,
    rows_as_rois_came,
)

NUM_MAPS = (2, 3, 1)


def make_layer():
    torch.manual_seed(0)
    return SlicedConvTranspose2d(4, NUM_MAPS, 4, stride=2, padding=1)


def test_each_category_has_its_slice():
    assert category_table(NUM_MAPS).long().tolist() == [
        [1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1]]


def test_rows_go_back_to_where_the_rois_came():
    # RoIs of categories 2, 0, 2 came; sorted they are RoI 1, 0, 2.
    members = category_table(NUM_MAPS)[[2, 0, 2]]
    order = torch.tensor([1, 0, 2])
    sorted_rows = ['1a', '1b', '0a', '2a']
    rows = [sorted_rows[k] for k in rows_as_rois_came(members, order)]
    assert rows == ['0a', '1a', '1b', '2a']


def test_computes_what_the_plain_layer_does():
    layer = make_layer()
    x = torch.randn(5, 4, 3, 3)
    rows = layer.forward_sliced(x, [2, 0, 3])
    plain = layer(x)
    assert plain.shape == (5, 6, 6, 6)
    torch.testing.assert_close(
        rows, torch.cat([plain[:2, :2].flatten(0, 1), plain[2:, 5]]))


def test_computes_nothing_else():
    layer = make_layer()
    x = torch.randn(5, 4, 3, 3)
    with FlopCounterMode(display=False) as plain:
        layer(x)
    with FlopCounterMode(display=False) as sliced:
        layer.forward_sliced(x, [2, 0, 3])
    wanted, all_maps = 2 * 2 + 3 * 1, 5 * 6
    assert sliced.get_total_flops() * all_maps == plain.get_total_flops() * wanted


def test_no_roi_still_reaches_the_parameters():
    layer = make_layer()
    rows = layer.forward_sliced(torch.zeros(0, 4, 3, 3), [0, 0, 0])
    assert rows.shape == (0, 6, 6)
    rows.sum().backward()
    assert not layer.weight.grad.any()
    assert not layer.bias.grad.any()
