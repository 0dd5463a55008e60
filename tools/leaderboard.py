"""Make the leaderboard, as Markdown and as an HTML page that sorts and filters.

    leaderboard.py                              model_zoo/leaderboard.md and .html
    leaderboard.py --add metrics.json --name 'My model' --data-set real --out DIR

It shows published results, the zoo's own and, of --add, yours: a file or a folder of
files that tools/test.py --out or tools/eval_results.py --out wrote. Each data set has
its tables.
"""

import argparse
import sys
from pathlib import Path

ZOO = Path(__file__).parents[1] / 'model_zoo'
DATA_SETS = ('real', 'test', 'synthetic')


def parse_args(argv):
    parser = argparse.ArgumentParser(
        prog='leaderboard.py', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--add', type=Path, action='append', default=[],
                        metavar='PATH', help='your own results; may be repeated')
    parser.add_argument('--name', action='append', default=[], metavar='TEXT',
                        help='the model of each --add, in their order; default: the '
                        'name of the file or folder')
    parser.add_argument('--data-set', choices=DATA_SETS, help='what --add was measured '
                        'on: DeepFashion2 validation, the test server, or synthetic '
                        'images')
    parser.add_argument('--measured-on', metavar='TEXT',
                        help='more exactly, to show with it')
    parser.add_argument('--zoo', type=Path, default=ZOO, metavar='DIR',
                        help='folder of the cards; default: model_zoo')
    parser.add_argument('--out', type=Path, metavar='DIR', help='where to write '
                        'leaderboard.md and leaderboard.html; default: the zoo, but '
                        'outputs/leaderboard with --add')
    args = parser.parse_args(argv)
    if args.add and args.data_set is None:
        parser.error(f'--add needs --data-set {" or ".join(DATA_SETS)}: results of '
                     'different data stand in different tables')
    if len(args.name) > len(args.add):
        parser.error(f'--name is for an --add, got {len(args.name)} names for '
                     f'{len(args.add)}')
    if args.name and len(args.name) < len(args.add):
        parser.error(f'give each --add its --name or none, got {len(args.name)} names '
                     f'for {len(args.add)}')
    return args


def main(argv=None):
    args = parse_args(argv)
    from df2mm.engine import exit_on
    with exit_on(OSError, ValueError):
        from df2mm.atomic import replacing
        from df2mm.zoo.leaderboard import markdown
        from df2mm.zoo.leaderboard_files import read_leaderboard, read_own
        from df2mm.zoo.leaderboard_page import html_page
        board = read_leaderboard(args.zoo)
        for place, path in enumerate(args.add):
            board.rows.extend(read_own(
                path, args.data_set, args.name[place] if args.name else None,
                args.measured_on))
        out = args.out or (Path('outputs/leaderboard') if args.add else args.zoo)
        for name, text in (('leaderboard.md', markdown(board)),
                           ('leaderboard.html', html_page(board))):
            with replacing(out / name) as file:
                file.write(text.encode())
            print(out / name)
    return 0


if __name__ == '__main__':
    sys.exit(main())
