"""DeepFashion2 data: make, check, convert, count and look at it.

A dataset is the folder that holds train/image, train/annos and the same under
validation. `check`, `stats` and `browse` also read a COCO file, ours or the
authors', given by --ann-file.
"""

import argparse
import os
import sys
from contextlib import nullcontext
from pathlib import Path


def parse_args(argv):
    parser = argparse.ArgumentParser(
        prog='data.py', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    _add_synthesize(commands)
    _add_check(commands)
    _add_convert(commands)
    _add_stats(commands)
    _add_browse(commands)
    args = parser.parse_args(argv)
    if args.command in ('check', 'stats'):
        if (args.root is None) == (args.ann_file is None):
            parser.error(f'{args.command} needs either ROOT or --ann-file')
        if args.ann_file and args.split:
            parser.error('--split chooses from ROOT; --ann-file is one split already')
    return args


def _add_synthesize(commands):
    command = commands.add_parser(
        'synthesize', help="make a dataset in DeepFashion2's layout")
    command.add_argument('out', type=Path, metavar='OUT', help='its folder')
    command.add_argument('--train', type=_count, default=2000, metavar='N',
                         help='images in train; default: %(default)s')
    command.add_argument('--val', type=_count, default=500, metavar='M',
                         help='images in validation; default: %(default)s')
    command.add_argument('--seed', type=_count, default=0,
                         help='the same seed gives the same bytes; default: 0')
    _add_workers(command)
    command.set_defaults(run=_synthesize)


def _add_check(commands):
    command = commands.add_parser(
        'check', help='report every defect by file and item',
        description='Report every defect by file and item, then a table. Exit '
        'status: 0 if there is none but minor ones, 1 if there are, 2 if it could '
        'not check.')
    _add_source(command)
    command.add_argument('--json', type=Path, metavar='FILE',
                         help='also write the defects and counts as JSON')
    command.add_argument('--quiet', action='store_true', help='print the table alone')
    _add_workers(command)
    command.set_defaults(run=_check)


def _add_convert(commands):
    command = commands.add_parser(
        'convert', help='write each split as one compact COCO file',
        description='Write ROOT/annotations/SPLIT.json for each split, and say what '
        'was repaired or left out.')
    command.add_argument('root', type=Path, metavar='ROOT', help='the dataset')
    _add_splits(command)
    command.add_argument('--out-dir', type=Path, metavar='DIR',
                         help='folder of the files; default: ROOT/annotations')
    command.add_argument('--strict', action='store_true',
                         help='stop at the first defect and write nothing')
    _add_workers(command)
    command.set_defaults(run=_convert)


def _add_stats(commands):
    command = commands.add_parser('stats', help='print tables and draw them as a PNG')
    _add_source(command)
    command.add_argument('--out', type=Path, default=Path('statistics.png'),
                         metavar='PNG', help='default: %(default)s')
    command.set_defaults(run=_stats)


def _add_browse(commands):
    command = commands.add_parser(
        'browse', help='draw annotated pictures and a contact sheet')
    command.add_argument('root', type=Path, metavar='ROOT', help='the dataset')
    command.add_argument('--split', help='default: the first that is there of train '
                         'and validation')
    command.add_argument('--ann-file', type=Path, metavar='FILE',
                         help="COCO file to read instead of the split's annos")
    command.add_argument('--out', type=Path, required=True, metavar='DIR',
                         help='folder of the pictures')
    command.add_argument('--num', type=int, default=24, help='default: %(default)s')
    command.add_argument('--seed', type=_count, default=0,
                         help='chooses the images; default: 0')
    command.add_argument('--category', help='only images with an item of it, such as '
                         '"vest dress"')
    command.add_argument('--source', choices=('user', 'shop'))
    command.add_argument('--img-ids', type=int, nargs='+', metavar='ID',
                         help='draw these instead of a random choice')
    command.set_defaults(run=_browse)


def _add_source(command):
    command.add_argument('root', type=Path, nargs='?', metavar='ROOT',
                         help='the dataset')
    _add_splits(command)
    command.add_argument('--ann-file', type=Path, metavar='FILE',
                         help='a COCO file instead of ROOT')


def _add_splits(command):
    command.add_argument('--split', nargs='+', metavar='SPLIT', help='default: those '
                         'that are there of train and validation')


def _add_workers(command):
    command.add_argument('--workers', type=_positive, metavar='W',
                         help='processes; default: one a core')


def _count(text):
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f'expected an integer >= 0, got {text}')
    return int(text)


def _positive(text):
    if _count(text) == 0:
        raise argparse.ArgumentTypeError('expected at least 1, got 0')
    return int(text)


def _synthesize(args):
    from df2mm.synthetic import write_dataset

    written = write_dataset(args.out, num_train=args.train, num_val=args.val,
                            seed=args.seed, workers=args.workers)
    print(f'{args.out}: {written["train"]} train and {written["validation"]} '
          f'validation images')
    return 0


def _check(args):
    from tqdm import tqdm

    from df2mm.datasets.check import (
        check_coco,
        check_raw,
        defect_file,
        format_summary,
    )

    summaries = {}
    with (defect_file(args.json, summaries) if args.json
          else nullcontext(lambda defect: None)) as write:

        def report(defect):
            write(defect)
            if not args.quiet:
                # Not print: it would break into the progress bar's line.
                tqdm.write(str(defect), file=sys.stdout)

        if args.ann_file:
            summaries[str(args.ann_file)] = check_coco(
                args.ann_file, report, progress=True)
        else:
            for split in _splits(args):
                summaries[split] = check_raw(
                    args.root / split, report, args.workers, progress=True)
    for name, summary in summaries.items():
        print(f'{name}: {format_summary(summary)}')
    return int(any(summary.num_grave for summary in summaries.values()))


def _convert(args):
    from df2mm.datasets.check import format_summary
    from df2mm.datasets.convert import convert_split

    out_dir = args.out_dir or args.root / 'annotations'
    for split in _splits(args):
        out = out_dir / f'{split}.json'
        conversion = convert_split(
            args.root / split, out, args.workers, args.strict, progress=True)
        print(f'{out}: {format_summary(conversion)}')
    return 0


def _stats(args):
    from tqdm import tqdm

    from df2mm.datasets.coco_reader import iter_coco
    from df2mm.datasets.raw import iter_raw
    from df2mm.datasets.statistics import collect, draw_figure, format_tables

    readers = [iter_coco(args.ann_file)] if args.ann_file else [
        iter_raw(args.root / split) for split in _splits(args)]
    annotations = (record[0] for reader in readers for record in reader)
    stats = collect(tqdm(annotations, unit='image', desc='stats'))
    print(format_tables(stats))
    print(draw_figure(stats, args.out))
    return 0


def _browse(args):
    from df2mm.datasets.browse import browse_split

    split = args.split or _splits(args)[0]
    browsed = browse_split(
        args.root, split, args.out, args.ann_file, num=args.num, seed=args.seed,
        category=args.category, source=args.source, img_ids=args.img_ids)
    for line in browsed.skipped:
        print(f'passed over: {line}', file=sys.stderr)
    if not browsed.pictures:
        raise ValueError(f'expected images to draw in {args.root / split}, found none '
                         'that fit')
    print(f'{len(browsed.pictures)} pictures, together in {browsed.sheet}')
    return 0


def _splits(args):
    from df2mm.datasets.raw import find_splits

    return args.split or find_splits(args.root)


def main(argv=None):
    """Run a command; returns the exit status."""
    args = parse_args(argv)
    try:
        return args.run(args)
    except BrokenPipeError:
        # Such as `| head`: nobody reads on. Python would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError) as error:
        message = ' '.join(str(error).split())
        print(f'data.py {args.command}: error: {message}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
