# MN that trains on a CPU.
_base_ = './match-rcnn-pn_effnet-lite0_fpn.py'

model = dict(
    roi_head=dict(
        match_feed='class+keys',
        match_head=dict(
            type='MatchHead',
            conv_channels=[128, 128, 256],
            embed_dims=128,
            num_rois=8,
            loss_weight=1.0)))
