# MN, the match network of Match R-CNN, on PN. What feeds it is one field:
# class, keypoints, segmentation, class+keys or class+seg.
_base_ = './match-rcnn-pn_r50_fpn.py'

model = dict(
    roi_head=dict(
        match_feed='class+keys',
        match_head=dict(
            type='MatchHead',
            conv_channels=[256, 256, 256, 1024],
            embed_dims=256,
            num_rois=8,
            loss_weight=1.0)))
