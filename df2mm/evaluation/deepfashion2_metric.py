"""The metric of all four tasks, for training and testing with mmengine."""

from collections.abc import Sequence
from pathlib import Path

from mmdet.registry import METRICS
from mmengine.dist import all_gather_object, get_world_size, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from df2mm.datasets.columns import SOURCES
from df2mm.evaluation.detection_scores import score_detections
from df2mm.evaluation.ground_truth_file import read_ground_truth
from df2mm.evaluation.metric_keys import detection_metrics, retrieval_metrics
from df2mm.evaluation.predictions import detections_of, record_of
from df2mm.evaluation.results_format import TASKS, TOP
from df2mm.evaluation.results_writer import (
    detection_entries,
    retrieval_entries,
    write_results,
)
from df2mm.evaluation.retrieval_of_records import (
    RetrievalOptions,
    retrieval_truth_of,
    score_found,
    search,
)
from df2mm.evaluation.subsets import check_levels_known
from df2mm.evaluation.tables import detection_tables, retrieval_tables


@METRICS.register_module()
class DeepFashion2Metric(BaseMetric):
    """Average precision of boxes, masks and landmarks, and retrieval accuracy.

    The numbers are those of DeepFashion2's evaluator, of the same results written
    to files: see :func:`df2mm.evaluation.detection_scores.score_detections` and
    :mod:`df2mm.evaluation.retrieval` for what may surprise. Beyond them:

    - Nothing found at all scores 0, where the official evaluator fails.
    - A figure that nothing is annotated for is -1, as in COCO.
    - An image counts once, however often a sampler repeats it. Images that were
      not predicted are left out of the ground truth, with a warning.

    Keys, each greater for better: ``df2/bbox_mAP``, ``df2/segm_mAP``,
    ``df2/keypoints_vis_mAP`` (visible landmarks), ``df2/keypoints_mAP`` (visible and
    occluded), each also with ``_50``, ``_75``, ``_m``, ``_l`` (and ``_s`` but for
    landmarks); ``df2/bbox_AR@1``, ``@10``, ``@100``, ``df2/keypoints_AR@20``;
    ``df2/retrieval_top1``, ``top5``, ``top10``, ``top15``, ``top20``.

    Args:
        metric (str | Sequence[str]): Of ``bbox``, ``segm``, ``keypoints`` and
            ``retrieval``. Defaults to all.
        ann_file (str, optional): The ground truth: our compact COCO file or one in
            the authors' form. Retrieval and subsets need the compact one. Needed
            unless ``format_only``.
        subsets (bool): Every figure by scale, occlusion, zoom-in and viewpoint too,
            such as ``df2/bbox_mAP_occlusion_heavy``. See
            :mod:`df2mm.evaluation.subsets`. Defaults to False.
        classwise (bool): AP by category too, such as ``df2/bbox_mAP_skirt``.
            Defaults to False.
        retrieval (dict, optional): ``score_thr``, ``max_per_img`` and ``boxes`` of
            :class:`df2mm.evaluation.retrieval_of_records.RetrievalOptions`.
        outfile_prefix (str, optional): Write the results to ``<prefix>.bbox.json``,
            ``.segm.json``, ``.keypoints.json``, ``.retrieval.json``, in the official
            formats.
        format_only (bool): Write the results and score nothing, as for the test
            set. Defaults to False.
        collect_device (str): 'cpu' or 'gpu', by which processes exchange results.
        prefix (str, optional): Of the keys. Defaults to ``df2``.
        collect_dir (str, optional): Folder for exchanging results by the disk.
        workers (int, optional): Processes that read the ground truth and compare
            masks. Defaults to the usable cores.

    Raises:
        FileNotFoundError: If ``ann_file`` is missing.
        ValueError: If an argument is wrong, or the ground truth cannot answer what
            is asked of it.
    """

    default_prefix = 'df2'

    def __init__(self,
                 metric: str | Sequence[str] = TASKS,
                 ann_file: str | None = None,
                 subsets: bool = False,
                 classwise: bool = False,
                 retrieval: dict | None = None,
                 outfile_prefix: str | None = None,
                 format_only: bool = False,
                 collect_device: str = 'cpu',
                 prefix: str | None = None,
                 collect_dir: str | None = None,
                 workers: int | None = None) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.metrics = [metric] if isinstance(metric, str) else list(metric)
        unknown = [name for name in self.metrics if name not in TASKS]
        if unknown or not self.metrics:
            raise ValueError(
                f'metric must be some of {", ".join(TASKS)}, got {metric!r}')
        try:
            self.options = RetrievalOptions(**retrieval or {})
        except TypeError as error:
            raise ValueError('retrieval may have score_thr, max_per_img and boxes, got '
                             f'{retrieval}') from error
        if format_only and outfile_prefix is None:
            raise ValueError('format_only needs outfile_prefix: where to write to')
        if not format_only and ann_file is None:
            raise ValueError('expected ann_file, the ground truth to score against, or '
                             'format_only=True; got neither')
        self.subsets, self.classwise = subsets, classwise
        self.outfile_prefix, self.format_only = outfile_prefix, format_only
        self.workers = workers
        self.truth = None
        # Read now: what is wrong with it shows before an epoch of training.
        if not format_only and is_main_process():
            self.truth = read_ground_truth(
                ann_file, 'keypoints' in self.metrics, 'segm' in self.metrics, workers)
            if subsets:
                check_levels_known(self.truth.variations, ann_file)
            if 'retrieval' in self.metrics:
                retrieval_truth_of(self.truth)

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Keep what the metrics need of a batch's predictions.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): With ``img_id``, ``ori_shape``,
                ``pred_instances`` as in ``record_of``; for retrieval in annotated
                boxes also ``gt_box_instances``.
        """
        at_truth = self.options.boxes == 'ground_truth' and 'retrieval' in self.metrics
        tasks = [name for name in self.metrics if name != 'retrieval' or not at_truth]
        for sample in data_samples:
            record = record_of(sample, 'pred_instances', tasks)
            searched = record_of(sample, 'gt_box_instances', ['retrieval']) if (
                at_truth) else record
            self.results.append((record, searched))

    def evaluate(self, size: int) -> dict:
        """Bring the records of all processes together and score them.

        Args:
            size (int): Images of the dataset.

        Returns:
            dict[str, float]: The metrics, in every process.
        """
        self._expected = size
        # mmengine takes the processes' records in turn and cuts what is too much,
        # which fits one sampler; with gaps filled up it neither cuts nor loses any.
        longest = max(all_gather_object(len(self.results)))
        self.results += [None] * (longest - len(self.results))
        return super().evaluate(longest * get_world_size())

    def compute_metrics(self, results: list) -> dict:
        """Score the records of all images.

        Args:
            results (list): What ``process`` kept, and None.

        Returns:
            dict[str, float]: The metrics without the prefix.
        """
        logger = MMLogger.get_current_instance()
        by_image = {}
        for pair in filter(None, results):
            by_image.setdefault(pair[0].img_id, pair)
        pairs = [by_image[img_id] for img_id in sorted(by_image)]
        if len(pairs) != self._expected:
            logger.warning('%d images were predicted of a dataset of %d', len(pairs),
                           self._expected)
        records, searched = ([pair[k] for pair in pairs] for k in (0, 1))
        truth = self.truth and self.truth.only_images([r.img_id for r in records])
        metrics, scores = {}, {}
        for task in self.metrics:
            if task == 'retrieval':
                continue
            detections = detections_of(records, task)
            self._write(task, len(detections), detection_entries(detections, task))
            if truth is not None:
                scores[task] = self._scores(task, truth, detections)
                if task == 'keypoints':
                    scores['keypoints_vis'] = self._scores(
                        task, truth.visible_only(), detections)
        for name, score in scores.items():
            metrics.update(detection_metrics(name, score, self.classwise))
        for table in detection_tables(scores) if scores else ():
            logger.info('\n%s', table)
        if 'retrieval' in self.metrics:
            metrics.update(self._retrieval(truth, searched, logger))
        return metrics

    def _scores(self, task, truth, detections):
        return score_detections(task, truth, detections, self.subsets, self.workers)

    def _retrieval(self, truth, records, logger):
        sources = [record.source for record in records]
        items = None
        if truth is not None:
            sources = [SOURCES[code] for code in truth.sources]
            items = retrieval_truth_of(truth)
        writes = self.outfile_prefix is not None
        found = search(records, sources, self.options, None if writes else items)
        if (found.gallery_image_ids < 0).any():
            logger.warning('fewer than %d garments were found in shop images: each is '
                           'a match of every query, and there is no results file', TOP)
        elif writes:
            self._write('retrieval', len(found), retrieval_entries(found))
        if items is None:
            return {}
        scores, levels = score_found(items, found, self.subsets)
        for table in retrieval_tables(scores, levels):
            logger.info('\n%s', table)
        return retrieval_metrics(scores, levels)

    def _write(self, task, count, entries):
        if self.outfile_prefix is not None:
            path = Path(f'{self.outfile_prefix}.{task}.json')
            write_results(path, task, entries)
            MMLogger.get_current_instance().info('%s: %d entries', path, count)
