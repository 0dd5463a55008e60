import cv2
import numpy as np
import pytest

from df2mm.synthetic.camera import DOMAINS, apply_light, encode_jpeg, finish


def _noise(height=60, width=50):
    return np.random.default_rng(0).random((height, width, 3), dtype=np.float32)


@pytest.mark.parametrize('domain', DOMAINS)
def test_every_size_and_the_input_is_left_alone(domain):
    for seed, (height, width) in enumerate([(1, 1), (7, 300), (300, 7), (61, 47)] * 4):
        image = _noise(height, width)
        before = image.copy()
        out = finish(np.random.default_rng(seed), image, domain)
        assert out.shape == (height, width, 3)
        assert out.dtype == np.uint8
        assert np.array_equal(image, before)


@pytest.mark.parametrize('domain', DOMAINS)
def test_nothing_moves(domain):
    image = np.full((160, 120, 3), 0.2, np.float32)
    image[50:110, 30:90] = 0.8
    for seed in range(20):
        out = finish(np.random.default_rng(seed), image, domain).mean(2)
        bright = out > (out[80, 60] + out[20, 10]) / 2
        rows, columns = np.nonzero(cv2.medianBlur(bright.astype(np.uint8), 3))
        # The box spans 50..109 and 30..89: its middle is at 79.5, 59.5.
        assert np.median(rows) == pytest.approx(79.5, abs=2)
        assert np.median(columns) == pytest.approx(59.5, abs=2)


def test_shop_is_truer_than_user():
    image = np.full((120, 90, 3), (0.6, 0.5, 0.4), np.float32)
    error = {
        domain: np.mean(
            [
                np.abs(finish(np.random.default_rng(s), image, domain) / 255.0 - image)
                for s in range(20)
            ]
        )
        for domain in DOMAINS
    }
    assert error['shop'] < 0.06 < error['user'] * 1.5
    assert error['shop'] < 0.7 * error['user']


def test_light_is_smooth_and_gentle():
    image = np.full((160, 120, 3), 0.5, np.float32)
    for seed in range(10):
        lit = apply_light(np.random.default_rng(seed), image, 'user')
        assert np.abs(np.diff(lit, axis=0)).max() < 0.02
        assert lit.min() > 0.25 and lit.max() < 0.8


def test_jpeg_round_trip():
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)
    image = np.repeat(np.repeat(ramp[None, :, None], 64, 0), 3, 2)
    image[..., 2] = 30
    small, large = (encode_jpeg(image, quality) for quality in (40, 95))
    assert len(small) < len(large)
    back = cv2.imdecode(np.frombuffer(large, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    # Red and blue keep their places.
    assert np.abs(back.astype(int) - image).mean() < 4


@pytest.mark.parametrize(
    ('call', 'error', 'message'),
    [
        (
            lambda rng: finish(rng, _noise(), 'museum'),
            ValueError,
            "domain must be one of .* got 'museum'",
        ),
        (
            lambda rng: finish(rng, np.zeros((4, 4), np.float32), 'shop'),
            ValueError,
            r'shape \(H, W, 3\), got \(4, 4\)',
        ),
        (
            lambda rng: finish(rng, np.zeros((0, 4, 3), np.float32), 'shop'),
            ValueError,
            r'got \(0, 4, 3\)',
        ),
        (
            lambda rng: apply_light(rng, np.zeros((4, 4, 3), np.uint8), 'user'),
            TypeError,
            'float32 in 0..1, got uint8',
        ),
        (
            lambda rng: encode_jpeg(np.zeros((4, 4, 3), np.float32)),
            TypeError,
            'uint8, got float32',
        ),
        (
            lambda rng: encode_jpeg(np.zeros((4, 4, 3), np.uint8), 0),
            ValueError,
            r'quality must be in 1..100, got 0',
        ),
        (
            lambda rng: encode_jpeg(np.zeros((4, 4, 4), np.uint8)),
            ValueError,
            r'got \(4, 4, 4\)',
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(np.random.default_rng(0))
