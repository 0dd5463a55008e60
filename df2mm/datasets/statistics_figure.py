"""A dataset's figures as one picture."""

from pathlib import Path

import numpy as np

from df2mm.atomic import replacing
from df2mm.metainfo import CATEGORY_NAMES, VARIATION_LEVELS, VARIATIONS

_USER, _SHOP, _OTHER = '#2f6fed', '#e0851b', '#a3abb8'
_THREE = ('#b9d0fb', '#6b9bff', '#2454b8')
_LANDMARKS = (('visible', '#17a05d'), ('occluded', '#a5dcc0'), ('absent', '#dfe3e8'))
_INK, _SOFT = '#1b2029', '#5b6472'
_TITLE = dict(loc='left', fontsize=13.5, color=_INK, fontweight='bold', pad=12)


def draw_figure(stats, path) -> Path:
    """Draw a dataset's figures on one page.

    Args:
        stats (Statistics): From ``df2mm.datasets.statistics.collect``.
        path (str | Path): Of the PNG; its folder is made if missing.

    Returns:
        Path: As given.
    """
    # Neither pyplot nor its state: the caller may have figures of its own open.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(18, 11.5), layout='constrained', facecolor='white')
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.18, h_pad=0.14, wspace=0.03, hspace=0.04)
    figure.suptitle(_headline(stats), fontsize=17, color=_INK, x=0.012, ha='left')
    axes = figure.subplots(2, 3)
    draw = (_draw_categories, _draw_levels, _draw_items_per_image,
            _draw_landmarks, _draw_boxes, _draw_identities)
    for ax, part in zip(axes.flat, draw, strict=True):
        part(ax, stats)
        ax.tick_params(colors=_SOFT, length=0, labelsize=10.5)
        ax.spines[:].set_visible(False)
        ax.set_axisbelow(True)

    with replacing(path) as file:
        figure.savefig(file, dpi=100, format='png')
    return Path(path)


def _headline(stats) -> str:
    return (f'{stats.num_images:,} images    {stats.num_items:,} items    '
            f'{len(stats.identities):,} identities    '
            f'{stats.image_pairs:,} user-shop image pairs    '
            f'{stats.instance_pairs:,} item pairs')


def _shares(counts) -> np.ndarray:
    """Percent of each row's sum; zero where there is nothing."""
    counts = np.asarray(counts, np.float64)
    return 100 * counts / np.maximum(counts.sum(-1, keepdims=True), 1)


def _list_categories(ax) -> None:
    ax.set_yticks(range(len(CATEGORY_NAMES)), CATEGORY_NAMES)
    ax.invert_yaxis()


def _legend(ax, columns: int) -> None:
    ax.legend(loc='upper right', bbox_to_anchor=(1, 1.068), ncols=columns,
              frameon=False, fontsize=10.5, handlelength=1, columnspacing=1.2,
              borderaxespad=0)


def _draw_categories(ax, stats) -> None:
    ax.set_title('Items by category', **_TITLE)
    left, rows = np.zeros(len(stats.items)), np.arange(len(stats.items))
    for i, (name, color) in enumerate(zip(
            ('user', 'shop', 'unknown'), (_USER, _SHOP, _OTHER), strict=True)):
        if i < 2 or stats.items[:, i].any():
            ax.barh(rows, stats.items[:, i], 0.7, left, color=color, label=name)
            left += stats.items[:, i]
    for row, (total, share) in enumerate(zip(left, _shares(left), strict=True)):
        ax.text(total, row, f'  {total:,.0f}  {share:.1f} %', va='center',
                fontsize=9.5, color=_SOFT)
    ax.set_xlim(0, max(left.max(), 1) * 1.3)
    ax.set_xticks([])
    _list_categories(ax)
    _legend(ax, 3)


def _draw_levels(ax, stats) -> None:
    ax.set_title('Items by variation, %', **_TITLE)
    for row, (name, shares) in enumerate(
            zip(VARIATIONS, _shares(stats.levels[:, 1:]), strict=True)):
        left = 0
        for level, (share, color) in enumerate(zip(shares, _THREE, strict=True)):
            ax.barh(row, share, 0.5, left, color=color)
            middle, left = left + share / 2, left + share
            if share >= 4:
                ink = 'white' if level == 2 else _INK
                ax.text(middle, row, f'{share:.0f}', ha='center', va='center',
                        color=ink, fontsize=11)
        key = '  ·  '.join(f'{i}: {m}' for i, m in enumerate(VARIATION_LEVELS[name], 1))
        ax.text(0, row - 0.34, key, fontsize=10, color=_SOFT)
    ax.set_yticks(range(len(VARIATIONS)), [n.replace('_', '-') for n in VARIATIONS])
    ax.set(xlim=(0, 100), ylim=(len(VARIATIONS) - 0.6, -0.6), xticks=[])


def _draw_items_per_image(ax, stats) -> None:
    ax.set_title('Items per image, %', **_TITLE)
    most = max((max(c) for c in stats.items_per_image if c), default=1)
    for i, (name, color) in enumerate((('user', _USER), ('shop', _SHOP))):
        counts = [stats.items_per_image[i][k] for k in range(most + 1)]
        bars = ax.bar(np.arange(most + 1) + 0.4 * (i - 0.5), _shares(counts), 0.38,
                      color=color, label=name)
        for bar, count in zip(bars, counts, strict=True):
            if count:
                ax.text(bar.get_x() + bar.get_width() / 2, bar.get_height(),
                        f'{bar.get_height():.1f}', ha='center', va='bottom',
                        fontsize=9.5, color=_SOFT)
    ax.set_xticks(range(most + 1))
    ax.set(yticks=[])
    ax.margins(y=0.08)
    _legend(ax, 2)


def _draw_landmarks(ax, stats) -> None:
    ax.set_title('Landmarks, %', **_TITLE)
    left, shares = np.zeros(len(stats.landmarks)), _shares(stats.landmarks)
    for column, (name, color) in zip((2, 1, 0), _LANDMARKS, strict=True):
        ax.barh(range(len(left)), shares[:, column], 0.7, left, color=color, label=name)
        for row, share in enumerate(shares[:, column]):
            if share >= 6:
                ax.text(left[row] + share / 2, row, f'{share:.0f}', ha='center',
                        va='center', fontsize=9.5,
                        color='white' if column == 2 else _INK)
        left += shares[:, column]
    ax.set(xlim=(0, 100), xticks=[])
    _list_categories(ax)
    _legend(ax, 3)


def _draw_boxes(ax, stats) -> None:
    ax.set_title('Box sides, pixels', **_TITLE)
    sizes = stats.box_percentiles()
    rows = np.arange(len(sizes))
    for side, (name, color) in enumerate((('width', _USER), ('height', _SHOP))):
        low, middle, high = sizes[:, side].T
        at = rows + 0.32 * (side - 0.5)
        ax.hlines(at, low, high, color=color, alpha=0.4, lw=5)
        ax.plot(middle, at, 'o', color=color, ms=5.5, label=name)
    ax.grid(axis='x', color='#e6e9ee')
    ax.set_xlabel('line: 10th to 90th percentile, dot: median', color=_SOFT)
    ax.set_xlim(left=0)
    _list_categories(ax)
    _legend(ax, 2)


def _draw_identities(ax, stats) -> None:
    ax.set_title('Items per identity, %', **_TITLE)
    edges = np.array([0, 1, 2, 3, 5, 9, 17])
    names = ['0', '1', '2', '3-4', '5-8', '9-16', '17 +']
    counts = np.array(list(stats.identities.values()), np.int64).reshape(-1, 2)
    for i, (name, color) in enumerate((('user', _USER), ('shop', _SHOP))):
        bins = np.searchsorted(edges, counts[:, i], side='right') - 1
        shares = _shares(np.bincount(bins, minlength=len(edges)))
        at = np.arange(len(edges)) + 0.4 * (i - 0.5)
        ax.bar(at, shares, 0.38, color=color, label=name)
        for x, share in zip(at, shares, strict=True):
            if share >= 0.05:
                ax.text(x, share, f'{share:.1f}', ha='center', va='bottom',
                        fontsize=9.5, color=_SOFT)
    ax.set_xticks(range(len(edges)), names)
    ax.set_xlabel('items with the same pair_id and style', color=_SOFT)
    ax.set(yticks=[])
    ax.margins(y=0.08)
    _legend(ax, 2)
