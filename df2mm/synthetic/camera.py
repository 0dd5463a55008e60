"""What light, lens, sensor and file format do to a picture.

Nothing here moves a pixel: landmarks stay where they are.
"""

import cv2
import numpy as np

from df2mm.synthetic.noise import grid, smooth_noise

__all__ = ['DOMAINS', 'apply_light', 'encode_jpeg', 'finish']

DOMAINS = ('shop', 'user')


def _check(image: np.ndarray, domain: str) -> None:
    if domain not in DOMAINS:
        raise ValueError(f'domain must be one of {DOMAINS}, got {domain!r}')
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f'image must have shape (H, W, 3), got {image.shape}')
    if image.dtype != np.float32:
        raise TypeError(f'image must be float32 in 0..1, got {image.dtype}')


def apply_light(rng: np.random.Generator, image: np.ndarray, domain: str) -> np.ndarray:
    """Light a scene unevenly: a side that faces the lamp, a fall-off, a tint.

    Args:
        rng (Generator): Decides everything.
        image (ndarray): (H, W, 3) float32 display RGB in 0..1.
        domain (str): 'shop' (even light) or 'user'.

    Returns:
        ndarray: (H, W, 3) float32, may exceed 1.

    Raises:
        ValueError: If the domain or the shape is wrong.
        TypeError: If the image is not float32.
    """
    _check(image, domain)
    height, width = image.shape[:2]
    # Light varies slowly: a coarse field is enough.
    rows, columns = max(2, height // 16), max(2, width // 16)
    x, y = grid(rows, columns)
    reach = 0.05 if domain == 'shop' else 0.16
    angle = rng.uniform(0, 2 * np.pi)
    ramp = (x - 0.5) * np.cos(angle) + (y - 0.5 * rows / columns) * np.sin(angle)
    field = 1 + np.float32(rng.uniform(0, 2 * reach)) * ramp
    if domain == 'user':
        field = field + 0.03 * smooth_noise(rng, rows, columns, 2)
        if rng.random() < 0.25:
            # A flash or a lamp close by: bright middle, dark corners.
            cx, cy = rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.6) * rows / columns
            pool = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / rng.uniform(0.15, 0.5))
            field = field * (0.84 + 0.28 * pool)
    field = field[..., None] * np.ones(3, np.float32)
    if domain == 'user' and rng.random() < 0.4:
        # Two sources of different colour, one from each side.
        tint = rng.uniform(-0.07, 0.07)
        side = np.float32(tint) * (x - 0.5)
        field[..., 0] *= 1 + side
        field[..., 2] *= 1 - side
    field = cv2.resize(
        field.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return image * field


def _grade(rng, image, shop):
    """Exposure, white balance and saturation in one colour matrix."""
    strength = 0.3 if shop else 1.0
    warmth, green = rng.normal(0, 0.055 * strength), rng.normal(0, 0.02 * strength)
    gains = np.array([1 + warmth, 1 + green, 1 - warmth])
    exposure = np.exp(rng.normal(0.0, 0.05 if shop else 0.15))
    saturation = np.clip(rng.normal(1.0, 0.06 if shop else 0.16), 0.45, 1.4)
    gray = np.array([[0.299, 0.587, 0.114]]).repeat(3, 0)
    matrix = saturation * np.eye(3) + (1 - saturation) * gray
    matrix = (gains * exposure)[:, None] * matrix
    return cv2.transform(image, matrix.astype(np.float32))


def _tone(rng, image, shop):
    """Contrast as an S-curve, lifted blacks as old phones and filters have."""
    contrast = rng.uniform(-0.05, 0.3) if shop else rng.uniform(-0.35, 0.5)
    lift = 0.0 if shop or rng.random() < 0.55 else rng.uniform(0.0, 0.09)
    steps = np.linspace(0, 1, 1024, dtype=np.float32)
    curve = steps + np.float32(contrast) * (steps - 0.5) * steps * (1 - steps) * 2
    curve = lift + curve * (1 - lift * 0.7)
    # A shoulder keeps highlights from a hard edge.
    index = np.clip(image * 1023, 0, 1023).astype(np.uint16)
    return curve.astype(np.float32)[index]


def _vignette(rng, image):
    height, width = image.shape[:2]
    x, y = grid(height, width)
    radius = (x - 0.5) ** 2 + (y - 0.5 * height / width) ** 2
    amount = np.float32(rng.uniform(0.02, 0.22) / max(float(radius.max()), 1e-6))
    image *= (1 - amount * radius)[..., None]


def _blur(rng, image):
    """Missed focus, a shaken hand, or neither."""
    choice = rng.random()
    unit = image.shape[1] / 468
    if choice < 0.35:
        sigma = rng.uniform(0.4, 1.25) * unit
        return cv2.GaussianBlur(image, (0, 0), max(0.3, sigma))
    if choice < 0.47:
        length = max(1, round(rng.uniform(2, 6) * unit))
        angle = rng.uniform(0, np.pi)
        kernel = np.zeros((2 * length + 1,) * 2, np.float32)
        reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        ends = [
            tuple(np.round((length + s * reach) * 16).astype(int).tolist())
            for s in (-1, 1)
        ]
        stroke = np.zeros(kernel.shape, np.uint8)
        cv2.line(stroke, *ends, 255, 1, cv2.LINE_AA, 4)
        kernel = stroke.astype(np.float32) / max(1, int(stroke.sum()))
        return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return image


def _sensor(rng, image, amount):
    """Shot noise grows with the light, read noise does not; colour is coarser."""
    height, width = image.shape[:2]
    luma = rng.standard_normal((height, width), dtype=np.float32)
    small = (-(-height // 2), -(-width // 2), 2)
    chroma = rng.standard_normal(small, dtype=np.float32)
    chroma = cv2.resize(chroma, (width, height), interpolation=cv2.INTER_LINEAR)
    shot = np.sqrt(np.clip(image[..., 1], 0, 1) * 0.7 + 0.12) * np.float32(amount)
    luma *= shot
    tint = np.float32(0.5)
    image[..., 0] += luma + tint * shot * chroma[..., 0]
    image[..., 1] += luma
    image[..., 2] += luma + tint * shot * chroma[..., 1]


def _sharpen(rng, image, amount):
    """The halo that a phone's processing leaves along edges."""
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.9, 1.8))
    return cv2.addWeighted(image, 1 + amount, soft, -amount, 0)


def encode_jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    """Return an RGB image as JPEG bytes, the same on every run.

    Args:
        image (ndarray): (H, W, 3) uint8 RGB.
        quality (int): 1..100. Defaults to 90.

    Raises:
        ValueError: If the shape or the quality is wrong.
        TypeError: If the image is not uint8.
    """
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f'image must have shape (H, W, 3), got {image.shape}')
    if image.dtype != np.uint8:
        raise TypeError(f'image must be uint8, got {image.dtype}')
    if not 1 <= quality <= 100:
        raise ValueError(f'JPEG quality must be in 1..100, got {quality}')
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[
        1
    ].tobytes()


def _recompress(rng, image):
    """Save and open again, as chat programs and shops do."""
    data = encode_jpeg(image, int(rng.integers(35, 88)))
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def finish(rng: np.random.Generator, image: np.ndarray, domain: str) -> np.ndarray:
    """Take the photograph: light, lens, sensor and processing.

    Args:
        rng (Generator): Decides everything.
        image (ndarray): (H, W, 3) float32 display RGB in 0..1. Left as it is.
        domain (str): 'shop' (well lit, sharp, clean) or 'user'.

    Returns:
        ndarray: (H, W, 3) uint8 RGB of the same geometry.

    Raises:
        ValueError: If the domain or the shape is wrong.
        TypeError: If the image is not float32.
    """
    _check(image, domain)
    shop = domain == 'shop'
    image = _grade(rng, apply_light(rng, image, domain), shop)
    if not shop or rng.random() < 0.2:
        _vignette(rng, image)
    if not shop:
        image = _blur(rng, image)
    elif rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.35, 0.6))
    image = _tone(rng, image, shop)
    amount = rng.uniform(0.002, 0.008) if shop else rng.uniform(0.004, 0.04)
    _sensor(rng, image, amount)
    if rng.random() < 0.5:
        image = _sharpen(rng, image, rng.uniform(0.15, 0.6))
    image = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    if not shop and rng.random() < 0.7:
        image = _recompress(rng, image)
    return image
