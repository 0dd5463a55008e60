"""PN and MN of Match R-CNN: all that is done for a region of interest."""

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.utils import unpack_gt_instances
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi, get_box_tensor
from torch import Tensor

#: What the match head may be fed with: names of streams whose features it gets.
FEEDS = {
    'class': ('class',),
    'keypoints': ('keypoints',),
    'segmentation': ('segmentation',),
    'class+keys': ('class', 'keypoints'),
    'class+seg': ('class', 'segmentation'),
}


@MODELS.register_module()
class MatchRoIHead(StandardRoIHead):
    """The streams of Match R-CNN on regions of interest, and its match network.

    The detection stream classifies proposals and moves their boxes; the landmark
    and the mask stream work on the positive ones in training and on the boxes that
    NMS left in testing. The match head takes the features of one stream or two:

    - ``class``: the RoI features that the detection stream starts from;
    - ``keypoints``: what the landmark stream's convolutions make of theirs;
    - ``segmentation``: the same of the mask stream;
    - ``class+keys``, ``class+seg``: both.

    Every head but the detection stream's is optional: without any it is mmdet's
    StandardRoIHead, of the same parameters.

    Args:
        keypoint_head (dict, optional): A KeypointHead.
        keypoint_roi_extractor (dict, optional): None shares the RoI features of the
            mask stream, which must then be there.
        match_head (dict, optional): A MatchHead. Its ``in_channels`` follow from
            the feed.
        match_feed (str): One of FEEDS. Defaults to 'class+keys', the best of the
            paper.
        **kwargs: As for StandardRoIHead. A mask head that feeds the match head
            must be a FeatureMaskHead.

    Raises:
        ValueError: If a head lacks what it works on, or heads do not fit together.

    Source: Ge et al., DeepFashion2, CVPR 2019, sec. 4.
    """

    def __init__(self, *, keypoint_head: dict | None = None,
                 keypoint_roi_extractor: dict | None = None,
                 match_head: dict | None = None, match_feed: str = 'class+keys',
                 **kwargs) -> None:
        if match_feed not in FEEDS:
            raise ValueError(
                f'match_feed must be one of {", ".join(FEEDS)}, got {match_feed!r}')
        super().__init__(**kwargs)
        self.keypoint_head = self.match_head = None
        self.keypoint_roi_extractor = None
        self.match_feed = match_feed
        if keypoint_head is not None:
            self._init_keypoint_head(keypoint_head, keypoint_roi_extractor)
        elif keypoint_roi_extractor is not None:
            raise ValueError('keypoint_roi_extractor is of no use without a '
                             'keypoint_head. Add that, or take it out')
        if match_head is not None:
            self._init_match_head(match_head)

    def _init_keypoint_head(self, keypoint_head, roi_extractor):
        self.keypoint_head = MODELS.build(keypoint_head)
        if self.keypoint_head.num_classes != self.bbox_head.num_classes:
            raise ValueError(
                'bbox_head and keypoint_head must have as many categories, got '
                f'num_classes {self.bbox_head.num_classes} and '
                f'{self.keypoint_head.num_classes}')
        if roi_extractor is not None:
            self.keypoint_roi_extractor = MODELS.build(roi_extractor)
        elif not self.with_mask:
            raise ValueError('keypoint_head needs a keypoint_roi_extractor, or a mask '
                             'head whose RoI features it can share; got neither')

    def _init_match_head(self, match_head):
        channels = [self._channels_of(stream) for stream in FEEDS[self.match_feed]]
        given = match_head.get('in_channels', channels)
        given = [given] if isinstance(given, int) else list(given)
        if given != channels:
            raise ValueError(
                f'in_channels of match_head must be {channels}, what the feed '
                f'{self.match_feed!r} has, got {given}. Leave it out of the config')
        self.match_head = MODELS.build(dict(match_head, in_channels=channels))

    def _channels_of(self, stream):
        if stream == 'class':
            return self.bbox_roi_extractor.out_channels
        head = self.keypoint_head if stream == 'keypoints' else (
            self.mask_head if self.with_mask else None)
        name = 'keypoint_head' if stream == 'keypoints' else 'mask_head'
        if head is None:
            raise ValueError(
                f'match_feed {self.match_feed!r} needs a {name}, and there is none. '
                "Add it to the config, or choose another feed, such as 'class'")
        if not hasattr(head, 'forward_features'):
            raise ValueError(
                f'match_feed {self.match_feed!r} needs a {name} that shows its '
                f'features, got {type(head).__name__}. Use FeatureMaskHead')
        return head.feat_channels

    def loss(self, x: tuple[Tensor], rpn_results_list: list,
             batch_data_samples: list) -> dict:
        """Losses of all streams on the proposals of a batch.

        Args:
            x (tuple[Tensor]): Feature maps, one a level.
            rpn_results_list (list[InstanceData]): Proposals of each image.
            batch_data_samples (list[DetDataSample]): With ``gt_instances``; for the
                match head packed by PackDeepFashion2Inputs.

        Returns:
            dict[str, Tensor]: ``loss_cls``, ``loss_bbox`` and, as there are heads,
            ``loss_keypoint``, ``loss_mask``, ``loss_match``; and accuracies.
        """
        instances, ignored, metas = unpack_gt_instances(batch_data_samples)
        sampled = self._sample(x, rpn_results_list, instances, ignored)
        found = self.bbox_loss(x, sampled)
        losses = dict(found['loss_bbox'])
        rois = bbox2roi([result.pos_priors for result in sampled])
        streams = dict()
        self._extract(x, rois, streams)
        if self.keypoint_head is not None:
            labels = torch.cat([result.pos_gt_labels for result in sampled])
            losses.update(self.keypoint_head.loss_and_target(
                self._landmarks(streams, labels), sampled, instances,
                self.train_cfg)['loss_keypoint'])
        if self.with_mask:
            masks = self._masks(streams)
            losses.update(self.mask_head.loss_and_target(
                mask_preds=masks, sampling_results=sampled,
                batch_gt_instances=instances,
                rcnn_train_cfg=self.train_cfg)['loss_mask'])
        if self.match_head is not None:
            losses.update(self._match_loss(
                streams, found['bbox_feats'], sampled, instances, metas))
        return losses

    def _sample(self, x, rpn_results_list, instances, ignored):
        """The sampled proposals of each image."""
        sampled = []
        for i, (proposals, gt, gt_ignored) in enumerate(zip(
                rpn_results_list, instances, ignored, strict=True)):
            proposals.priors = proposals.pop('bboxes')
            assigned = self.bbox_assigner.assign(proposals, gt, gt_ignored)
            sampled.append(self.bbox_sampler.sample(
                assigned, proposals, gt, feats=[level[i][None] for level in x]))
        return sampled

    def _extract(self, x, rois, streams):
        """RoI features of the landmark and the mask stream, into ``streams``."""
        if self.with_mask:
            extractor = self.mask_roi_extractor
            streams['mask_rois'] = extractor(x[:extractor.num_inputs], rois)
        if self.keypoint_head is not None:
            extractor = self.keypoint_roi_extractor
            streams['keypoint_rois'] = streams['mask_rois'] if extractor is None else (
                extractor(x[:extractor.num_inputs], rois))

    def _landmarks(self, streams, labels):
        """Landmark outputs; the features they are made of go into ``streams``."""
        streams['keypoints'] = self.keypoint_head.forward_features(
            streams.pop('keypoint_rois'))
        return self.keypoint_head.forward_maps(streams['keypoints'], labels)

    def _masks(self, streams):
        """Mask logits; the features they are made of go into ``streams``."""
        rois = streams.pop('mask_rois')
        if not hasattr(self.mask_head, 'forward_features'):
            return self.mask_head(rois)
        streams['segmentation'] = self.mask_head.forward_features(rois)
        return self.mask_head.forward_maps(streams['segmentation'])

    def _match_loss(self, streams, bbox_feats, sampled, instances, metas):
        picked = self.match_head.pick(sampled, instances, metas)
        positives, everything = [], []
        first_positive = first = 0
        for result, pick in zip(sampled, picked.picks, strict=True):
            positives.append(pick + first_positive)
            # The sampler puts an image's positives before its negatives.
            everything.append(pick + first)
            first_positive += len(result.pos_priors)
            first += len(result.priors)
        positives, everything = torch.cat(positives), torch.cat(everything)
        feats = [bbox_feats[everything] if stream == 'class'
                 else streams[stream][positives] for stream in FEEDS[self.match_feed]]
        return self.match_head.loss(feats, picked.identities, picked.is_user)

    def predict(self, x: tuple[Tensor], rpn_results_list: list,
                batch_data_samples: list, rescale: bool = False) -> list:
        """Detect, and find landmarks, masks and match vectors of what is detected.

        Args:
            x (tuple[Tensor]): Feature maps, one a level.
            rpn_results_list (list[InstanceData]): Proposals of each image.
            batch_data_samples (list[DetDataSample]): For their metainfo.
            rescale (bool): Give pixels of the original image.

        Returns:
            list[InstanceData]: As :meth:`predict_in_boxes`.
        """
        metas = [sample.metainfo for sample in batch_data_samples]
        results = self.predict_bbox(
            x, metas, rpn_results_list, self.test_cfg, rescale=False)
        return self.predict_in_boxes(x, results, metas, rescale)

    def predict_in_boxes(self, x: tuple[Tensor], results_list: list,
                         batch_img_metas: list, rescale: bool = False) -> list:
        """Find landmarks, masks and match vectors of garments in given boxes.

        Args:
            x (tuple[Tensor]): Feature maps, one a level.
            results_list (list[InstanceData]): ``bboxes`` in the network's input
                image, ``labels``, ``scores``.
            batch_img_metas (list[dict]): ``scale_factor``, ``ori_shape`` and, if
                known, ``source``.
            rescale (bool): Give pixels of the original image.

        Returns:
            list[InstanceData]: The same with, as there are heads, ``keypoints``
            (n, 294, 2), ``keypoint_scores`` (n, 294), ``masks`` (n, H, W) bool, and
            ``query_vectors`` (n, D + 2) unless the image is a shop's,
            ``gallery_vectors`` unless it is a user's.
        """
        rois = bbox2roi([get_box_tensor(results.bboxes) for results in results_list])
        streams = dict()
        self._extract(x, rois, streams)
        if self.keypoint_head is not None:
            labels = torch.cat([results.labels for results in results_list])
            self.keypoint_head.predict_by_feat(
                self._landmarks(streams, labels), results_list, batch_img_metas,
                rescale)
        masks = self._masks(streams) if self.with_mask else None
        if self.match_head is not None:
            self._predict_match(x, rois, streams, results_list, batch_img_metas)
        if self.with_mask:
            # Last, for it moves the boxes to the original image.
            return self.mask_head.predict_by_feat(
                mask_preds=masks.split([len(results) for results in results_list]),
                results_list=results_list, batch_img_metas=batch_img_metas,
                rcnn_test_cfg=self.test_cfg, rescale=rescale)
        for results, meta in zip(results_list, batch_img_metas, strict=True):
            if rescale:
                scale = results.bboxes.new_tensor(meta['scale_factor']).repeat(2)
                results.bboxes = results.bboxes / scale
        return results_list

    def _predict_match(self, x, rois, streams, results_list, batch_img_metas):
        """Give detections the vectors that their image's source asks for."""
        if 'class' in FEEDS[self.match_feed]:
            extractor = self.bbox_roi_extractor
            streams['class'] = extractor(x[:extractor.num_inputs], rois)
        self.match_head.predict(
            [streams[stream] for stream in FEEDS[self.match_feed]], results_list)
        unasked = dict(user='gallery_vectors', shop='query_vectors')
        for results, meta in zip(results_list, batch_img_metas, strict=True):
            if name := unasked.get(meta.get('source')):
                results.pop(name)

    def forward(self, x: tuple[Tensor], rpn_results_list: list,
                batch_data_samples: list | None = None) -> tuple:
        """All outputs on all proposals, without any post-processing.

        Args:
            x (tuple[Tensor]): Feature maps, one a level.
            rpn_results_list (list[InstanceData]): Proposals of each image.
            batch_data_samples: In mmdet's contract; not used.

        Returns:
            tuple: Class scores and box deltas; as there are heads, the landmark
            outputs for the likeliest category, mask logits, match descriptors.
        """
        rois = bbox2roi([proposals.bboxes for proposals in rpn_results_list])
        found = self._bbox_forward(x, rois)
        outputs, streams = [found['cls_score'], found['bbox_pred']], dict()
        streams['class'] = found['bbox_feats']
        self._extract(x, rois, streams)
        if self.keypoint_head is not None:
            labels = found['cls_score'][:, :self.bbox_head.num_classes].argmax(dim=1)
            outputs.append(self._landmarks(streams, labels))
        if self.with_mask:
            outputs.append(self._masks(streams))
        if self.match_head is not None:
            outputs.append(self.match_head(
                [streams[stream] for stream in FEEDS[self.match_feed]]))
        return tuple(outputs)
