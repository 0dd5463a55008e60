"""Match R-CNN, whole."""

from mmdet.models.detectors import TwoStageDetector
from mmdet.registry import MODELS
from mmengine.structures import InstanceData
from torch import Tensor


@MODELS.register_module()
class MatchRCNN(TwoStageDetector):
    """Detect garments with landmarks, masks and vectors to retrieve them by.

    FN is ``backbone``, ``neck`` and ``rpn_head``; PN and MN are ``roi_head``, a
    MatchRoIHead. Samples get ``pred_instances`` with what the heads there give: see
    :meth:`df2mm.models.match_roi_head.MatchRoIHead.predict_in_boxes`.

    Args:
        gt_boxes (bool): In testing also take the annotated boxes and categories, as
            the paper does to tell retrieval from detection: samples get
            ``gt_box_instances`` as well, which DeepFashion2Metric reads with
            ``retrieval=dict(boxes='ground_truth')``. The test pipeline must load
            the annotation. Defaults to False.
        **kwargs: As for mmdet's TwoStageDetector: ``backbone``, ``neck``,
            ``rpn_head``, ``roi_head``, ``train_cfg``, ``test_cfg``,
            ``data_preprocessor``, ``init_cfg``.

    Source: Ge et al., DeepFashion2, CVPR 2019.
    """

    def __init__(self, *, gt_boxes: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.gt_boxes = gt_boxes

    def predict(self, batch_inputs: Tensor, batch_data_samples: list,
                rescale: bool = True) -> list:
        """Predict a batch.

        Args:
            batch_inputs (Tensor): (B, 3, H, W), preprocessed.
            batch_data_samples (list[DetDataSample]): Of each image.
            rescale (bool): Give pixels of the original image. Defaults to True.

        Returns:
            list[DetDataSample]: The same, with ``pred_instances`` and, if asked for,
            ``gt_box_instances``.

        Raises:
            KeyError: If annotated boxes are asked for and a sample has none.
        """
        x = self.extract_feat(batch_inputs)
        if batch_data_samples[0].get('proposals', None) is None:
            proposals = self.rpn_head.predict(x, batch_data_samples, rescale=False)
        else:
            proposals = [sample.proposals for sample in batch_data_samples]
        results = self.roi_head.predict(
            x, proposals, batch_data_samples, rescale=rescale)
        samples = self.add_pred_to_datasample(batch_data_samples, results)
        if self.gt_boxes:
            at_truth = self.roi_head.predict_in_boxes(
                x, [_annotated(sample) for sample in samples],
                [sample.metainfo for sample in samples], rescale)
            for sample, instances in zip(samples, at_truth, strict=True):
                sample.gt_box_instances = instances
        return samples


def _annotated(sample) -> InstanceData:
    """The annotated boxes of a test sample, in the network's input image."""
    if 'gt_instances' not in sample or 'bboxes' not in sample.gt_instances:
        raise KeyError(
            'gt_boxes=True needs the annotated boxes of the test images, got a sample '
            'without gt_instances. Put LoadDeepFashion2Annotations into the test '
            'pipeline, after Resize')
    boxes = sample.gt_instances.bboxes
    boxes = getattr(boxes, 'tensor', boxes)
    # Loaded after Resize, they are in pixels of the original image.
    scale = boxes.new_tensor(sample.scale_factor).repeat(2)
    return InstanceData(
        bboxes=boxes * scale, labels=sample.gt_instances.labels,
        scores=boxes.new_ones(len(boxes)))
