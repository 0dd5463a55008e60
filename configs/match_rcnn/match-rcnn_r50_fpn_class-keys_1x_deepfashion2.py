# Match R-CNN, all at once, by the paper's schedule of retrieval. Stage by stage:
# set load_from to the checkpoint of match-rcnn-pn_r50_fpn_s1x_deepfashion2.py.
_base_ = [
    '../_base_/models/match-rcnn-mn_r50_fpn.py',
    '../_base_/datasets/deepfashion2_match.py',
    '../_base_/schedules/schedule_1x.py',
    '../default_runtime.py',
]
