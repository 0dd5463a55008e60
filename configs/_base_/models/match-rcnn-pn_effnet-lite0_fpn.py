# PN that trains on a CPU: the landmark stream has half the convolutions of the
# paper's, of a quarter of the channels.
_base_ = './mask-rcnn_effnet-lite0_fpn.py'

channels = 96
model = dict(
    type='MatchRCNN',
    roi_head=dict(
        type='MatchRoIHead',
        mask_head=dict(type='FeatureMaskHead'),
        keypoint_head=dict(
            type='KeypointHead',
            num_classes=13,
            in_channels=channels,
            num_convs=4,
            conv_out_channels=128,
            deconv_out_channels=128,
            # Thousands of places to choose from make a large number of the loss.
            loss_keypoint=dict(type='CrossEntropyLoss', loss_weight=0.5))))
