"""mmdet's visualizer, drawing clothes with their landmarks."""

import numpy as np
from mmdet.registry import VISUALIZERS
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmdet.visualization import DetLocalVisualizer

from df2mm.visualization.draw import draw_items, visible_from_scores


@VISUALIZERS.register_module()
class DeepFashion2Visualizer(DetLocalVisualizer):
    """Draws samples with :func:`df2mm.visualization.draw_items`.

    Takes DetLocalVisualizer's place in a config and under mmdet's
    DetVisualizationHook: the ground truth stands left, the prediction right.
    Colours and widths are draw_items' own; DetLocalVisualizer's options for them
    have no effect. The back ends are mmengine's; that of TensorBoard needs the
    package ``tensorboard``.

    Args:
        name (str): mmengine's name of the instance.
        keypoint_score_thr (float): Predicted landmarks of this score or a higher
            one are drawn. Defaults to 0.3.
        **kwargs: As DetLocalVisualizer, such as ``vis_backends``, ``save_dir``.
    """

    def __init__(self, name: str = 'visualizer', *, keypoint_score_thr: float = 0.3,
                 **kwargs) -> None:
        super().__init__(name, **kwargs)
        self.keypoint_score_thr = keypoint_score_thr

    def _draw_instances(self, image, instances, classes, palette) -> np.ndarray:
        """Draw ``gt_instances`` or ``pred_instances`` on (H, W, 3) uint8 RGB."""
        fields = {name: _array(value) for name, value in instances.items()}
        visible = fields.get('keypoints_visible')
        if visible is None and 'keypoint_scores' in fields:
            visible = visible_from_scores(
                fields['keypoint_scores'], self.keypoint_score_thr)
        return draw_items(
            image, fields['bboxes'], fields['labels'], fields.get('masks'),
            fields.get('keypoints'), visible, fields.get('scores'))


def _array(value):
    """What draw_items takes for a field of instances."""
    if isinstance(value, PolygonMasks):
        return [[np.reshape(polygon, (-1, 2)) for polygon in polygons]
                for polygons in value.masks]
    if isinstance(value, BitmapMasks):
        return value.masks
    value = getattr(value, 'tensor', value)  # boxes wrap theirs
    return value.numpy() if hasattr(value, 'numpy') else value
