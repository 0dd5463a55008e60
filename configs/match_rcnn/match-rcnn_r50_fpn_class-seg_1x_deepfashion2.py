_base_ = './match-rcnn_r50_fpn_class-keys_1x_deepfashion2.py'

model = dict(roi_head=dict(match_feed='class+seg'))
