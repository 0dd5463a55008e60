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
            # In a batch of four image pairs few pairs of RoIs match, and most of the
            # others differ in category already: the hardest teach what is left.
            pos_fraction=0.25,
            neg_pos_ratio=3.0,
            loss_weight=1.0)))
