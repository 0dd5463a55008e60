# The paper's s1x, Detectron's "stretched 1x": 1.44 times 1x, 130,000 iterations in
# place of 90,000, and a tenth of the learning rate after 100,000 and 120,000.
_base_ = './schedule_1x.py'

train_cfg = dict(max_epochs=17)

param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=17, milestones=[13, 16],
         gamma=0.1),
]
