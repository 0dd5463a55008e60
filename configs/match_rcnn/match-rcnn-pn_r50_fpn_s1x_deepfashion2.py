# PN of Match R-CNN: boxes, masks and landmarks, by the schedule of the landmarks.
_base_ = [
    '../_base_/models/match-rcnn-pn_r50_fpn.py',
    '../_base_/datasets/deepfashion2_perception.py',
    '../_base_/schedules/schedule_s1x.py',
    '../default_runtime.py',
]
