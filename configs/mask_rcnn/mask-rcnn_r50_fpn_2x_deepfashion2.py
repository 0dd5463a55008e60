# Mask R-CNN as the Match R-CNN paper trains its detection and mask streams.
_base_ = [
    '../_base_/models/mask-rcnn_r50_fpn.py',
    '../_base_/datasets/deepfashion2_instance.py',
    '../_base_/schedules/schedule_2x.py',
    '../default_runtime.py',
]
