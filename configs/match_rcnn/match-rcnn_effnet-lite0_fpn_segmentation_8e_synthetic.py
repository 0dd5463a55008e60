_base_ = './match-rcnn_effnet-lite0_fpn_class-keys_8e_synthetic.py'

model = dict(roi_head=dict(match_feed='segmentation'))
