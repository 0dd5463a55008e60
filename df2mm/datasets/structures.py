"""Boxes that take landmarks through transforms, instances that travel light."""

import numpy as np
import torch
from mmdet.structures.bbox import (
    HorizontalBoxes,
    register_box,
    register_box_converter,
)
from mmengine.structures import InstanceData
from torch import Tensor

from df2mm.metainfo import (
    CATEGORIES,
    IN_CATEGORY,
    NUM_CATEGORIES,
    NUM_KEYPOINTS,
    NUM_LANDMARKS,
)

#: The most landmarks that a category has, 39.
MAX_LANDMARKS = max(c.num_landmarks for c in CATEGORIES)

# Which of a compact row's 39 places, and which of the 294, a category fills.
_IN_ROW = torch.arange(MAX_LANDMARKS) < torch.from_numpy(NUM_LANDMARKS)[:, None]
_IN_ALL = torch.from_numpy(IN_CATEGORY)
# Where each place of a mirrored row comes from; places beyond the category stay.
_FLIP = torch.arange(MAX_LANDMARKS).repeat(NUM_CATEGORIES, 1)
for _category in CATEGORIES:
    _FLIP[_category.label, :_category.num_landmarks] = torch.from_numpy(
        _category.flip_indices)


@register_box(name='garment')
class GarmentBoxes(HorizontalBoxes):
    """Boxes whose landmarks, identities and variations ride with them.

    mmdet's transforms move and pick instances by the methods of their boxes, and
    know nothing of landmarks. With these boxes whatever is done to a box is done
    to its landmarks: Resize, RandomFlip, RandomCrop, RandomShift, RandomAffine,
    Expand, MinIoURandomCrop and FilterAnnotations all carry them, with the same
    continuous pixel coordinates as boxes (a mirror image has x' = W - x). A
    transform that makes new boxes instead (CopyPaste, Albu, RandomCrop with
    ``recompute_bbox``) loses them, which PackDeepFashion2Inputs refuses.

    - A mirror image swaps left and right within each category.
    - Clipping to the image gives landmarks outside of it v = 0; a transform told
      not to clip boxes (``clip_object_border=False``) leaves them as well. The
      image's edges count as inside, on all four sides, so that mirroring is
      symmetric.
    - A landmark with v = 0 is (0, 0, 0).

    Shapes: N boxes.

    Attributes:
        tensor (Tensor): (N, 4) xyxy pixels.
        riders (dict[str, Tensor] | None): ``labels`` (N,) int64; ``keypoints``
            (N, 39, 3) float32, x, y, v of the category's own landmarks, then
            zeros; ``identities`` (N,) int64; ``variations`` (N, 4) int64. None
            for boxes that were made without them.
    """

    riders = None

    @classmethod
    def from_instances(cls, instances: list[dict]) -> 'GarmentBoxes':
        """Boxes of ``DeepFashion2Dataset.get_data_info(...)['instances']``."""
        keypoints = torch.zeros(len(instances), MAX_LANDMARKS, 3)
        for row, instance in zip(keypoints, instances, strict=True):
            row[:len(instance['keypoints'])] = torch.from_numpy(instance['keypoints'])

        def column(name):
            return [instance[name] for instance in instances]

        boxes = cls(column('bbox'), dtype=torch.float32)
        boxes.riders = dict(
            labels=torch.tensor(column('bbox_label'), dtype=torch.int64),
            keypoints=keypoints,
            identities=torch.tensor(column('identity'), dtype=torch.int64),
            variations=torch.tensor(
                column('variations'), dtype=torch.int64).reshape(-1, 4))
        return boxes

    def with_riders(self, boxes, change) -> 'GarmentBoxes':
        """Give ``boxes``, made from these, each rider after ``change``."""
        if self.riders is not None:
            boxes.riders = {name: change(rider) for name, rider in self.riders.items()}
        return boxes

    def __getitem__(self, index):
        boxes = super().__getitem__(index)
        if isinstance(index, np.ndarray):
            index = torch.as_tensor(index, device=self.device)
        return self.with_riders(
            boxes, lambda rider: rider[index].reshape(len(boxes), *rider.shape[1:]))

    def __deepcopy__(self, memo):
        return self.with_riders(super().__deepcopy__(memo), Tensor.clone)

    def clone(self):
        return self.with_riders(super().clone(), Tensor.clone)

    @classmethod
    def cat(cls, box_list, dim=0):
        boxes = super().cat(box_list, dim)
        if all(part.riders is not None for part in box_list):
            boxes.riders = {
                name: torch.cat([part.riders[name] for part in box_list])
                for name in box_list[0].riders}
        return boxes

    def flip_(self, img_shape, direction='horizontal'):
        super().flip_(img_shape, direction)
        height, width = img_shape
        mirror = torch.eye(3)
        if direction in ('horizontal', 'diagonal'):
            mirror[0, 0], mirror[0, 2] = -1, width
        if direction in ('vertical', 'diagonal'):
            mirror[1, 1], mirror[1, 2] = -1, height
        self._move(mirror)

    def translate_(self, distances):
        super().translate_(distances)
        matrix = torch.eye(3)
        matrix[:2, 2] = torch.tensor(distances)
        self._move(matrix)

    def rescale_(self, scale_factor):
        super().rescale_(scale_factor)
        self._move(torch.diag(torch.tensor([*scale_factor, 1])))

    def project_(self, homography_matrix):
        super().project_(homography_matrix)
        self._move(torch.as_tensor(homography_matrix))

    def rotate_(self, center, angle):
        raise NotImplementedError(
            'rotate_ would leave the landmarks behind; rotate with project_')

    def clip_(self, img_shape):
        super().clip_(img_shape)
        self.drop_outside_(img_shape)

    def drop_outside_(self, img_shape) -> None:
        """Give landmarks outside an image of (height, width) v = 0, in place."""
        if self.riders is None:
            return
        points = self.riders['keypoints'][..., :2]
        limits = points.new_tensor([img_shape[1], img_shape[0]])
        inside = ((points >= 0) & (points <= limits)).all(dim=-1, keepdim=True)
        self.riders['keypoints'] = self.riders['keypoints'] * inside

    def _move(self, matrix):
        """Move the landmarks by a (3, 3) homography."""
        if self.riders is None:
            return
        keypoints, labels = self.riders['keypoints'], self.riders['labels']
        matrix = matrix.to(torch.float64)
        points = torch.nn.functional.pad(
            keypoints[..., :2].to(torch.float64), (0, 1), value=1) @ matrix.T
        points = (points[..., :2] / points[..., 2:]).to(keypoints.dtype)
        visible = keypoints[..., 2:]
        keypoints = torch.cat([points * (visible > 0), visible], dim=-1)
        if torch.linalg.det(matrix) < 0:
            # The picture was turned over: what was on the left is on the right.
            source = _FLIP[labels][..., None].expand_as(keypoints)
            keypoints = keypoints.gather(1, source)
        self.riders['keypoints'] = keypoints


# Some transforms compare boxes of both types, and convert them for it.
@register_box_converter('garment', 'hbox')
@register_box_converter('hbox', 'garment')
def _same_numbers(boxes: Tensor) -> Tensor:
    return boxes


class GarmentInstances(InstanceData):
    """Ground truth whose landmarks are pickled as the category's slice alone.

    To its user it is InstanceData with ``keypoints`` (N, 294, 2) float32 and
    ``keypoints_visible`` (N, 294) int64. Of the 294 only 8 to 39 can be other
    than zero, as ``labels`` tells; so a loader worker sends these, and the 294
    are rebuilt where they are received. No preprocessor has to know. Fields that
    do not have this form are pickled as they are.
    """

    def __getstate__(self):
        state = dict(self.__dict__)
        if self._has_slices():
            rows = torch.cat(
                [state.pop('keypoints'), state.pop('keypoints_visible')[..., None]], -1)
            state['_slices'] = rows[_IN_ALL.to(rows.device)[self.labels]]
        return state

    def __setstate__(self, state):
        slices = state.pop('_slices', None)
        if slices is not None:
            state['keypoints'], state['keypoints_visible'] = expand_keypoints(
                slices, state['labels'])
        self.__dict__.update(state)

    def _has_slices(self):
        """Whether landmarks are as packed, and zero outside of the slices."""
        if not {'labels', 'keypoints', 'keypoints_visible'} <= set(self.keys()):
            return False
        points, visible = self.keypoints, self.keypoints_visible
        if (points.shape != (len(self), NUM_KEYPOINTS, 2)
                or visible.shape != points.shape[:2]
                or points.dtype != torch.float32 or visible.dtype != torch.int64):
            return False
        outside = ~_IN_ALL.to(points.device)[self.labels]
        return not (points[outside].any() or visible[outside].any())


def expand_keypoints(rows: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Put landmarks into their categories' slices of the 294.

    Args:
        rows (Tensor): (N, 39, 3) compact rows, or the (sum of L, 3) landmarks
            of the N items one after the other; x, y, v.
        labels (Tensor): (N,) int64, 0..12.

    Returns:
        tuple[Tensor, Tensor]: (N, 294, 2) float32 and (N, 294) int64.
    """
    if rows.dim() == 3:
        rows = rows[_IN_ROW.to(rows.device)[labels]]
    full = rows.new_zeros(len(labels), NUM_KEYPOINTS, 3)
    full[_IN_ALL.to(rows.device)[labels]] = rows
    return full[..., :2].contiguous(), full[..., 2].to(torch.int64)
