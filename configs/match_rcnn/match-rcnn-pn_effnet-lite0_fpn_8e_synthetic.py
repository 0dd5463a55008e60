# The small PN: boxes, masks and landmarks on a CPU.
_base_ = [
    '../_base_/models/match-rcnn-pn_effnet-lite0_fpn.py',
    '../_base_/datasets/synthetic_perception.py',
    '../_base_/schedules/schedule_cpu.py',
    '../default_runtime.py',
]

custom_hooks = [dict(type='ChannelsLastHook')]
