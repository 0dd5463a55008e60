"""A picture of each error of boxes, masks or landmarks."""

import numpy as np

from df2mm.evaluation.box_iou import paired_box_iou
from df2mm.evaluation.error_pictures import ANNOTATED, PREDICTED, View, compared
from df2mm.metainfo import CATEGORY_NAMES


class DetectionPictures:
    """Draws one error; each method returns a picture and a caption, or None."""

    def __init__(self, task, truth, detections, errors, images) -> None:
        self.truth, self.detections, self.errors = truth, detections, errors
        self.task, self.images = task, images
        self.positions = truth.positions_of(detections.image_ids, f'the {task} results')

    def missed(self, item):
        image = self._read(self.truth.images[item])
        if image is None:
            return None
        view = View(image)
        width, height = self.truth.bboxes[item, 2:]
        return self._compared(view, item, None), (
            f'{self._where(item)}: {self._name(item)}, {width:.0f} x {height:.0f} px')

    def confused(self, item):
        image = self._read(self.truth.images[item])
        if image is None:
            return None
        top, own = self.errors.top[item], self.errors.own[item]
        known = f'{self.detections.scores[own]:.2f}' if own >= 0 else 'no score'
        iou = self._box_iou(top, item)
        return self._compared(View(image), item, top), (
            f'{self._where(item)}: {self._name(item)} ({known}) taken for '
            f'{self._said(top)}, box IoU {iou:.2f}')

    def false_alarm(self, found):
        image = self._read(self.positions[found])
        if image is None:
            return None
        return self._compared(View(image), None, found), (
            f'image {self.detections.image_ids[found]}: {self._said(found)}, greatest '
            f'box IoU {self.errors.overlaps[found]:.2f}')

    def misfit(self, item):
        image = self._read(self.truth.images[item])
        if image is None:
            return None
        own = self.errors.own[item]
        boxes = [self.truth.bboxes[item], self.errors.boxes[own]]
        left, right = self._item(item), self._detection(own)
        if self.task == 'keypoints':
            # What is not labelled counts for nothing.
            labelled = left['visible'] > 0
            right.update(visible=2 * labelled, true_landmarks=left['landmarks'])
            boxes += [_box_around(drawn['landmarks'][labelled])
                      for drawn in (left, right)] if labelled.any() else []
        view = View(image, boxes)
        measure = dict(bbox='IoU', segm='mask IoU', keypoints='OKS')[self.task]
        caption = (f'{self._where(item)}: {self._said(own)}, {measure} '
                   f'{self.errors.fits[item]:.2f}')
        if self.task != 'bbox':
            caption += f', box IoU {self._box_iou(own, item):.2f}'
        return compared(view.draw(ANNOTATED, **left),
                        view.draw(PREDICTED, **right)), caption

    def _compared(self, view, item, found):
        """All items beside the detections from ``score_thr`` on and ``found``."""
        image = (self.truth.images[item] if item is not None else self.positions[found])
        items = np.flatnonzero(self.truth.images == image)
        rows = np.flatnonzero(
            (self.positions == image)
            & (self.detections.scores >= self.errors.score_thr))
        if found is not None:
            rows = np.union1d(rows, [found])
        left, right = {}, {}
        if item is not None:
            left = dict(self._item(item), main=int(np.searchsorted(items, item)))
        if found is not None:
            right = dict(self._detection(found), main=int(np.searchsorted(rows, found)))
        left.update(boxes=self.truth.bboxes[items], labels=self.truth.labels[items])
        right.update(boxes=self.errors.boxes[rows], labels=self.detections.labels[rows],
                     scores=self.detections.scores[rows])
        return compared(view.draw(ANNOTATED, **left), view.draw(PREDICTED, **right),
                        f', scores from {self.errors.score_thr:.2f}')

    def _item(self, item):
        """What ``View.draw`` takes of an item."""
        drawn = dict(boxes=self.truth.bboxes[[item]], labels=self.truth.labels[[item]],
                     main=0)
        if self.task == 'segm':
            drawn['mask'] = self.truth.masks.as_coco([item])[0]
        if self.task == 'keypoints':
            points = _own_landmarks(self.truth.landmarks, item)
            drawn.update(landmarks=points[:, :2], visible=points[:, 2])
        return drawn

    def _detection(self, found):
        """What ``View.draw`` takes of a detection."""
        drawn = dict(
            boxes=self.errors.boxes[[found]], labels=self.detections.labels[[found]],
            scores=self.detections.scores[[found]], main=0)
        if self.task == 'segm':
            drawn['mask'] = self.detections.masks.as_coco([found])[0]
        if self.task == 'keypoints':
            drawn['landmarks'] = _own_landmarks(
                self.detections.landmarks, found)[:, :2]
        return drawn

    def _read(self, image):
        return self.images.read(self.truth.file_names[image],
                                size=self.truth.sizes[image])

    def _box_iou(self, found, item):
        return paired_box_iou(
            self.errors.boxes[[found]], self.truth.bboxes[[item]])[0]

    def _where(self, item):
        return f'image {self.truth.image_ids[item]}'

    def _name(self, item):
        return CATEGORY_NAMES[self.truth.labels[item]]

    def _said(self, found):
        return (f'{CATEGORY_NAMES[self.detections.labels[found]]} '
                f'{self.detections.scores[found]:.2f}')


def _own_landmarks(landmarks, row):
    return landmarks.values[slice(*landmarks.offsets[row:row + 2])]


def _box_around(points):
    low = points.min(0)
    return np.concatenate([low, points.max(0) - low])
