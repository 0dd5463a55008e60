default_scope = 'mmdet'
custom_imports = dict(imports=['df2mm'], allow_failed_imports=False)

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # A kill while the newest is written leaves the older ones to resume from.
    checkpoint=dict(
        type='CheckpointHook', interval=1, max_keep_ckpts=3,
        backend_args=dict(backend='df2mm.atomic')),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    # After everything that may draw random numbers before an epoch.
    epoch_seed=dict(type='EpochSeedHook'),
    visualization=dict(type='DetVisualizationHook'))

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))
randomness = dict(seed=0)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(
    type='DeepFashion2Visualizer', vis_backends=vis_backends, name='visualizer')
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)

log_level = 'INFO'
load_from = None
resume = False
