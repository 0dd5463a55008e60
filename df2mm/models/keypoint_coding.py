"""How the maps of a RoI code its landmarks, in training and when they are read.

The default is the paper's one-hot map. mmpose's codecs are the others; mmpose is
imported only once a config asks for one.

Shapes: M maps, one a landmark and RoI, of (H, W) bins; V of them are trained.
Outputs are a tuple of tensors, of M or V rows each. Landmarks are in units of
their RoI: see ``keypoint_coordinates``.
"""

import numpy as np
import torch
from mmdet.registry import MODELS
from torch import Tensor, nn

from df2mm.models.keypoint_coordinates import one_hot_bins, read_probabilities

#: Landmarks are given to a codec at least this far, in bins, before the right and
#: the bottom edge of the RoI, which belong to the last bins.
EDGE = 1e-3

#: What a loss raises that is given what it was not made for.
_MISFITS = (AssertionError, AttributeError, IndexError, RuntimeError, TypeError,
            ValueError)


class OneHotCoding(nn.Module):
    """The paper's coding: of all bins of a map, the landmark is in one.

    Args:
        map_size (tuple[int, int]): (H, W).
        criterion (nn.Module): Takes (V, H * W) logits and (V,) bins, as mmdet's
            CrossEntropyLoss does.

    Source: Ge et al., DeepFashion2, CVPR 2019, sec. 4. Differs: how a place finer
    than a bin is read is not said there; see ``read_probabilities``.
    """

    def __init__(self, map_size: tuple, criterion: nn.Module) -> None:
        super().__init__()
        self.map_size = map_size
        self.criterion = criterion

    def forward(self, maps: Tensor) -> tuple:
        """(M, H, W) maps are the output."""
        return (maps,)

    def loss(self, outputs: tuple, units: Tensor) -> Tensor:
        """Loss of the outputs of landmarks that are at (V, 2) units."""
        return self.criterion(
            outputs[0].flatten(1), one_hot_bins(units, self.map_size))

    def decode(self, outputs: tuple) -> tuple[Tensor, Tensor]:
        """(M, 2) units and (M,) scores."""
        return read_probabilities(outputs[0])


class CodecCoding(nn.Module):
    """The coding of one of mmpose's codecs.

    A codec codes the landmarks of one garment at a time. All V landmarks of a
    batch that count are given as those of one, so that mmpose's losses, which take
    an average over landmarks, take it over just these.

    Args:
        codec (BaseKeypointCodec): mmpose's.
        bins (tuple[int, int]): How many (in x, in y) it divides a RoI into.
        criterion (nn.Module): Of the signature of mmpose's losses.

    Raises:
        ValueError: If the codec does not decode what it encodes.
    """

    def __init__(self, codec, bins: tuple, criterion: nn.Module) -> None:
        super().__init__()
        self.codec = codec
        self.bins = np.array(bins, dtype=np.float32)
        self.criterion = criterion
        # A bin's side in the codec's own coordinates, whose bin i is at i; a bin's
        # centre here is at i + 0.5.
        self.step = np.array(codec.input_size, dtype=np.float32) / self.bins
        self._check_inverse()

    def encode(self, units: Tensor) -> dict:
        """The codec's targets of (V, 2) units: arrays, as it names them."""
        bins = np.minimum(units.cpu().numpy() * self.bins, self.bins - EDGE)
        points = ((bins - 0.5) * self.step).astype(np.float32)
        return self.codec.encode(
            points[None], np.ones((1, len(points)), dtype=np.float32))

    def read(self, *arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(M, 2) units and (M,) scores of what the codec decodes."""
        points, scores = self.codec.decode(*arrays)
        bins = points.reshape(-1, 2) / self.step + 0.5
        # A codec puts a landmark that it sees nowhere at index -1.
        return (bins / self.bins).clip(0, 1), np.reshape(scores, -1).clip(0, 1)

    def decode(self, outputs: tuple) -> tuple[Tensor, Tensor]:
        """(M, 2) units and (M,) scores."""
        first = outputs[0]
        if not len(first):  # Codecs need a landmark.
            return first.new_zeros(0, 2), first.new_zeros(0)
        units, scores = self.read(*(part.detach().cpu().numpy() for part in outputs))
        return first.new_tensor(units), first.new_tensor(scores)

    def targets(self, units: Tensor) -> tuple:
        """The codec's targets, a tuple of (1, V, ...), and weights (1, V)."""
        encoded = self.encode(units)
        *targets, weights = (
            torch.as_tensor(encoded[name], dtype=torch.float32, device=units.device)
            for name in (*self.names, 'keypoint_weights'))
        return tuple(part.view(*weights.shape, *part.shape[-self.dims:])
                     for part in targets), weights

    def _check_inverse(self):
        centre = (self.bins // 2 + 0.5) / self.bins
        encoded = self.encode(torch.from_numpy(centre)[None])
        units, scores = self.read(*(encoded[name] for name in self.names))
        if len(scores) != 1:
            raise ValueError(
                f'{type(self.codec).__name__}.decode must give one score a landmark, '
                f'got {len(scores)}. Leave decode_visibility=False')
        if (np.abs(units - centre) * self.bins).max() > 0.25:
            raise ValueError(
                f'{type(self.codec).__name__}.decode must give back the centre of a '
                f'bin that its encode was given, ({centre[0]:.3f}, {centre[1]:.3f}) '
                f'of a RoI, got ({units[0, 0]:.3f}, {units[0, 1]:.3f}). '
                'Use MSRAHeatmap or SimCCLabel')


class HeatmapCoding(CodecCoding):
    """A map is a heat map, such as MSRAHeatmap's Gaussian, not probabilities.

    The criterion takes (1, V, H, W) maps and targets and (1, V) weights, as
    mmpose's KeypointMSELoss does. A score is the height of the peak.
    """

    names, dims = ('heatmaps',), 2

    def forward(self, maps: Tensor) -> tuple:
        """(M, H, W) maps are the output."""
        return (maps,)

    def loss(self, outputs: tuple, units: Tensor) -> Tensor:
        """Loss of the outputs of landmarks that are at (V, 2) units."""
        (target,), weights = self.targets(units)
        return self.criterion(outputs[0][None], target, weights)


class SimCCCoding(CodecCoding):
    """A map gives two rows of bins, one for x and one for y, by a linear layer each.

    The layers are shared by all landmarks. The criterion takes a pair of
    (1, V, bins) logits, the pair of targets and (1, V) weights, as mmpose's
    KLDiscretLoss does. A score is the probability of the likeliest bin, the lower
    one of x and y: a broad target, so a large ``sigma``, makes all of them small.

    Args:
        map_size (tuple[int, int]): (H, W).
        codec, bins, criterion: See ``CodecCoding``.
    """

    names, dims = ('keypoint_x_labels', 'keypoint_y_labels'), 1

    def __init__(self, map_size: tuple, codec, bins: tuple,
                 criterion: nn.Module) -> None:
        super().__init__(codec, bins, criterion)
        self.fc_x = nn.Linear(map_size[0] * map_size[1], bins[0])
        self.fc_y = nn.Linear(map_size[0] * map_size[1], bins[1])

    def forward(self, maps: Tensor) -> tuple:
        """(M, H, W) -> (M, bins in x) and (M, bins in y) logits."""
        maps = maps.flatten(1)
        return self.fc_x(maps), self.fc_y(maps)

    def loss(self, outputs: tuple, units: Tensor) -> Tensor:
        """Loss of the outputs of landmarks that are at (V, 2) units."""
        logits = tuple(part[None] for part in outputs)
        return self.criterion(logits, *self.targets(units))

    def read(self, *arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(M, 2) units and (M,) scores of x and y, (M, bins) each."""
        # As one garment: refining takes no other form.
        return super().read(*(a.reshape(1, -1, a.shape[-1]) for a in arrays))

    def decode(self, outputs: tuple) -> tuple[Tensor, Tensor]:
        """(M, 2) units and (M,) scores."""
        # At the temperature at which the loss makes probabilities of logits.
        beta = getattr(self.criterion, 'beta', 1.0)
        return super().decode(
            tuple((beta * part).softmax(dim=1) for part in outputs))


def build_coding(codec: dict | None, loss: dict, map_size: tuple) -> nn.Module:
    """The coding that a config asks for.

    Args:
        codec (dict | None): ``type``, a name in mmpose's KEYPOINT_CODECS, and its
            arguments; None for the one-hot map.
        loss (dict): The config of the loss.
        map_size (tuple[int, int]): (H, W).

    Raises:
        ValueError: If there is no such codec, or it does not fit the maps or loss.
        ImportError: If mmpose is asked for and cannot be imported.
    """
    if codec is None:
        coding = OneHotCoding(map_size, MODELS.build(loss))
    else:
        coding = _fit_codec(_build_codec(**codec), loss, map_size)
    try:
        coding.loss(coding(torch.zeros(2, *map_size)), torch.full((2, 2), 0.5))
    except _MISFITS as error:
        name = 'None, the one-hot map' if codec is None else codec['type']
        raise ValueError(
            f'loss_keypoint {loss["type"]} must fit codec {name}, got {error!r} from '
            'it. CrossEntropyLoss fits None, mmpose.KeypointMSELoss MSRAHeatmap, '
            'mmpose.KLDiscretLoss SimCCLabel') from error
    return coding


def _build_codec(type=None, **arguments):
    try:
        from mmpose.registry import KEYPOINT_CODECS
    except ImportError as error:
        raise ImportError(
            f'codec {type!r} is of mmpose, which cannot be imported ({error}). '
            'Run pip install mmpose==1.3.2 --no-deps, or leave codec=None') from error
    # Not build(): under mmdet's default scope that warns of a foreign registry.
    codec = KEYPOINT_CODECS.get(type) if isinstance(type, str) else None
    if codec is None:
        raise ValueError(
            "codec must name one of mmpose's codecs, such as MSRAHeatmap or "
            f'SimCCLabel, got {type!r}. Leave codec=None for the one-hot map')
    return codec(**arguments)


def _fit_codec(codec, loss, map_size):
    """The coding of a codec, by what it makes of a landmark."""
    name, encoded = type(codec).__name__, {}
    if hasattr(codec, 'input_size'):
        middle = np.array(codec.input_size, dtype=np.float32)[None, None] / 2
        encoded = codec.encode(middle, np.ones((1, 1), dtype=np.float32))
    if 'heatmaps' in encoded:
        number, *size = encoded['heatmaps'].shape
        if (number, *size) != (1, *map_size):
            raise ValueError(
                f'{name} must make one map of (H, W) {map_size} a landmark, got '
                f'{number} of {tuple(size)}. Set its heatmap_size, (W, H), to 4 times '
                'roi_feat_size')
        return HeatmapCoding(codec, map_size[::-1], MODELS.build(loss))
    if encoded.keys() >= set(SimCCCoding.names):
        bins = tuple(encoded[key].shape[-1] for key in SimCCCoding.names)
        return SimCCCoding(map_size, codec, bins, MODELS.build(loss))
    raise ValueError(
        'codec must make a heat map, or labels of x and y, of a landmark, as '
        f'MSRAHeatmap and SimCCLabel do, got {name}, which makes {sorted(encoded)}')
