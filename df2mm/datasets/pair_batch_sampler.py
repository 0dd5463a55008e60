"""Batches of image pairs, for training the match network."""

from collections.abc import Iterator

import numpy as np
from mmdet.registry import DATA_SAMPLERS
from mmengine.dataset import DefaultSampler
from torch.utils.data import BatchSampler

from df2mm.datasets.columns import SOURCES
from df2mm.datasets.deepfashion2_dataset import DeepFashion2Dataset
from df2mm.datasets.pairs import draw_partners, find_pairs


@DATA_SAMPLERS.register_module()
class PairBatchSampler(BatchSampler):
    """Batches of whole pairs: a user image, then a shop image of the same garment.

    Two images are a pair if they share an identity, a pair_id and a style above 0.
    Stands on a DefaultSampler, of which it takes the dataset, seed, epoch, rank and
    whether to shuffle, but not the images. So in a config it replaces the batch
    sampler of the detection stages alone::

        train_dataloader = dict(
            batch_size=2,
            sampler=dict(type='DefaultSampler', shuffle=True),
            batch_sampler=dict(type='PairBatchSampler'))

    An epoch is made of the seed and its number, whatever ran before it: a run
    resumed at an epoch's end goes on as the unbroken one. Every process gets whole
    pairs, as many as the others: where they do not come out even, the first pairs
    of the epoch come again at its end.

    Args:
        sampler (DefaultSampler): Of a DeepFashion2Dataset.
        batch_size (int): Images of a process's batch: even.
        epoch (str): What an epoch is. 'users' (default): every user image that has
            a partner once, with a shop image drawn anew in each epoch from all
            that it pairs with; so an epoch looks at each user image once, as in
            the other stages, and an often photographed garment counts by its
            photos, not by their square. 'pairs': every pair once.
        single_ratio (float): Share of an epoch's images, in [0, 1), that are
            images without a partner, which otherwise are left out: two of them
            take the place of a pair. Each comes once before any comes again.
            Defaults to 0.
        drop_last (bool): Whether to leave out a last, smaller batch. Defaults to
            False.

    Raises:
        TypeError: If the sampler or its dataset is of another class.
        ValueError: If an argument makes no sense, or the dataset has no pair.

    Source: Ge et al., DeepFashion2, CVPR 2019, sec. 4: batches of image pairs.
    Differs: the paper does not say what an epoch is.
    """

    def __init__(self,
                 sampler: DefaultSampler,
                 batch_size: int,
                 epoch: str = 'users',
                 single_ratio: float = 0.0,
                 drop_last: bool = False) -> None:
        super().__init__(sampler, batch_size, drop_last)
        _check_stands_on(sampler)
        if batch_size % 2:
            raise ValueError('batch_size must be even, to hold whole pairs of a user '
                             f'and a shop image, got {batch_size}')
        if epoch not in ('users', 'pairs'):
            raise ValueError(f"epoch must be 'users' or 'pairs', got {epoch!r}")
        if not 0 <= single_ratio < 1:
            raise ValueError(f'single_ratio must be in [0, 1), got {single_ratio}')
        dataset = sampler.dataset
        dataset.full_init()
        self.epoch = epoch
        self.pairs = find_pairs(dataset.index, dataset.positions)
        if not len(self.pairs):
            raise ValueError(_why_no_pair(dataset))
        self.num_pairs = len(self.pairs)
        if epoch == 'users':
            self.num_pairs = len(np.unique(self.pairs[:, 0]))
        self.singles = np.setdiff1d(np.arange(len(dataset)), self.pairs)
        # In twos, since each two take the place of a pair.
        self.num_singles = round(self.num_pairs * single_ratio / (1 - single_ratio))
        if self.num_singles and not len(self.singles):
            raise ValueError(
                f'single_ratio={single_ratio} needs images without a partner, but all '
                f'{len(dataset)} have one. Set single_ratio=0')
        if not len(self):
            raise ValueError(
                f'drop_last=True leaves no batch of {batch_size} images for each of '
                f'{sampler.world_size} processes: an epoch has '
                f'{self.num_pairs + self.num_singles} pairs')

    def __len__(self) -> int:
        """Batches of an epoch, the same in every process."""
        rows = -(-(self.num_pairs + self.num_singles) // self.sampler.world_size)
        size = self.batch_size // 2
        return rows // size if self.drop_last else -(-rows // size)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield each batch's places in the dataset: user, shop, user, shop, ..."""
        sampler = self.sampler
        rows = self._rows_of_epoch()
        # Rounded up to whole rounds of all processes, as DefaultSampler does.
        rounds = -(-len(rows) // sampler.world_size)
        mine = sampler.rank + sampler.world_size * np.arange(rounds)
        rows = rows.take(mine, axis=0, mode='wrap')
        size = self.batch_size // 2
        for start in range(0, len(self) * size, size):
            yield rows[start:start + size].ravel().tolist()

    def _rows_of_epoch(self):
        """(rows, 2) places: the epoch of all processes, in its order."""
        rng = np.random.default_rng([self.sampler.seed, self.sampler.epoch])
        pairs = self.pairs
        if self.epoch == 'users':
            pairs = draw_partners(pairs, rng)
        singles = self.singles[:0]
        if self.num_singles:
            singles = np.resize(rng.permutation(self.singles), 2 * self.num_singles)
        rows = np.concatenate([pairs, singles.reshape(-1, 2)])
        return rng.permutation(rows) if self.sampler.shuffle else rows


def _check_stands_on(sampler):
    """A TypeError unless it is a DefaultSampler of a DeepFashion2Dataset."""
    if not isinstance(sampler, DefaultSampler):
        raise TypeError(
            'PairBatchSampler takes seed and epoch of a DefaultSampler, got '
            f"{type(sampler).__name__}. Set sampler=dict(type='DefaultSampler', "
            'shuffle=True)')
    if not isinstance(sampler.dataset, DeepFashion2Dataset):
        raise TypeError(
            'PairBatchSampler finds pairs in a DeepFashion2Dataset, got '
            f'{type(sampler.dataset).__name__}. Take it out of its wrapper: in place '
            'of RepeatDataset train more epochs, of num_batch_per_epoch give the '
            'dataset indices; in datasets joined by ConcatDataset equal numbers of '
            'pair_id can mean different garments')


def _why_no_pair(dataset):
    """What is missing, as words for an error."""
    index, positions = dataset.index, dataset.positions
    counts = np.bincount(index.sources[positions], minlength=len(SOURCES)).tolist()
    said = ', '.join(f'{count} {name}' for count, name in zip(
        counts, SOURCES, strict=True))
    return (
        'the dataset has no pair of a user and a shop image that share a pair_id and '
        f'a style above 0. Its {len(positions)} images are {said}. Use the raw '
        'annotation or the compact file that tools/data.py convert makes (the '
        "authors' COCO files do not say the source), leave the dataset's source out, "
        'and check that its indices and filter_cfg keep both images of a pair')
