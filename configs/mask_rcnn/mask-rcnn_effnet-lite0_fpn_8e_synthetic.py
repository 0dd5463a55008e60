# The demo's model: trains on a CPU.
_base_ = [
    '../_base_/models/mask-rcnn_effnet-lite0_fpn.py',
    '../_base_/datasets/synthetic_instance.py',
    '../_base_/schedules/schedule_cpu.py',
    '../default_runtime.py',
]

custom_hooks = [dict(type='ChannelsLastHook')]
