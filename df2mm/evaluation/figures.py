"""The evaluator's figures, as PNG files."""

from contextlib import contextmanager

import numpy as np

from df2mm.atomic import replacing
from df2mm.evaluation.average_precision import RECALLS
from df2mm.evaluation.curves import (
    HALF_ERROR,
    MOST_K,
    precision_curves,
    top_k_accuracy,
)
from df2mm.metainfo import CATEGORIES, CATEGORY_NAMES

_INK, _SOFT, _GRID = '#1b2029', '#5b6472', '#e6e9ee'
_BLUE, _ORANGE, _GREEN = '#2f6fed', '#e0851b', '#17a05d'
_CURVES = {'0.5': ('at 0.5', _GREEN), '0.75': ('at 0.75', _ORANGE),
           'mean': ('mean of 0.5 ... 0.95', _BLUE)}
_LANDMARK_NOTE = (
    'The error is d / (2 sigma √area): 1 is one standard deviation as OKS has it. Bars '
    'and dots: the median; thin lines: the 90th percentile, ▴ where it lies beyond.\n'
    f'Dashed: {HALF_ERROR:.2f}, where the similarity of a landmark is 0.5. Hollow: '
    "nothing to compare. Landmarks are counted from 1, as in the keypoints' names.")
#: The error that has the strongest colour and the largest dot.
_WORST_SHOWN = 2.5


def draw_precision_recall(path, title: str, scores) -> None:
    """A panel with the curves of all categories together, and one for each.

    Args:
        path (Path): Of the PNG.
        title (str): Over the panels.
        scores (DetectionScores): The scores.
    """
    with _figure(path, (17, 10.4), title) as figure:
        axes = figure.subplots(3, 5)
        everything = dict(zip(('AP', 'AP50', 'AP75'), scores.stats[:3], strict=True))
        everything['items'] = sum(row['items'] for row in scores.categories.values())
        _draw_precision(axes.flat[0], 'all categories', everything,
                        precision_curves(scores))
        for ax, category in zip(axes.flat[1:], CATEGORIES, strict=False):
            _draw_precision(ax, category.name, scores.categories[category.name],
                            precision_curves(scores, category.label))
        last = axes.flat[-1]
        last.set_axis_off()
        last.legend(*axes.flat[0].get_legend_handles_labels(), loc='center left',
                    frameon=False, fontsize=12, labelcolor=_INK)
        for ax in axes[-1, :]:
            ax.set_xlabel('recall', color=_SOFT)
        for ax in axes[:, 0]:
            ax.set_ylabel('precision', color=_SOFT)


def _draw_precision(ax, name, values, curves):
    known = curves['mean'] is not None
    color = _INK if known else '#9aa4b2'
    ax.set_title(name, loc='left', fontsize=10.5, color=color, fontweight='bold')
    ax.set_title(f'AP {values["AP"]:.3f}' if known else 'AP —', loc='right',
                 fontsize=10.5, color=color)
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    ax.grid(color=_GRID)
    if not known:
        ax.set_facecolor('#f2f3f5')
        ax.text(0.5, 0.5, 'no items', ha='center', va='center', color=color)
        return
    ax.fill_between(RECALLS, curves['mean'], color=_BLUE, alpha=0.1, lw=0)
    for key, (label, tone) in _CURVES.items():
        ax.plot(RECALLS, curves[key], color=tone, lw=1.8, label=label,
                clip_on=False)
    # Good curves leave room under them, poor ones over them.
    x, y, across, along = ((0.03, 0.05, 'left', 'bottom') if values['AP'] > 0.3
                           else (0.98, 0.95, 'right', 'top'))
    ax.text(x, y, f'{values["items"]:,} items\nAP50 {values["AP50"]:.3f}\n'
            f'AP75 {values["AP75"]:.3f}', fontsize=9.5, color=_SOFT, ha=across,
            va=along, linespacing=1.35)


def draw_landmark_errors(path, errors) -> None:
    """Each category's template with its landmarks' errors, and the same as bars.

    Args:
        path (Path): Of the PNG.
        errors (LandmarkErrors): Of the 294.
    """
    import matplotlib
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    shades = ScalarMappable(Normalize(0, _WORST_SHOWN),
                            matplotlib.colormaps['RdYlGn_r'])
    highest = np.nanmax(np.append(errors.median, 0))
    top = float(np.clip(1.3 * highest, _WORST_SHOWN, 2 * _WORST_SHOWN))
    with _figure(path, (23, 32), 'Landmark error by landmark', None) as figure:
        figure.text(0.012, 0.978, _LANDMARK_NOTE, fontsize=13, color=_SOFT, va='top',
                    linespacing=1.5)
        cells = figure.subplots(
            7, 4, width_ratios=(1, 1.9, 1, 1.9), gridspec_kw=dict(
                left=0.01, right=0.99, bottom=0.015, top=0.945, wspace=0.1,
                hspace=0.19)).reshape(-1, 2)
        for (left, right), category in zip(cells, CATEGORIES, strict=False):
            part = [values[category.slice] for values in (
                errors.median, errors.high, errors.counts)]
            _draw_template(left, category, part[0], shades)
            _draw_bars(right, category, *part, shades, top)
        for ax in cells[-1]:
            ax.set_axis_off()
        bar = figure.colorbar(shades, orientation='horizontal',
                              cax=cells[-1, 1].inset_axes((0.1, 0.7, 0.8, 0.06)))
        bar.set_label('median error', color=_SOFT, fontsize=12)
        bar.outline.set_visible(False)


def _draw_template(ax, category, median, shades):
    from matplotlib.patheffects import withStroke
    points = category.template * (category.aspect, 1)
    for a, b in category.skeleton:
        ax.plot(*points[[a, b]].T, color='#c4cad3', lw=1.6, zorder=1)
    known = ~np.isnan(median)
    sizes = 40 + 130 * np.clip(np.nan_to_num(median) / _WORST_SHOWN, 0, 1)
    ax.scatter(*points[known].T, s=sizes[known], c=shades.to_rgba(median[known]),
               edgecolors=_INK, linewidths=0.7, zorder=2)
    ax.scatter(*points[~known].T, s=40, c='white', edgecolors='#9aa4b2', zorder=2)
    # A number stands off its landmark, away from its neighbours.
    halo = [withStroke(linewidth=2.5, foreground='white')]
    for k, (place, shift) in enumerate(zip(points, _directions(points), strict=True)):
        # sqrt(size) is the dot's width in points; y runs down, offsets run up.
        offset = shift * (1, -1) * (np.sqrt(sizes[k]) / 2 + 7.5)
        ax.annotate(str(k + 1), place, offset, textcoords='offset points',
                    fontsize=9.5, color=_INK, ha='center', va='center', zorder=3,
                    path_effects=halo)
    ax.set_aspect('equal', anchor='N')
    ax.invert_yaxis()
    ax.margins(0.1)
    ax.set_axis_off()
    ax.set_title(category.name, loc='left', fontsize=14, color=_INK,
                 fontweight='bold')


def _directions(points):
    """(L, 2) unit vectors away from what is near: each landmark's free side."""
    apart = points[:, None] - points[None]
    distances = np.hypot(*np.moveaxis(apart, -1, 0))
    pull = (apart / (distances[..., None]**3 + 1e-6)).sum(1)
    return pull / np.maximum(np.hypot(*pull.T), 1e-9)[:, None]


def _draw_bars(ax, category, median, high, counts, shades, top):
    places = np.arange(1, len(median) + 1)
    known = ~np.isnan(median)
    ax.bar(places[known], np.minimum(median[known], top), 0.72,
           color=shades.to_rgba(median[known]), edgecolor=_INK, linewidth=0.4)
    ax.vlines(places[known], np.minimum(median[known], top),
              np.minimum(high[known], top), color=_SOFT, lw=1.2)
    if known.any():
        ax.plot(places[~known], np.zeros((~known).sum()), 'o', mfc='white',
                mec='#9aa4b2', ms=5, clip_on=False)
        ax.axhline(HALF_ERROR, color=_SOFT, lw=1, ls='--')
    else:
        ax.set_facecolor('#f2f3f5')
        ax.text(0.5, 0.5, 'nothing to compare', ha='center', va='center',
                color='#9aa4b2', fontsize=13, transform=ax.transAxes)
    for place in places[known & (np.nan_to_num(high) > top)]:
        ax.text(place, top, '▴', ha='center', va='bottom', color=_SOFT, fontsize=8)
    ax.set(xlim=(0.3, len(median) + 0.7), ylim=(0, top))
    ax.set_xticks(places, places, fontsize=8 if len(places) > 30 else 10)
    ax.grid(axis='y', color=_GRID)
    ax.set_title(f'{counts.sum():,} landmarks', loc='right', fontsize=11, color=_SOFT,
                 pad=10)


def draw_top_k(path, scores) -> None:
    """Top-k accuracy over k, the official ones with their values.

    Args:
        path (Path): Of the PNG.
        scores (RetrievalScores): The scores.
    """
    accuracies = top_k_accuracy(scores)
    with _figure(path, (10, 6.2), 'Consumer-to-shop retrieval') as figure:
        ax = figure.subplots()
        ks = np.arange(1, MOST_K + 1)
        share = 1 - scores.missed / max(scores.queries, 1)
        ax.axhline(share, color=_SOFT, lw=1.2, ls='--')
        ax.text(MOST_K + 0.4, share, f'a detection stands for {share:.1%} of '
                f'{scores.queries:,} query items', ha='right', va='bottom',
                color=_SOFT, fontsize=11)
        ax.plot(ks, accuracies, '-', color=_BLUE, lw=2, marker='o', ms=3.5)
        official = [k for k in scores.ks if k <= MOST_K]
        ax.plot(official, accuracies[np.array(official, int) - 1], 'o', color=_BLUE,
                ms=9, clip_on=False)
        for k in official:
            low = accuracies[k - 1] < 0.15
            ax.annotate(f'top-{k}\n{accuracies[k - 1]:.3f}', (k, accuracies[k - 1]),
                        (0, 12 if low else -12), textcoords='offset points',
                        ha='center', va='bottom' if low else 'top', color=_INK,
                        fontsize=11.5)
        ax.set(xlim=(0.4, MOST_K + 0.6), ylim=(0, 1.08), xticks=ks)
        ax.set_xlabel('k, boxes retrieved', color=_SOFT)
        ax.set_ylabel('share of query items with a right box among them', color=_SOFT)
        ax.grid(axis='y', color=_GRID)


def draw_confusion(path, confusion, score_thr: float) -> None:
    """The table of confusions, each row shaded by its shares.

    Args:
        path (Path): Of the PNG.
        confusion (np.ndarray): (14, 14) int, of ``DetectionErrors``.
        score_thr (float): The score from which on detections take part.
    """
    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    with _figure(path, (13, 10.5), 'What is taken for what') as figure:
        ax = figure.subplots()
        ax.imshow(shares, cmap='Blues', vmin=0, vmax=1.15, aspect='auto')
        for row, column in zip(*np.nonzero(confusion), strict=True):
            share = shares[row, column]
            ax.text(column, row, f'{confusion[row, column]:,}\n{share:.0%}',
                    ha='center', va='center', fontsize=10,
                    color='white' if share > 0.6 else _INK)
        ticks = range(len(confusion))
        ax.set_xticks(ticks, [*CATEGORY_NAMES, 'missed'], rotation=40, ha='right')
        ax.set_yticks(ticks, [*CATEGORY_NAMES, 'nothing there'])
        for place in (ax.axhline, ax.axvline):
            place(len(CATEGORY_NAMES) - 0.5, color=_SOFT, lw=1.2)
        ax.set_ylabel('annotated', color=_SOFT, fontsize=12)
        ax.set_xlabel(
            'predicted: the most confident detection over the item, from score '
            f'{score_thr:.2f} on, where F1 is greatest', color=_SOFT, fontsize=12)


@contextmanager
def _figure(path, size, title, layout='constrained'):
    """A figure to draw on, written to ``path`` at the end."""
    # Neither pyplot nor its state: the caller may have figures of its own open.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    figure = Figure(figsize=size, layout=layout, facecolor='white')
    FigureCanvasAgg(figure)
    if layout:
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12, wspace=0.02,
                                       hspace=0.03)
    figure.suptitle(title, fontsize=17, color=_INK, x=0.012, ha='left',
                    **({} if layout else dict(y=0.99)))
    yield figure
    for ax in figure.axes:
        ax.tick_params(colors=_SOFT, length=0)
        ax.spines[:].set_visible(False)
        ax.set_axisbelow(True)
    with replacing(path) as file:
        figure.savefig(file, dpi=100, format='png')
