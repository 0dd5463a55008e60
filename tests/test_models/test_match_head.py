from datetime import timedelta
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmengine.structures import InstanceData
from torch import distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

from df2mm.models.match_head import MatchHead


def small_head(seed=0, **kwargs):
    """A head of few numbers, its weights as a training leaves them: of any sign."""
    torch.manual_seed(seed)
    head = MatchHead(**{**dict(
        in_channels=4, conv_channels=(5, 6), embed_dims=8), **kwargs})
    nn.init.normal_(head.fc_match.weight)
    nn.init.normal_(head.fc_match.bias)
    return head


def features(num, channels=4, size=7, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num, channels, size, size, generator=generator)


def broadcast_logits(head, queries, galleries):
    """(Q, G, 2): what the paper computes, with a tensor of (Q, G, D)."""
    return head.fc_match((queries[:, None] - galleries).square())


def test_the_network_is_the_authors():
    head = MODELS.build(dict(type='MatchHead'))
    shapes = {name: tuple(value.shape) for name, value in head.state_dict().items()
              if name.endswith('weight')}
    assert shapes == {
        'convs.0.conv.weight': (256, 256, 3, 3),
        'convs.1.conv.weight': (256, 256, 3, 3),
        'convs.2.conv.weight': (256, 256, 3, 3),
        'convs.3.conv.weight': (1024, 256, 3, 3),
        'fc_embed.weight': (256, 1024),
        'fc_match.weight': (2, 256)}


def test_each_layer_starts_as_documented():
    head = MatchHead(conv_channels=(8,), embed_dims=512)
    head.init_weights()
    assert head.fc_match.weight.std().item() == pytest.approx(0.01, rel=0.15)
    limit = (6 / (8 + 512)) ** 0.5
    assert head.fc_embed.weight.abs().max().item() == pytest.approx(limit, rel=0.01)
    assert not head.fc_embed.bias.any()
    assert not head.fc_match.bias.any()


def test_a_descriptor_is_the_printed_network_of_the_features():
    head, feats = small_head(), features(3)
    x = feats
    for block in head.convs:
        x = F.relu(F.conv2d(x, block.conv.weight, block.conv.bias, padding=1))
        assert x.shape[-2:] == (7, 7)
    x = F.avg_pool2d(x, 7).flatten(1)
    expected = x @ head.fc_embed.weight.T + head.fc_embed.bias
    torch.testing.assert_close(head(feats), expected)


def test_maps_of_other_sizes_are_pooled_and_concatenated():
    small, large = features(3), features(3, channels=2, size=14, seed=2)
    tiny = features(3, channels=1, size=1, seed=3)
    head = small_head(in_channels=(4, 2, 1))
    pooled = torch.cat(
        [small, F.avg_pool2d(large, 2), tiny.expand(3, 1, 7, 7)], dim=1)
    same = small_head(in_channels=7)
    same.load_state_dict(head.state_dict())
    torch.testing.assert_close(head([small, large, tiny]), same(pooled))


@pytest.mark.parametrize('amp', [False, True])
def test_the_inner_product_is_the_logit_of_the_network(amp):
    head = small_head()
    weight = head.fc_match.weight[1] - head.fc_match.weight[0]
    assert weight.min() < 0 < weight.max()
    with torch.autocast('cpu', torch.bfloat16, enabled=amp):
        descriptors = head(features(12) * 10)
        queries = head.query_vectors(descriptors[:5])
        galleries = head.gallery_vectors(descriptors[5:])
    assert {x.dtype for x in (descriptors, queries, galleries)} == {torch.float32}
    assert (queries.shape, galleries.shape) == ((5, 10), (7, 10))
    pair = broadcast_logits(head, descriptors[:5], descriptors[5:])
    logits = queries @ galleries.T
    torch.testing.assert_close(logits, pair[..., 1] - pair[..., 0],
                               rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(logits.sigmoid(), pair.softmax(dim=-1)[..., 1],
                               rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('amp', [False, True])
def test_the_loss_is_the_cross_entropy_of_two_classes(amp):
    identities = torch.tensor([11, 12, -1, 11, -1, 11, 12])
    is_user = torch.tensor([1, 0, 1, 0, 0, 1, 1]).bool()
    targets = torch.tensor([[0, 1, 0], [0, 0, 0], [0, 1, 0], [1, 0, 0]])
    head = small_head(loss_weight=2.0)
    with torch.autocast('cpu', torch.bfloat16, enabled=amp):
        losses = head.loss(features(7), identities, is_user)
        descriptors = head(features(7))
    losses['loss_match'].backward()
    gradients = {name: value.grad.clone() for name, value in head.named_parameters()}

    head.zero_grad()
    pair = broadcast_logits(head, descriptors[is_user], descriptors[~is_user])
    expected = 2 * F.cross_entropy(pair.reshape(-1, 2), targets.reshape(-1))
    expected.backward()
    torch.testing.assert_close(losses['loss_match'], expected)
    for name, value in head.named_parameters():
        torch.testing.assert_close(gradients[name], value.grad, rtol=1e-3, atol=1e-4)
    right = pair.argmax(dim=-1) == targets
    assert losses['acc_match'].item() == pytest.approx(
        50 * sum(right[targets == k].float().mean().item() for k in (0, 1)))
    assert not losses['acc_match'].requires_grad


#: identities and is_user of batches that lack something.
LACKING = {
    'no RoI': ([], []),
    'no shop RoI': ([5, 5], [1, 1]),
    'no user RoI': ([5, -1], [0, 0]),
    'no positive pair': ([5, -1, -1, 6], [1, 1, 0, 0]),
    'no negative pair': ([5, 5], [1, 0]),
}


def batch_of(identities, is_user):
    return (features(len(identities)), torch.tensor(identities, dtype=torch.int64),
            torch.tensor(is_user, dtype=torch.bool))


@pytest.mark.parametrize('weighting', [
    dict(), dict(pos_fraction=0.5), dict(pos_fraction=0.5, neg_pos_ratio=3.0)])
@pytest.mark.parametrize('lack', LACKING)
def test_every_parameter_gets_a_gradient_whatever_is_lacking(lack, weighting):
    head = small_head(**weighting)
    losses = head.loss(*batch_of(*LACKING[lack]))
    losses['loss_match'].backward()
    for name, value in head.named_parameters():
        assert value.grad is not None, name
        assert value.grad.isfinite().all(), name
    has_pair = lack in ('no positive pair', 'no negative pair')
    assert (losses['loss_match'] > 0) == has_pair
    assert ('acc_match' in losses) == has_pair


class LossOf(nn.Module):
    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, *batch):
        return self.head.loss(*batch)['loss_match']


#: What each of two processes gets, step by step.
STEPS = [
    [([5, 6, 5, -1], [1, 1, 0, 0]), LACKING[lack]]
    for lack in ('no RoI', 'no shop RoI', 'no positive pair')]


def gradients_of(model, batch):
    model.zero_grad()
    model(*batch_of(*batch)).backward()
    return [value.grad.clone() for value in model.parameters()]


def train_in_process(rank, folder):
    """Gradients of each step; also saved, for the other process to compare."""
    distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2,
        timeout=timedelta(seconds=120))
    try:
        model = DistributedDataParallel(LossOf(small_head()))
        gradients = [gradients_of(model, step[rank]) for step in STEPS]
        torch.save(gradients, f'{folder}/{rank}.pth')
    finally:
        distributed.destroy_process_group()
    return gradients


def test_processes_do_not_wait_for_one_that_has_no_pair(
        tmp_path, monkeypatch, pytestconfig):
    # A spawned process imports this file by the name that pytest gave it. One
    # is spawned, since importing takes long; the other is this.
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    process = multiprocessing.get_context('spawn').Process(
        target=train_in_process, args=(1, str(tmp_path)))
    process.start()
    first = train_in_process(0, str(tmp_path))
    process.join(60)
    assert process.exitcode == 0
    second = torch.load(tmp_path / '1.pth')
    alone = LossOf(small_head())
    for step, *found in zip(STEPS, first, second, strict=True):
        for one, other, *parts in zip(
                *found, *(gradients_of(alone, batch) for batch in step), strict=True):
            torch.testing.assert_close(one, sum(parts) / 2)
            torch.testing.assert_close(other, one)


def test_picks_of_a_batch():
    head = MatchHead(num_rois=3)
    results = [SimpleNamespace(pos_assigned_gt_inds=torch.tensor(inds))
               for inds in ([0, 0, 0, 0], [0, 1])]
    instances = [InstanceData(identities=torch.tensor([7])),
                 InstanceData(identities=torch.tensor([-1, 7]))]
    metas = [dict(source='user'), dict(source='shop')]
    rois = head.pick(results, instances, metas)
    assert [len(pick) for pick in rois.picks] == [3, 2]
    assert rois.identities[:3].tolist() == [7, 7, 7]
    assert sorted(rois.identities[3:].tolist()) == [-1, 7]
    assert rois.is_user.tolist() == [True, True, True, False, False]
    for bad in (dict(instances=[InstanceData(labels=torch.tensor([0]))] * 2),
                dict(metas=[dict(img_id=1)] * 2)):
        with pytest.raises(KeyError, match='Pack samples with PackDeepFashion2Inputs'):
            head.pick(results, bad.get('instances', instances),
                      bad.get('metas', metas))


def test_predictions_get_their_vectors():
    head = small_head()
    results = [InstanceData(scores=torch.ones(num)) for num in (2, 0, 3)]
    with torch.no_grad():
        found = head.predict(features(5), results)
        descriptors = head(features(5))
    assert found is results
    assert [result.query_vectors.shape for result in results] == [
        (2, 10), (0, 10), (3, 10)]
    torch.testing.assert_close(torch.cat([r.query_vectors for r in results]),
                               head.query_vectors(descriptors))
    torch.testing.assert_close(torch.cat([r.gallery_vectors for r in results]),
                               head.gallery_vectors(descriptors))


@pytest.mark.parametrize(('kwargs', 'match'), [
    (dict(in_channels=0), r'in_channels must be .* positive integers, got \(0,\)'),
    (dict(in_channels=[]), r'in_channels must be .* positive integers, got \[\]'),
    (dict(in_channels=[256, -1]), r'in_channels must be .*, got \[256, -1\]'),
    (dict(conv_channels=()), r'conv_channels must be a sequence .*, got \(\)'),
    (dict(conv_channels=(8, 0)), r'conv_channels must be .*, got \(8, 0\)'),
    (dict(conv_channels=256), 'conv_channels must be a sequence .*, got 256'),
    (dict(embed_dims=-256), 'embed_dims must be a positive integer, got -256'),
    (dict(embed_dims=2.5), 'embed_dims must be a positive integer, got 2'),
    (dict(roi_feat_size=0), 'roi_feat_size must be a positive integer, got 0'),
    (dict(num_rois=0), 'num_rois must be a positive integer, got 0'),
    (dict(pos_fraction=0.0), 'pos_fraction must be between 0 and 1, or None, got 0'),
    (dict(pos_fraction=1.0), 'pos_fraction must be between 0 and 1, or None, got 1'),
    (dict(neg_pos_ratio=0), 'neg_pos_ratio must be above 0, or None, got 0'),
    (dict(loss_weight=-1.0), 'loss_weight must not be negative, got -1'),
])
def test_bad_configs(kwargs, match):
    with pytest.raises(ValueError, match=match):
        MatchHead(**kwargs)


@pytest.mark.parametrize(('feats', 'match'), [
    (features(2, channels=3), r'expects .*\(N, 4, S, S\).* got \(2, 3, 7, 7\)'),
    ([features(2), features(2)], r'got \(2, 4, 7, 7\), \(2, 4, 7, 7\)'),
    ([], 'Set in_channels'),
    (torch.zeros(2, 4), r'got \(2, 4\)'),
])
def test_features_that_do_not_fit(feats, match):
    with pytest.raises(ValueError, match=match):
        small_head()(feats)


def test_maps_of_different_numbers_of_rois_are_refused():
    with pytest.raises(ValueError, match='of the same N'):
        small_head(in_channels=(4, 4))([features(2), features(3)])


def test_lengths_that_do_not_fit():
    head = small_head()
    feats, identities, is_user = batch_of([5, 5], [1, 0])
    with pytest.raises(ValueError, match=r'identities must have shape \(2,\).* \(1,\)'):
        head.loss(feats, identities[:1], is_user)
    with pytest.raises(ValueError, match=r'is_user must have shape \(2,\).* \(3,\)'):
        head.loss(feats, identities, torch.ones(3).bool())
    with pytest.raises(ValueError, match=r'must hold 2 detections.* got 1'):
        head.predict(feats, [InstanceData(scores=torch.ones(1))])
