"""The two ends of a pipeline: annotation in, samples out.

Between them stand mmdet's own transforms: see GarmentBoxes.
"""

from collections.abc import Sequence

from mmdet.datasets.transforms import LoadAnnotations, PackDetInputs
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes

from df2mm.datasets.structures import (
    GarmentBoxes,
    GarmentInstances,
    expand_keypoints,
)


@TRANSFORMS.register_module()
class LoadDeepFashion2Annotations(LoadAnnotations):
    """Load boxes with their landmarks, labels and, if asked, masks.

    As mmdet's LoadAnnotations, but ``gt_bboxes`` are :class:`GarmentBoxes`. With
    masks, an item without a usable polygon is ignored, as mmdet does. Landmarks
    outside the image get v = 0.

    Required keys: ``instances``, ``height``, ``width``, as
    ``DeepFashion2Dataset.get_data_info`` gives them.

    Args:
        with_mask (bool): Defaults to False.
        poly2mask (bool): Whether masks become bitmaps. Defaults to True, as in
            mmdet; polygons take far less time and memory.
    """

    def __init__(self, with_mask: bool = False, poly2mask: bool = True) -> None:
        super().__init__(with_mask=with_mask, poly2mask=poly2mask)

    def _load_bboxes(self, results: dict) -> None:
        super()._load_bboxes(results)
        boxes = GarmentBoxes.from_instances(results['instances'])
        boxes.drop_outside_((results['height'], results['width']))
        results['gt_bboxes'] = boxes


@TRANSFORMS.register_module()
class PackDeepFashion2Inputs(PackDetInputs):
    """Pack a sample: ``inputs`` and a DetDataSample with all that is annotated.

    Shapes: N items.

    Beside what mmdet's PackDetInputs packs, ``gt_instances`` has ``keypoints``
    (N, 294, 2) float32 pixels and ``keypoints_visible`` (N, 294) int64 in
    {0, 1, 2}, both zero outside the category's slice; ``identities`` (N,) int64,
    -1 for an item that never pairs; ``variations`` (N, 4) int64 in 1..3, or 0
    where the annotation does not say: scale, occlusion, zoom_in, viewpoint.

    Args:
        meta_keys (Sequence[str]): Defaults to those of PackDetInputs with
            ``source`` and ``pair_id``.

    Raises:
        TypeError: If the boxes carry no landmarks.
    """

    def __init__(self, meta_keys: Sequence[str] = (
            'img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip',
            'flip_direction', 'source', 'pair_id')) -> None:
        super().__init__(meta_keys)

    def transform(self, results: dict) -> dict:
        packed = super().transform(results)
        if 'gt_bboxes' in results:
            sample = packed['data_samples']
            sample.gt_instances = _unfold(sample.gt_instances)
            sample.ignored_instances = _unfold(sample.ignored_instances)
        return packed


def _unfold(instances) -> GarmentInstances:
    """Instances with their boxes' riders as fields of their own."""
    unfolded = GarmentInstances(metainfo=instances.metainfo)
    if 'bboxes' not in instances:
        return unfolded
    boxes = instances.bboxes
    riders = getattr(boxes, 'riders', None)
    if riders is None:
        raise TypeError(
            'gt_bboxes must be GarmentBoxes with landmarks, got '
            f'{type(boxes).__name__} without. Load them with '
            'LoadDeepFashion2Annotations, and use no transform that makes new boxes '
            '(CopyPaste, Albu, RandomCrop with recompute_bbox=True); PackDetInputs '
            'packs samples without landmarks')
    for name, value in instances.items():
        unfolded[name] = value
    unfolded.bboxes = HorizontalBoxes(boxes.tensor, clone=False)
    unfolded.keypoints, unfolded.keypoints_visible = expand_keypoints(
        riders['keypoints'], riders['labels'])
    unfolded.identities = riders['identities']
    unfolded.variations = riders['variations']
    return unfolded
