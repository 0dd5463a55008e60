"""MN, the match network of Match R-CNN."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from df2mm.models.match_pairs import (
    MatchRoIs,
    balanced_accuracy,
    gallery_vectors,
    match_logits,
    pair_loss,
    pair_targets,
    pick_rois,
    query_vectors,
)


@MODELS.register_module()
class MatchHead(BaseModule):
    """Score whether two RoIs show the same garment (MN of Match R-CNN).

    Convolutions, an average over the RoI and a linear layer make a descriptor of
    a RoI, by the same weights for user and shop images. Two descriptors are
    subtracted and squared; a linear layer of 2 classes, no match and match, says
    whether they match. The logit of a pair here is match's minus no match's, an
    inner product: see :func:`df2mm.models.match_pairs.query_vectors`. The
    descriptor and all that follows it are float32, under autocast too.

    In training every RoI of a user image in the batch is paired with every RoI of
    a shop image. Those of the same identity match; all others do not, items that
    never pair (identity -1) included: the paper takes every other combination for
    a negative, and in a gallery such items are there to be told apart.

    What feeds the head is one feature map a RoI, or several: each is brought to
    the same size by adaptive average pooling (14 to 7 is the mean of 2 x 2; a
    smaller one is repeated) and they are concatenated by channels.

    Shapes: N RoIs, of which Q are of user images and G of shop images; C channels;
    S side of a RoI's features; D embedding.

    Args:
        in_channels (int | Sequence[int]): C, or that of each map in turn.
            Defaults to 256.
        roi_feat_size (int): S that the convolutions work on. Defaults to 7.
        conv_channels (Sequence[int]): Output channels of the 3 x 3 convolutions,
            each followed by ReLU. Defaults to (256, 256, 256, 1024).
        embed_dims (int): D. Defaults to 256.
        num_rois (int): The most RoIs of an image in training. Defaults to 8.
        pos_fraction (float, optional): Share of the loss that the matching pairs
            have together, however few they are. Defaults to None: each pair
            counts alike, as in the paper. Of a process's batch of n image pairs
            about one RoI pair in n matches, or fewer.
        neg_pos_ratio (float, optional): How many of the pairs that do not match
            count for each that does: the hardest, those of the highest score.
            Defaults to None: all count, as in the paper. Most are easily told
            apart by their category alone, and the mean of all teaches little else.
        loss_weight (float): Defaults to 1.
        init_cfg (dict | list[dict], optional): Defaults to Xavier's for the
            embedding and a normal of deviation 0.01 for the last layer.

    Raises:
        ValueError: If an argument makes no sense.

    Source: Ge et al., DeepFashion2, CVPR 2019, sec. 4, and its author's printed
    network. Differs: how RoIs are picked is not said there; here the items of an
    image take turns.
    """

    def __init__(self,
                 in_channels: int | Sequence[int] = 256,
                 roi_feat_size: int = 7,
                 conv_channels: Sequence[int] = (256, 256, 256, 1024),
                 embed_dims: int = 256,
                 num_rois: int = 8,
                 pos_fraction: float | None = None,
                 neg_pos_ratio: float | None = None,
                 loss_weight: float = 1.0,
                 init_cfg: dict | list[dict] | None = None) -> None:
        if isinstance(in_channels, int):
            in_channels = (in_channels,)
        _check_positive('in_channels', in_channels, several=True)
        _check_positive('conv_channels', conv_channels, several=True)
        _check_positive('roi_feat_size', roi_feat_size)
        _check_positive('embed_dims', embed_dims)
        _check_positive('num_rois', num_rois)
        if pos_fraction is not None and not 0 < pos_fraction < 1:
            raise ValueError(
                f'pos_fraction must be between 0 and 1, or None, got {pos_fraction}')
        if neg_pos_ratio is not None and not neg_pos_ratio > 0:
            raise ValueError(
                f'neg_pos_ratio must be above 0, or None, got {neg_pos_ratio}')
        if loss_weight < 0:
            raise ValueError(f'loss_weight must not be negative, got {loss_weight}')
        super().__init__(init_cfg or [
            dict(type='Xavier', distribution='uniform', override=dict(name='fc_embed')),
            dict(type='Normal', std=0.01, override=dict(name='fc_match'))])
        self.in_channels = tuple(in_channels)
        self.roi_feat_size = roi_feat_size
        self.embed_dims = embed_dims
        self.num_rois = num_rois
        self.pos_fraction = pos_fraction
        self.neg_pos_ratio = neg_pos_ratio
        self.loss_weight = loss_weight
        widths = (sum(in_channels), *conv_channels)
        self.convs = nn.Sequential(*(
            ConvModule(before, after, 3, padding=1)
            for before, after in pairwise(widths)))
        self.fc_embed = nn.Linear(widths[-1], embed_dims)
        self.fc_match = nn.Linear(embed_dims, 2)

    def forward(self, feats: Tensor | Sequence[Tensor]) -> Tensor:
        """Descriptors of RoIs.

        Args:
            feats (Tensor | Sequence[Tensor]): (N, C, S, S), as many as
                ``in_channels``, S of each its own. N may be 0.

        Returns:
            Tensor: (N, D) float32.

        Raises:
            ValueError: If they are not as many, or of other shapes.
        """
        feats = [feats] if isinstance(feats, Tensor) else list(feats)
        self._check_feats(feats)
        x = self.convs(torch.cat(
            [F.adaptive_avg_pool2d(feat, self.roi_feat_size) for feat in feats], dim=1))
        with torch.autocast(x.device.type, enabled=False):
            return self.fc_embed(x.mean(dim=(2, 3), dtype=torch.float32))

    def query_vectors(self, descriptors: Tensor) -> Tensor:
        """(Q, D) -> (Q, D + 2) float32: what a query is scored by."""
        return query_vectors(descriptors, *self._weight_and_bias())

    def gallery_vectors(self, descriptors: Tensor) -> Tensor:
        """(G, D) -> (G, D + 2) float32: what a gallery item is scored by."""
        return gallery_vectors(descriptors, self._weight_and_bias()[0])

    def pick(self, sampling_results: list, batch_gt_instances: list,
             batch_img_metas: list) -> MatchRoIs:
        """Which RoIs of a batch feed the head, and what they show.

        Args:
            sampling_results (list[SamplingResult]): mmdet's, of each image.
            batch_gt_instances (list[InstanceData]): With ``identities``.
            batch_img_metas (list[dict]): With ``source``.

        Raises:
            KeyError: If the samples do not say identities and sources.
        """
        for instances, meta in zip(batch_gt_instances, batch_img_metas, strict=True):
            if 'identities' not in instances or 'source' not in meta:
                raise KeyError(
                    'the match head needs gt_instances.identities and the source of '
                    f'each image, got {sorted(instances.keys())} and '
                    f'{sorted(meta)}. Pack samples with PackDeepFashion2Inputs')
        return pick_rois(
            sampling_results, [gt.identities for gt in batch_gt_instances],
            [meta['source'] for meta in batch_img_metas], self.num_rois)

    def loss(self, feats: Tensor | Sequence[Tensor], identities: Tensor,
             is_user: Tensor) -> dict:
        """Loss of all pairs of a user's and a shop's RoI.

        Args:
            feats (Tensor | Sequence[Tensor]): As for ``forward``.
            identities (Tensor): (N,) int64, -1 for what never pairs.
            is_user (Tensor): (N,) bool.

        Returns:
            dict[str, Tensor]: ``loss_match``, 0 if there is no pair, from which
            every parameter gets a gradient in any case, so that processes that
            train together do not wait for one; and where there is a pair
            ``acc_match``, the balanced accuracy in percent.

        Raises:
            ValueError: If the lengths differ.
        """
        descriptors = self(feats)
        for name, value in dict(identities=identities, is_user=is_user).items():
            if value.shape != descriptors.shape[:1]:
                raise ValueError(f'{name} must have shape ({len(descriptors)},), one '
                                 f'a RoI, got {tuple(value.shape)}')
        logits = match_logits(self.query_vectors(descriptors[is_user]),
                              self.gallery_vectors(descriptors[~is_user]))
        targets = pair_targets(identities[is_user], identities[~is_user])
        loss = self.loss_weight * pair_loss(
            logits, targets, self.pos_fraction, self.neg_pos_ratio)
        if not targets.numel():
            return dict(loss_match=loss)
        return dict(loss_match=loss,
                    acc_match=balanced_accuracy(logits.detach(), targets))

    def predict(self, feats: Tensor | Sequence[Tensor], results_list: list) -> list:
        """Give detections the vectors that retrieval ranks by.

        Args:
            feats (Tensor | Sequence[Tensor]): As for ``forward``, of the
                detections of all images, one image after the other.
            results_list (list[InstanceData]): Of each image; N together.

        Returns:
            list[InstanceData]: The same, with ``query_vectors`` and
            ``gallery_vectors`` (number of detections, D + 2) float32. The inner
            product of a query's and a gallery item's is the logit of their match.

        Raises:
            ValueError: If they are not N together.
        """
        descriptors = self(feats)
        lengths = [len(results) for results in results_list]
        if sum(lengths) != len(descriptors):
            raise ValueError(f'results_list must hold {len(descriptors)} detections, '
                             f'one a RoI, got {sum(lengths)}')
        for results, part in zip(
                results_list, descriptors.split(lengths), strict=True):
            results.query_vectors = self.query_vectors(part)
            results.gallery_vectors = self.gallery_vectors(part)
        return results_list

    def _weight_and_bias(self):
        """w (D,) and c (): the rows of the last layer, match minus no match."""
        no_match, match = 0, 1
        weight, bias = self.fc_match.weight, self.fc_match.bias
        return weight[match] - weight[no_match], bias[match] - bias[no_match]

    def _check_feats(self, feats):
        shapes = [tuple(feat.shape) for feat in feats]
        fits = len(shapes) == len(self.in_channels) and all(
            len(shape) == 4 and shape[0] == shapes[0][0] and shape[1] == channels
            for shape, channels in zip(shapes, self.in_channels, strict=True))
        if not fits:
            expected = ', '.join(f'(N, {channels}, S, S)'
                                 for channels in self.in_channels)
            raise ValueError(
                f'the match head expects feature maps {expected} of the same N, got '
                f'{", ".join(map(str, shapes))}. Set in_channels to what feeds it')


def _check_positive(name, value, several=False):
    """A ValueError unless it is a positive int, or a sequence of one or more."""
    values = [value]
    if several:
        values = value if isinstance(value, (list, tuple)) else []
    if not values or not all(isinstance(v, int) and v > 0 for v in values):
        what = 'a sequence of positive integers' if several else 'a positive integer'
        raise ValueError(f'{name} must be {what}, got {value!r}')
