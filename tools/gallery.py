"""Build, change and search a gallery of garments.

    gallery.py build GALLERY MODEL CHECKPOINT IMAGE...
    gallery.py add GALLERY MODEL CHECKPOINT IMAGE...
    gallery.py search GALLERY MODEL CHECKPOINT IMAGE... [--sheets DIR] [--out FILE]
    gallery.py remove GALLERY ID...
    gallery.py info GALLERY

MODEL is a config or a name of the zoo; an IMAGE is a file or a folder. GALLERY is a
file, or with `--backend milvus` a file such as gallery.db or the URL of a server. A
build that was interrupted goes on where it stopped when it is called again.
"""

import argparse
import json
import os
import sys
from pathlib import Path

# As in tools/test.py: threads that spin while they wait slow a busy machine down.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

BACKENDS = ('flat', 'hnsw', 'ivf', 'milvus')


def parse_args(argv):
    parser = argparse.ArgumentParser(
        prog='gallery.py', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    build = commands.add_parser('build', help='make a gallery of garments in images')
    add = commands.add_parser('add', help='add the garments in more images')
    search = commands.add_parser('search', help='find matches of garments in photos')
    for command in (build, add, search):
        command.add_argument('gallery')
        _add_model_options(command)
    build.add_argument('--backend', choices=BACKENDS, default='flat',
                       help='flat and milvus search exactly; default: %(default)s')
    for command in (build, add):
        _add_source_options(command)
    _add_search_options(search)
    remove = commands.add_parser('remove', help='remove entries')
    remove.add_argument('gallery')
    remove.add_argument('ids', nargs='+', metavar='ID')
    info = commands.add_parser('info', help='what a gallery holds')
    info.add_argument('gallery')
    info.add_argument('--verify', action='store_true',
                      help='check every vector against its checksum')
    for command in (build, add, search, remove, info):
        command.add_argument('--token', help='of a Milvus server')
    args = parser.parse_args(argv)
    for name in ('top', 'batch_size', 'save_every'):
        if getattr(args, name, 1) < 1:
            parser.error(f'--{name.replace("_", "-")} must be at least 1')
    if args.command == 'search' and args.sheets and not args.images_root:
        parser.error('--sheets needs --images-root DIR, the folder of the '
                     "gallery's images")
    return args


def _add_model_options(command):
    command.add_argument('model', help='config file, or name of the zoo')
    command.add_argument('checkpoint', help='its weights, .pth or .safetensors; '
                         "'zoo' stands for the published ones")
    command.add_argument('images', nargs='+', help='files and folders')
    command.add_argument('--annotations', metavar='FILE', help='of a dataset: its shop '
                         'images are added, its user images searched for, and it is '
                         'known which matches are right')
    command.add_argument('--images-root', metavar='DIR', help='folder that the '
                         "gallery's images are relative to; default of build and add: "
                         'that of the images')
    command.add_argument('--score-thr', type=float, default=0.3, metavar='S',
                         help='least score of a garment; default: %(default)s')
    command.add_argument('--nms-thr', type=float, default=0.6, metavar='IOU',
                         help='of two garments that overlap more, one stays; '
                         'default: %(default)s')
    command.add_argument('--batch-size', type=int, default=8, metavar='N')
    command.add_argument('--device', help='such as cpu or cuda:1')
    command.add_argument('--half', action='store_true', help='half precision')


def _add_source_options(command):
    command.add_argument('--fields', type=Path, metavar='FILE', help='your own fields: '
                         'a CSV file or JSON lines with a column image (path under the '
                         'images root); a column id names the entries')
    command.add_argument('--save-every', type=int, default=500, metavar='N',
                         help='images between two saves; default: %(default)s')


def _add_search_options(command):
    command.add_argument('--top', type=int, default=20, metavar='K')
    command.add_argument('--category', nargs='+', metavar='NAME', help='only these')
    command.add_argument('--same-category', action='store_true',
                         help="only matches of the garment's own category")
    command.add_argument('--where', nargs='+', default=[], metavar='CONDITION',
                         help='on your own fields: brand=x, brand=x,y, price<=30')
    command.add_argument('--unique', metavar='FIELD', help='one match for each value '
                         "of a field, such as sku, or of 'image'")
    command.add_argument('--min-probability', type=float, metavar='P')
    command.add_argument('--together', action='store_true',
                         help='all photos show one garment: one search')
    command.add_argument('--sheets', type=Path, metavar='DIR',
                         help='draw each garment beside its matches')
    command.add_argument('--out', type=Path, metavar='FILE.json')


def main(argv=None):
    args = parse_args(argv)
    from df2mm.engine import USER_ERRORS, exit_on
    with exit_on(*USER_ERRORS):
        return dict(build=build, add=build, search=search, remove=remove,
                    info=info)[args.command](args)


def _options(args):
    return dict(token=args.token) if args.token else {}


def _prepared(args, source):
    """The model, the images of this source, and what their annotation says."""
    from df2mm.apis import DeepFashion2Inferencer, image_inputs
    from df2mm.apis.identities import Identities
    entries = image_inputs(args.images)
    identities = Identities(args.annotations) if args.annotations else None
    if identities:
        entries = [e for e in entries if identities.source(e.value) == source]
        if not entries:
            raise ValueError(f'{args.annotations} knows none of the images as one of a '
                             f'{source}')
    inferencer = DeepFashion2Inferencer(
        args.model, args.checkpoint, args.device, half=args.half)
    return inferencer, entries, identities


def _root(args):
    """The folder that holds the images of a command."""
    if args.images_root:
        return args.images_root
    folders = [path if os.path.isdir(path) else os.path.dirname(path) or '.'
               for path in args.images]
    return os.path.commonpath([os.path.realpath(folder) for folder in folders])


def build(args):
    from df2mm.apis import progress_bar
    from df2mm.apis.gallery_images import add_images
    from df2mm.apis.own_fields import read_fields
    from df2mm.retrieval import GalleryIndex
    fields = read_fields(args.fields) if args.fields else {}
    inferencer, entries, identities = _prepared(args, 'shop')
    head = getattr(inferencer.model.roi_head, 'match_head', None)
    if head is None:
        raise ValueError(f'{args.model} has no match head, so no vectors. Use one of '
                         'configs/match_rcnn')
    try:
        index = GalleryIndex.load(args.gallery, **_options(args))
    except FileNotFoundError:
        if args.command == 'add':
            raise
        index = GalleryIndex(head.embed_dims + 2, inferencer.model_id,
                             backend=args.backend, path=args.gallery, **_options(args))
    with index, progress_bar(entries) as progress:
        if len(index):
            print(f'{args.gallery} has {len(index):,} garments: going on')
        added = add_images(
            index, inferencer, entries, _root(args), score_thr=args.score_thr,
            nms_thr=args.nms_thr, batch_size=args.batch_size, fields=fields,
            identities=identities, save_every=args.save_every,
            on_image=progress.update)
        print(f'{added.garments:,} garments of {added.images:,} images added; '
              f'{added.empty:,} images without any, {added.already:,} were there')
        if not len(index):
            raise ValueError('the gallery is empty: no garment was found in '
                             f'{len(entries):,} images. Lower --score-thr')
        if args.command == 'build' and not index.info()['exact']:
            index.build()
            index.save()
        _print_info(index)
    for entry in added.skipped:
        print(f'skipped {entry["input"]}: {entry["reason"]}')
    if added.skipped and len(added.skipped) == len(entries):
        sys.exit('gallery.py: error: none of the images could be read')
    return 0


def search(args):
    from df2mm.apis import progress_bar
    from df2mm.apis.gallery_images import search_images
    from df2mm.retrieval import GalleryIndex
    from df2mm.retrieval.conditions import where_of
    where = where_of(args.where)
    # Before the model: a gallery that is not there need not wait for it.
    with GalleryIndex.load(args.gallery, **_options(args)) as index:
        inferencer, entries, identities = _prepared(args, 'user')
        skipped, found = [], []
        options = dict(categories=args.category, where=where or None,
                       unique=args.unique, min_probability=args.min_probability)
        with progress_bar(entries) as progress:
            for searched in search_images(
                    index, inferencer, entries, top=args.top,
                    same_category=args.same_category, together=args.together,
                    score_thr=args.score_thr, nms_thr=args.nms_thr,
                    batch_size=args.batch_size, identities=identities,
                    on_skip=skipped.append, **options):
                progress.update(searched.found.index + 1 - progress.n)
                found.append(_report(searched))
                if args.sheets:
                    _draw(searched, len(found), args)
    if args.out:
        from df2mm.engine import AtomicBackend
        AtomicBackend().put_text(json.dumps(found, indent=1) + '\n', args.out)
    else:
        _print_matches(found)
    _print_counts(found, skipped, args.top)
    if skipped and len(skipped) == len(entries):
        sys.exit('gallery.py: error: none of the images could be read')
    return 0


def _report(searched):
    """A search as plain Python."""
    from df2mm.metainfo import CATEGORIES
    item, found = searched.item, searched.found
    return dict(
        image=found.name, bbox=[round(x, 2) for x in found.bboxes[item].tolist()],
        category=CATEGORIES[found.labels[item]].name,
        score=round(float(found.scores[item]), 4), photos=searched.photos,
        matches=[dict(
            id=match.entry.id, image=match.entry.image, bbox=list(match.entry.bbox),
            category=match.entry.category, fields=match.entry.fields,
            score=match.score, probability=match.probability,
            **({} if right is None else dict(right=right)))
            for match, right in zip(searched.matches, searched.right, strict=True)])


def _draw(searched, number, args):
    from df2mm.apis.match_sheets import match_sheet
    from df2mm.visualization import write_image
    name = f'{number:05d}_{Path(searched.found.target).stem}.jpg'
    write_image(args.sheets / name, match_sheet(searched, args.images_root))


def _print_matches(found):
    from df2mm.visualization import format_table
    for garment in found:
        rows = [[rank, f'{match["probability"]:.3f}', match['id'], match['category'],
                 {True: 'right', False: ''}.get(match.get('right'), '')]
                for rank, match in enumerate(garment['matches'], 1)]
        title = f'{garment["image"]}: {garment["category"]} {garment["score"]:.2f}'
        print('\n' + (format_table(['rank', 'probability', 'id', 'category', ''], rows,
                                   title) if rows else f'{title}\nno match'))


def _print_counts(found, skipped, top):
    print(f'\n{len(found):,} garments searched for')
    known = [[match['right'] for match in garment['matches']] for garment in found
             if garment['matches'] and 'right' in garment['matches'][0]]
    if known:
        first = sum(right[0] for right in known) / len(known)
        within = sum(map(any, known)) / len(known)
        print(f'right among {len(known):,} whose truth is known: first match '
              f'{first:.3f}, first {top} matches {within:.3f}')
    for entry in skipped:
        print(f'skipped {entry["input"]}: {entry["reason"]}')


def remove(args):
    from df2mm.retrieval import GalleryIndex
    with GalleryIndex.load(args.gallery, **_options(args)) as index:
        index.remove(args.ids)
        index.save()
        print(f'{len(args.ids):,} removed, {len(index):,} left')
    return 0


def info(args):
    from df2mm.retrieval import GalleryIndex
    with GalleryIndex.load(args.gallery, **_options(args)) as index:
        if args.verify:
            index.verify()
            print('every checksum fits')
        _print_info(index)
    return 0


def _print_info(index):
    for name, value in index.info().items():
        if name == 'by_category':
            for category, count in value.items():
                print(f'    {category}: {count:,}')
        elif isinstance(value, int) and not isinstance(value, bool):
            print(f'{name}: {value:,}')
        else:
            print(f'{name}: {value}')


if __name__ == '__main__':
    sys.exit(main())
