"""The landmark stream of Match R-CNN."""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmdet.structures.bbox import get_box_tensor
from mmengine.model import BaseModule
from torch import Tensor, nn

from df2mm.metainfo import CATEGORIES
from df2mm.models.keypoint_coding import build_coding
from df2mm.models.keypoint_coordinates import inside, to_pixels, to_units
from df2mm.models.sliced_deconv import (
    SlicedConvTranspose2d,
    category_table,
    rows_as_rois_came,
)


@MODELS.register_module()
class KeypointHead(BaseModule):
    """Find the landmarks of the garment in a RoI (landmark stream of Match R-CNN).

    3 x 3 convolutions with ReLU, a deconvolution with ReLU and a deconvolution to
    one map a landmark. Both deconvolutions are 4 x 4 of stride 2, padding 1: each
    doubles the sides exactly and makes every place, off the edge, of 4 inputs.

    Of the K maps a garment has L, 8 to 39: those of its category, the true one in
    training and the predicted one in testing. So RoIs are grouped by category and
    the last layer's weights sliced; the other maps are never computed. With
    ``sliced=False`` all are, and the L picked out after: the reference, of the
    same parameters and results. Outputs hold the L maps of each RoI, one RoI after
    the other, M together.

    Shapes: N RoIs, C channels, S RoI side, F feature channels, K landmarks of all
    categories, (H, W) = (4 S, 4 S) maps.

    Args:
        num_classes (int): Number of categories. Defaults to 13.
        num_landmarks (Sequence[int], optional): L of each category; K is their sum.
            Defaults to DeepFashion2's.
        roi_feat_size (int): S. Defaults to 14.
        in_channels (int): C. Defaults to 256.
        num_convs (int): Defaults to 8.
        conv_out_channels (int): F. Defaults to 512.
        deconv_out_channels (int): Channels between the deconvolutions. Defaults to
            512.
        sliced (bool): Defaults to True.
        codec (dict, optional): One of mmpose's codecs, with ``input_size`` the size
            that a RoI counts as: MSRAHeatmap with ``heatmap_size=(W, H)``, or
            SimCCLabel, for which a linear layer each turns a map into x and y.
            Defaults to None, the paper's one-hot map.
        loss_keypoint (dict): A loss that fits the codec: mmdet's CrossEntropyLoss
            for None, the default; ``mmpose.KeypointMSELoss`` for heat maps,
            ``mmpose.KLDiscretLoss`` for SimCCLabel. Whichever it is, it gets the
            landmarks that count and no others, and takes the mean over them.
        loss_weight (float): Multiplies the loss; for losses that have no weight of
            their own. Defaults to 1.
        conv_cfg, norm_cfg (dict, optional): Of the 3 x 3 convolutions.
        init_cfg (dict | list[dict], optional): Defaults to Kaiming's.

    Attributes:
        num_classes (int), num_keypoints (int): The latter is K.
        feat_channels (int): F, that of ``forward_features``.

    Raises:
        ValueError: If an argument makes no sense, or codec, loss and map size do
            not fit together.
        ImportError: If there is a codec, and no mmpose.

    Source: Ge et al., DeepFashion2, CVPR 2019, sec. 4. Differs: the paper does not
    say the deconvolutions' kernels nor the channels between them.
    """

    def __init__(self,
                 num_classes: int = len(CATEGORIES),
                 num_landmarks: Sequence[int] | None = None,
                 roi_feat_size: int = 14,
                 in_channels: int = 256,
                 num_convs: int = 8,
                 conv_out_channels: int = 512,
                 deconv_out_channels: int = 512,
                 sliced: bool = True,
                 codec: dict | None = None,
                 loss_keypoint: dict = dict(  # noqa: B006
                     type='CrossEntropyLoss', loss_weight=1.0),
                 loss_weight: float = 1.0,
                 conv_cfg: dict | None = None,
                 norm_cfg: dict | None = None,
                 init_cfg: dict | list[dict] | None = None) -> None:
        if num_landmarks is None:
            num_landmarks = [c.num_landmarks for c in CATEGORIES]
        _check_arguments(
            num_classes, num_landmarks, loss_weight, roi_feat_size=roi_feat_size,
            in_channels=in_channels, num_convs=num_convs,
            conv_out_channels=conv_out_channels,
            deconv_out_channels=deconv_out_channels)
        super().__init__(init_cfg or dict(
            type='Kaiming', layer=['Conv2d', 'ConvTranspose2d']))
        self.num_classes = num_classes
        self.num_keypoints = sum(num_landmarks)
        self.feat_channels = conv_out_channels
        self.sliced = sliced
        self.loss_weight = loss_weight
        self.convs = nn.Sequential(*(
            ConvModule(in_channels if index == 0 else conv_out_channels,
                       conv_out_channels, 3, padding=1, conv_cfg=conv_cfg,
                       norm_cfg=norm_cfg)
            for index in range(num_convs)))
        self.deconv = nn.ConvTranspose2d(
            conv_out_channels, deconv_out_channels, 4, stride=2, padding=1)
        self.deconv_maps = SlicedConvTranspose2d(
            deconv_out_channels, num_landmarks, 4, stride=2, padding=1)
        self.coding = build_coding(codec, loss_keypoint, (4 * roi_feat_size,) * 2)
        self.register_buffer(
            '_table', category_table(num_landmarks), persistent=False)

    def forward(self, feats: Tensor, labels: Tensor) -> tuple:
        """Outputs of RoIs: ``forward_maps`` of ``forward_features``.

        Args:
            feats (Tensor): (N, C, S, S). N may be 0.
            labels (Tensor): (N,) int64, the category of each.

        Returns:
            tuple[Tensor]: One of (M, H, W), landmark by landmark of each RoI in
            turn; with SimCCLabel two, (M, bins in x) and (M, bins in y).
        """
        return self.forward_maps(self.forward_features(feats), labels)

    def forward_features(self, feats: Tensor) -> Tensor:
        """(N, C, S, S) -> (N, F, S, S), what the match head is fed with."""
        return self.convs(feats)

    def forward_maps(self, features: Tensor, labels: Tensor) -> tuple:
        """Outputs, see ``forward``, of (N, F, S, S) and (N,) labels.

        Raises:
            ValueError: If there is not one label a RoI, each a category's.
        """
        if labels.shape != features.shape[:1]:
            raise ValueError(f'labels must have shape ({len(features)},), one a RoI, '
                             f'got {tuple(labels.shape)}')
        counts = torch.bincount(labels, minlength=self.num_classes).tolist()
        if len(counts) > self.num_classes:
            raise ValueError(f'labels must be in 0..{self.num_classes - 1}, got '
                             f'{len(counts) - 1}')
        members = self._table[labels]
        if not self.sliced:
            maps = self.deconv_maps(self.deconv(features).relu_())
            return self.coding(maps[members])
        # Sorted this early, where they are smallest, the RoIs of a category lie
        # side by side further on, and nothing is copied again.
        order = labels.argsort(stable=True)
        rows = self.deconv_maps.forward_sliced(
            self.deconv(features[order]).relu_(), counts)
        return self.coding(rows[rows_as_rois_came(members, order)])

    def loss_and_target(self, outputs: tuple, sampling_results: list,
                        batch_gt_instances: list, rcnn_train_cfg=None) -> dict:
        """Loss of the positive RoIs of a batch.

        Args:
            outputs (tuple[Tensor]): ``forward``'s, of the positive RoIs of all
                images in turn and their true labels, ``pos_gt_labels``.
            sampling_results (list[SamplingResult]): mmdet's, of each image.
            batch_gt_instances (list[InstanceData]): With ``keypoints`` and
                ``keypoints_visible``.
            rcnn_train_cfg: In mmdet's contract; nothing here depends on it.

        Returns:
            dict: ``loss_keypoint``, a dict with the loss of that name: the mean
            over the landmarks that are labelled (v > 0, occluded ones too) and lie
            in their RoI. Without any it is 0, but every parameter gets a gradient,
            so that processes that train together do not wait for one. It is
            float32, under autocast too. And ``keypoint_targets``, what
            ``get_targets`` gives.

        Raises:
            KeyError, ValueError: If the ground truth or the outputs do not fit.
        """
        units, counted = self.get_targets(sampling_results, batch_gt_instances)
        if len(outputs[0]) != len(units):
            raise ValueError(
                f'outputs must hold {len(units)} maps, those of the categories of '
                f'the positive RoIs, got {len(outputs[0])}. Call forward with the '
                'pos_gt_labels of sampling_results')
        if counted.any():
            loss = self.loss_weight * self.coding.loss(
                tuple(part[counted].float() for part in outputs), units[counted])
        else:
            # The graph without a number of it: 0 times an infinite one is nan.
            loss = sum(part[:0].float().sum() for part in outputs)
        return dict(loss_keypoint=dict(loss_keypoint=loss),
                    keypoint_targets=(units, counted))

    def get_targets(self, sampling_results: list,
                    batch_gt_instances: list) -> tuple[Tensor, Tensor]:
        """Where the landmarks of the positive RoIs are; see ``loss_and_target``.

        Returns:
            tuple[Tensor, Tensor]: (M, 2) units of their RoI, (0, 0) its top left
            and (1, 1) its bottom right corner, and (M,) bool: which count.
        """
        points, visible = [], []
        for result, instances in zip(
                sampling_results, batch_gt_instances, strict=True):
            self._check_instances(instances)
            points.append(instances.keypoints[result.pos_assigned_gt_inds])
            visible.append(instances.keypoints_visible[result.pos_assigned_gt_inds])
        labels = torch.cat([result.pos_gt_labels for result in sampling_results])
        boxes = torch.cat(
            [get_box_tensor(result.pos_priors) for result in sampling_results])
        members = self._table[labels]
        units = to_units(torch.cat(points)[members], _box_of_rows(boxes, members))
        return units, (torch.cat(visible)[members] > 0) & inside(units)

    def predict_by_feat(self, outputs: tuple, results_list: list,
                        batch_img_metas: list, rescale: bool = False) -> list:
        """Give detections their landmarks.

        Args:
            outputs (tuple[Tensor]): ``forward``'s, of the detections of all images
                in turn.
            results_list (list[InstanceData]): With ``bboxes`` in the network's
                input image, and ``labels``. Boxes stay as they are; a mask head
                rescales them in place, so this comes before it.
            batch_img_metas (list[dict]): With ``scale_factor`` (w, h) to rescale.
            rescale (bool): Give pixels of the original image.

        Returns:
            list[InstanceData]: The same, with ``keypoints`` (number of detections,
            K, 2) float32 pixels and ``keypoint_scores`` (..., K) float32, 0 to 1,
            both zero outside the slice of the predicted category.
        """
        members = self._table[torch.cat([r.labels for r in results_list])]
        boxes = torch.cat([get_box_tensor(r.bboxes) for r in results_list]).float()
        units, row_scores = self.coding.decode(tuple(part.float() for part in outputs))
        keypoints = boxes.new_zeros(*members.shape, 2)
        keypoints[members] = to_pixels(units, _box_of_rows(boxes, members))
        scores = boxes.new_zeros(members.shape)
        scores[members] = row_scores
        lengths = [len(results.labels) for results in results_list]
        for results, meta, points, score in zip(
                results_list, batch_img_metas, keypoints.split(lengths),
                scores.split(lengths), strict=True):
            if rescale:
                points = points / points.new_tensor(meta['scale_factor'])
            results.keypoints, results.keypoint_scores = points, score
        return results_list

    def _check_instances(self, instances):
        for name, shape in (('keypoints', (self.num_keypoints, 2)),
                            ('keypoints_visible', (self.num_keypoints,))):
            if name not in instances:
                raise KeyError(
                    f'the keypoint head needs gt_instances.{name}, got '
                    f'{sorted(instances.keys())}. Pack samples with '
                    'PackDeepFashion2Inputs')
            got = tuple(instances[name].shape)
            if got[1:] != shape:
                raise ValueError(f'gt_instances.{name} must have shape '
                                 f'{("N", *shape)}, got {got}')


def _box_of_rows(boxes, members):
    """(M, 4): the box of each landmark of N RoIs, of (N, 4) and (N, K) bool."""
    return boxes.repeat_interleave(members.sum(dim=1), dim=0)


def _check_arguments(num_classes, num_landmarks, loss_weight, **counts):
    for name, value in counts.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f'{name} must be a positive int, got {value!r}')
    if not all(isinstance(length, int) and length > 0 for length in num_landmarks):
        raise ValueError('num_landmarks must be positive ints, got '
                         f'{list(num_landmarks)}')
    if len(num_landmarks) != num_classes:
        raise ValueError(
            f'num_classes must be {len(num_landmarks)}, the number of categories in '
            f'num_landmarks, got {num_classes}. Give num_landmarks, the number of '
            'each category\'s landmarks, for categories other than DeepFashion2\'s')
    if loss_weight < 0:
        raise ValueError(f'loss_weight must not be negative, got {loss_weight}')
