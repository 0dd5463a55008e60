"""The leaderboard as one HTML page that sorts and filters, without a network."""

from html import escape

from df2mm.version import __version__
from df2mm.visualization.report_style import MARK, STYLE
from df2mm.zoo.leaderboard import (
    COST_HEADER,
    COST_NOTE,
    DATA_SETS,
    TASKS,
    Leaderboard,
    cost_cells,
)
from df2mm.zoo.leaderboard_style import SCRIPT, task_style

#: What goes before a figure's heading where all tasks share a table.
_SHORT = {'boxes': 'Box ', 'masks': 'Mask ', 'landmarks-visible': 'Visible landmark ',
          'landmarks': 'Landmark ', 'retrieval': 'Retrieval '}
_WHAT = dict(
    real='Published figures are those of the source. What was measured on the '
         'validation split is scored as by the official evaluator.',
    test='The annotation is not public: the challenge server scored these.',
    synthetic='Images that df2mm.synthetic draws. The figures compare models on such '
              'images, and with nothing that was measured on DeepFashion2.')


def html_page(board: Leaderboard) -> str:
    """The page; every text in it is escaped, and every table has a section.

    Args:
        board (Leaderboard): The results and costs.
    """
    sections = ''.join(_section(name, board) for name in DATA_SETS) + _costs(board)
    links = ''.join(f'<a href="#{name}">{escape(title)}</a>' for name, title in (
        *DATA_SETS.items(), ('costs', 'Size, computing and memory')))
    style = STYLE + task_style(TASKS)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>Leaderboard · df2mm</title><style>{style}</style></head>'
        '<body data-task=""><header><div class="wrap"><div class="project">'
        f'{MARK}df2mm</div><h1>Leaderboard</h1><p class="subtitle">Models for '
        'DeepFashion2, a table for each data set: figures of different data do not '
        f'compare.</p><nav>{links}</nav></div></header><main class="wrap">{_filters()}'
        f'{sections}</main><footer><div class="wrap">Made with df2mm '
        f'{escape(__version__)}</div></footer><script>{SCRIPT}</script></body></html>\n')


def _filters() -> str:
    def options(first, entries):
        return f'<option value="">{first}</option>' + ''.join(
            f'<option value="{name}">{escape(title)}</option>'
            for name, title in entries)

    sets = options('All data sets', DATA_SETS.items())
    tasks = options('All tasks', ((name, task[0]) for name, task in TASKS.items()))
    return (
        '<form class="panel filters" role="search"><label>Data set<select id="set">'
        f'{sets}</select></label><label>Task<select id="task">{tasks}</select></label>'
        '<label class="wide">Text<input id="text" type="search" placeholder="a model, '
        'a source" autocomplete="off"></label><output id="count"></output></form>')


def _section(data_set: str, board: Leaderboard) -> str:
    rows = board.of(data_set)
    top = (f'<section id="{data_set}" data-set="{data_set}"><h2>'
           f'{escape(DATA_SETS[data_set])}</h2><p>{escape(_WHAT[data_set])}</p>')
    if not rows:
        return f'{top}<p class="panel empty">Nothing yet.</p></section>'
    figures = [(task, place, heading, key) for task, (_, keys) in TASKS.items()
               for place, (heading, key) in enumerate(keys.items())
               if any(key in row.metrics for row in rows)]
    costs = any(row.costs for row in rows)
    header = _head('Model', 'name') + _head('Figures', '')
    header += ''.join(_head(_SHORT[task] + heading, _class(task, place), task)
                      for task, place, heading, _ in figures)
    if costs:
        header += _head('M parameters', 'num') + _head('GFLOPs', 'num')
    header += _head('Source, or measured on', '')
    best = {key: max((row.metrics[key] for row in rows if key in row.metrics),
                     default=None) for *_, key in figures}
    body = ''.join(_row(row, figures, best, costs) for row in rows)
    return top + _panel(header, body) + '</section>'


def _row(row, figures, best, with_costs) -> str:
    tasks = ' '.join(task for task, (_, keys) in TASKS.items()
                     if any(key in row.metrics for key in keys.values()))
    cells = (f'<td class="name">{escape(row.name)}</td>'
             f'<td><span class="kind {row.kind}">{row.kind}</span></td>')
    for task, place, _, key in figures:
        value = row.metrics.get(key)
        bold = ' best' if value is not None and value == best[key] else ''
        cells += _number(value, _class(task, place) + bold, 3, task)
    if with_costs:
        costs = row.costs
        cells += _number(costs and costs['parameters']['total'] / 1e6, 'num', 1)
        cells += _number(costs and costs['flops']['total'] / 1e9, 'num', 1)
    about = escape(row.about)
    # A file of one's own might hold any address: what runs a script is no link.
    if row.url.startswith(('https://', 'http://')):
        about = f'<a href="{escape(row.url)}">{about}</a>'
    return f'<tr data-tasks="{tasks}">{cells}<td class="about">{about}</td></tr>'


def _costs(board: Leaderboard) -> str:
    top = (f'<section id="costs" data-set="costs"><h2>Size, computing and memory</h2>'
           f'<p>{escape(COST_NOTE)}</p>')
    if not board.costs:
        return f'{top}<p class="panel empty">Nothing yet.</p></section>'
    rows = [cost_cells(name, costs) for name, costs in sorted(board.costs.items())]
    # A column in which nothing was measured is none.
    shown = [c for c in range(len(COST_HEADER))
             if any(row[c] is not None for row in rows)]
    header = ''.join(_head(COST_HEADER[c], 'num' if c else 'name') for c in shown)
    body = ''
    for row in rows:
        cells = f'<td class="name">{escape(row[0])}</td>'
        for c in shown[1:]:
            value = row[c]
            cells += (f'<td class="num">{escape(value)}</td>' if isinstance(value, str)
                      else _number(value, 'num'))
        body += f'<tr data-tasks="">{cells}</tr>'
    return top + _panel(header, body) + '</section>'


def _panel(header: str, body: str) -> str:
    return (f'<div class="panel"><table class="board"><thead><tr>{header}</tr></thead>'
            f'<tbody>{body}</tbody></table><p class="empty" hidden>No row has this.</p>'
            '</div>')


def _class(task: str, place: int) -> str:
    main = place == 0 or (task, place) == ('retrieval', 4)
    return 'num fig' if main else 'num fig detail'


def _head(text: str, kind: str, task: str = '') -> str:
    of = f' data-of="{task}"' if task else ''
    return (f'<th class="{kind}"{of} aria-sort="none"><button type="button">'
            f'{escape(text)}</button></th>')


def _number(value, kind: str, digits: int | None = None, task: str = '') -> str:
    of = f' data-of="{task}"' if task else ''
    if value is None:
        return f'<td class="{kind}"{of}>—</td>'
    text = f'{value:,}' if digits is None else f'{value:,.{digits}f}'
    return f'<td class="{kind}"{of} data-v="{value}">{text}</td>'
