"""Find garments in images: python tools/infer.py MODEL CHECKPOINT IMAGE...

MODEL is a config or a name of the zoo; an IMAGE is a file or a folder. Results go
to --out as JSON, pictures to --out-dir.
"""

import argparse
import json
import os
import sys
from pathlib import Path

# As in tools/test.py: threads that spin while they wait slow a busy machine down.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')


def parse_args():
    parser = argparse.ArgumentParser(
        description='Find garments in images: boxes, masks, landmarks, vectors.')
    parser.add_argument('model', help='config file, or name of the zoo')
    parser.add_argument('checkpoint', help='its weights, .pth or .safetensors; '
                        "'zoo' stands for the published ones")
    parser.add_argument('images', nargs='+', help='files and folders')
    parser.add_argument('--out', type=Path, metavar='FILE.json',
                        help='write the results')
    parser.add_argument('--out-dir', type=Path, metavar='DIR', help='write pictures')
    parser.add_argument('--batch-size', type=int, default=1, metavar='N')
    parser.add_argument('--device', help='such as cpu or cuda:1; default: a GPU '
                        'where there is one')
    parser.add_argument('--half', action='store_true',
                        help='half precision; on most CPUs slower')
    parser.add_argument('--source', choices=['user', 'shop'],
                        help='whose images: user gives query vectors only, shop '
                        'gallery vectors only')
    parser.add_argument('--score-thr', type=float, default=0.3, metavar='S',
                        help='least score of an item; default: %(default)s')
    parser.add_argument('--nms-thr', type=float, default=0.6, metavar='IOU',
                        help='of two items that overlap more, one stays; 1 keeps '
                        'both; default: %(default)s')
    parser.add_argument('--keypoint-thr', type=float, default=0.3, metavar='S',
                        help='least score of a landmark that is drawn; default: '
                        '%(default)s')
    for name in ('masks', 'landmarks', 'vectors'):
        parser.add_argument(f'--no-{name}', action='store_true',
                            help=f'leave the {name} out of the results')
    parser.add_argument('--strict', action='store_true',
                        help='stop at an image that cannot be read')
    args = parser.parse_args()
    if args.out is None and args.out_dir is None:
        parser.error('nothing to write: give --out FILE.json or --out-dir DIR')
    if args.out and args.out.suffix != '.json':
        parser.error(f'--out must end in .json, got {args.out}')
    return args


def finisher(args):
    """What is done with a prediction, in a thread: it is drawn, and put into JSON."""
    from df2mm.apis import PictureWriter
    pictures = args.out_dir and PictureWriter(args.out_dir)

    def finish(found):
        if pictures:
            pictures.write(found.target, found.draw(args.keypoint_thr))
        text = args.out and json.dumps(found.to_dict(
            masks=not args.no_masks, landmarks=not args.no_landmarks,
            vectors=not args.no_vectors))
        return text, found.index, len(found.labels)

    return finish


def run(args, inferencer, entries, skipped):
    """Yield the JSON of the results, piece by piece; counts to stdout at the end."""
    from concurrent.futures import ThreadPoolExecutor

    from df2mm.apis import ordered_map, progress_bar
    predictions = inferencer.iterate(
        entries, args.batch_size, source=args.source, score_thr=args.score_thr,
        nms_thr=args.nms_thr, strict=args.strict, on_skip=skipped.append)
    images = items = 0
    yield f'{{"model_id": "{inferencer.model_id}", "predictions": ['
    with ThreadPoolExecutor() as pool, progress_bar(entries) as progress:
        for text, index, count in ordered_map(
                pool, finisher(args), predictions, args.batch_size):
            yield f'{"," if images else ""}\n{text}'
            images, items = images + 1, items + count
            progress.update(index + 1 - progress.n)
    yield f'\n], "skipped": {json.dumps(skipped)}}}\n'
    print(f'{images:,} images, {items:,} garments; {len(skipped):,} skipped')


def main():
    args = parse_args()
    from df2mm.apis import (
        DeepFashion2Inferencer,
        UnreadableImageError,
        image_inputs,
    )
    from df2mm.atomic import replacing
    from df2mm.engine import USER_ERRORS, exit_on
    skipped = []
    with exit_on(*USER_ERRORS):
        entries = image_inputs(args.images, exclude=args.out_dir)
        inferencer = DeepFashion2Inferencer(
            args.model, args.checkpoint, args.device, half=args.half)
    pieces = run(args, inferencer, entries, skipped)
    with exit_on(OSError, UnreadableImageError):
        if args.out is None:
            for _ in pieces:
                pass
        else:
            with replacing(args.out) as file:
                for piece in pieces:
                    file.write(piece.encode())
    for entry in skipped:
        print(f'skipped {entry["input"]}: {entry["reason"]}')
    if skipped and len(skipped) == len(entries):
        sys.exit('infer.py: error: none of the images could be read')


if __name__ == '__main__':
    main()
