# The small model of all four tasks: trains on a CPU.
_base_ = [
    '../_base_/models/match-rcnn-mn_effnet-lite0_fpn.py',
    '../_base_/datasets/synthetic_match.py',
    '../_base_/schedules/schedule_cpu.py',
    '../default_runtime.py',
]

custom_hooks = [dict(type='ChannelsLastHook')]
