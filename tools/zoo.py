"""The zoo of checkpoints: what there is, fetching and checking it, publishing.

    zoo.py list
    zoo.py download MODEL [--to DIR]
    zoo.py verify [MODEL ...]

$DF2MM_ZOO names a mirror, an http(s) URL or a folder with MODEL/FILE below it. To
publish a training, three commands; the second is printed by the first:

    zoo.py publish CONFIG CHECKPOINT --log FILE --data TEXT --training TEXT
    test.py CONFIG model_zoo/MODEL/FILE --out model_zoo/MODEL/metrics.json
    zoo.py card MODEL [--photos FILE.json]
"""

import argparse
import sys
from pathlib import Path


def parse_args(argv):
    parser = argparse.ArgumentParser(
        prog='zoo.py', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    add_reading(commands)
    add_publishing(commands)
    return parser.parse_args(argv)


def add_reading(commands):
    command = commands.add_parser(
        'list', help='the models, and where their checkpoints are')
    command.set_defaults(run=run_list)
    command = commands.add_parser(
        'download', help='fetch a checkpoint, check it, print its path')
    command.set_defaults(run=run_download)
    command.add_argument('model', help='name, or name of the published file')
    command.add_argument('--to', type=Path, metavar='DIR', help='put it there; '
                         'default: the cache, $DF2MM_HOME or ~/.cache/df2mm')
    command.add_argument('--base', metavar='URL', help='in place of $DF2MM_ZOO; then '
                         'it is fetched even if it is on this machine')
    command = commands.add_parser('verify', help='compare checkpoints with their cards '
                                  'and their configs')
    command.set_defaults(run=run_verify)
    command.add_argument('models', nargs='*', metavar='MODEL',
                         help='default: all that are on this machine')
    command = commands.add_parser('readme', help='write model_zoo/README.md')
    command.set_defaults(run=run_readme)
    command.add_argument('--check', action='store_true',
                         help='only say whether it is up to date')


def add_publishing(commands):
    command = commands.add_parser('publish', help="convert a training's checkpoint to "
                                  'float16 safetensors and write its card')
    command.set_defaults(run=run_publish)
    command.add_argument('config', help='config of the zoo, or its name')
    command.add_argument('checkpoint', help='what the training saved')
    command.add_argument('--log', nargs='+', required=True, metavar='FILE',
                         help='log of the training; of one that was resumed, all')
    command.add_argument('--data', required=True, metavar='TEXT',
                         help='the command that made the training data')
    command.add_argument('--training', required=True, metavar='TEXT',
                         help='how long and on what it was trained')
    command.add_argument('--out', type=Path, metavar='DIR', help='put the checkpoint '
                         'there, for a mirror, and not into the repository')
    command.add_argument('--metrics', metavar='FILE.json',
                         help='complete the card at once, as `card` does')
    add_card_options(command)
    command = commands.add_parser('card', help='put what was measured on the published '
                                  'file into its card; update index and README')
    command.set_defaults(run=run_card)
    command.add_argument('model', help='its name')
    command.add_argument('--metrics', metavar='FILE.json', help='what tools/test.py '
                         'wrote; default: metrics.json beside the card')
    command.add_argument('--training', metavar='TEXT', help='replace what it says')
    add_card_options(command)


def add_card_options(command):
    command.add_argument('--photos', metavar='FILE.json',
                         help='right, of and command: what was counted on photos')
    command.add_argument('--zoo', type=Path, metavar='DIR', help='folder of the '
                         "cards; default: the repository's model_zoo")


def main(argv=None):
    args = parse_args(argv)
    from df2mm.engine import exit_on
    with exit_on(OSError, ValueError, KeyError):
        return args.run(args)


def run_list(args):
    from df2mm import zoo
    from df2mm.zoo.cards import how_to_train
    cards = {card.name: card for card in zoo.read_cards()}
    for name, entry in sorted(zoo.zoo_entries().items()):
        if name not in cards:
            print(f'{name}\n    not published; {how_to_train(entry["Config"])}')
            continue
        card = cards[name]
        print(f'{name}\n    {card.file}, {card.size / 1e6:.1f} MB, {place(card)}')
        for result in card.entry.get('Results', []):
            figures = ', '.join(f'{key} {value}' for key, value
                                in result['Metrics'].items())
            print(f'    on {result["Dataset"]}: {figures}')
    return 0


def place(card):
    """Where a checkpoint is, in words; without reading it."""
    from df2mm import zoo
    if card.local.is_file():
        return 'in the repository'
    if (zoo.cache_folder() / card.name / card.file).is_file():
        return 'in the cache'
    return f'at {zoo.mirror()}' if zoo.mirror() else 'not here; set DF2MM_ZOO'


def run_download(args):
    from df2mm import zoo
    print(zoo.download(args.model, args.to, args.base))
    return 0


def run_verify(args):
    """Check each one and say so; the status is 1 if any is wrong."""
    from df2mm import zoo
    wrong, here = [], 0
    for name in args.models or [card.name for card in zoo.read_cards()]:
        try:
            path = zoo.verify(name)
        except FileNotFoundError as error:
            if args.models:
                wrong.append(name)
            print(f'{name}: not here. {error}')
        except ValueError as error:
            wrong.append(name)
            print(f'{name}: WRONG. {error}')
        else:
            here += 1
            print(f'{name}: right. {path}')
    print(f'{here} right, {len(wrong)} wrong')
    if wrong:
        raise ValueError(f'{", ".join(wrong)}: see above')
    return 0


def run_publish(args):
    from df2mm.zoo import publishing
    card = publishing.publish(
        args.config, args.checkpoint, args.log, data=args.data, training=args.training,
        folder=args.zoo, out=args.out)
    print(f'{card.file}: {card.size:,} bytes, sha256 {card.sha256}')
    kept = card.entry['Checkpoint']['Float32 Tensors']
    print(f'in float32, for float16 would lose too much: {", ".join(kept) or "none"}')
    if args.metrics or args.photos:
        return run_card(argparse.Namespace(**vars(args) | dict(model=card.name)))
    print(f'now measure it:\n{card.entry["Test Command"]}\n'
          f'python tools/zoo.py card {card.name}')
    return 0


def run_card(args):
    from df2mm.zoo import publishing
    card = publishing.complete(args.model, metrics=args.metrics, photos=args.photos,
                               training=args.training, folder=args.zoo)
    print(card.path)
    return 0


def run_readme(args):
    from df2mm.zoo import zoo_folder
    from df2mm.zoo.readme import readme, write_readme
    if not args.check:
        print(write_readme())
        return 0
    path = zoo_folder() / 'README.md'
    if not path.is_file() or path.read_text() != readme():
        raise ValueError(f'{path} is not up to date. Run tools/zoo.py readme')
    return 0


if __name__ == '__main__':
    sys.exit(main())
