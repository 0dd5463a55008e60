"""A page to find garments by: python tools/web_demo.py MODEL CHECKPOINT --gallery ...

Upload or pick a photo, click a garment, see its matches in the gallery. MODEL is a
config or a name of the zoo; the gallery is one that tools/gallery.py made with the
same model and checkpoint.
"""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

# As in tools/test.py: threads that spin while they wait slow a busy machine down.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

PHOTOS = Path(__file__).resolve().parents[1] / 'df2mm/data/cc0_photos'


def parse_args():
    parser = argparse.ArgumentParser(
        description='Serve a page: a photo in, its garments and their matches out.')
    parser.add_argument('model', help='config file, or name of the zoo')
    parser.add_argument('checkpoint', help='its weights, .pth or .safetensors; '
                        "'zoo' stands for the published ones")
    parser.add_argument('--gallery', required=True, metavar='GALLERY',
                        help='made with this model: a file, or of Milvus a file or URL')
    parser.add_argument('--images-root', type=Path, required=True, metavar='DIR',
                        help="folder that the gallery's image paths are relative to; "
                        'nothing outside it is shown')
    parser.add_argument('--name', help="of the gallery, as shown; default: the file's")
    parser.add_argument('--examples', type=Path, metavar='DIR', default=PHOTOS,
                        help='photos to pick from; default: those of this package')
    parser.add_argument('--host', default='127.0.0.1',
                        help='0.0.0.0 lets other machines in; default: %(default)s')
    parser.add_argument('--port', type=int, default=7860, metavar='N',
                        help='0 takes a free one; default: %(default)s')
    parser.add_argument('--device', help='such as cpu or cuda:1; default: a GPU '
                        'where there is one')
    parser.add_argument('--score-thr', type=float, default=0.3, metavar='S',
                        help='least score of a garment, at first; default: %(default)s')
    parser.add_argument('--keypoint-thr', type=float, default=0.3, metavar='S',
                        help='least score of a landmark that is drawn; default: '
                        '%(default)s')
    parser.add_argument('--matches', type=int, default=12, metavar='N',
                        help='how many, at first; default: %(default)s')
    parser.add_argument('--max-megabytes', type=float, default=20, metavar='N',
                        help='largest upload; default: %(default)s')
    parser.add_argument('--max-megapixels', type=float, default=50, metavar='N',
                        help='largest photo; default: %(default)s')
    return parser.parse_args()


def wait():
    """Until Ctrl+C, or a service manager's SIGTERM; the page's folder goes then."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Event().wait()


def main():
    args = parse_args()
    try:
        from df2mm.web.server import free_port, serving
    except ModuleNotFoundError as error:
        if error.name != 'gradio':
            raise
        sys.exit('web_demo.py: error: gradio is missing. '
                 "Install it with: pip install 'df2mm[web]'")
    from df2mm.apis import DeepFashion2Inferencer
    from df2mm.engine import USER_ERRORS, exit_on
    from df2mm.retrieval import GalleryIndex
    from df2mm.web import Finder, Limits, ShopPictures
    from df2mm.web.examples import read_examples
    with exit_on(*USER_ERRORS, OSError):
        limits = Limits(args.max_megabytes, args.max_megapixels)
        # Before the model is loaded: what is wrong should show at once.
        free_port(args.host, args.port)
        shop_pictures = ShopPictures(args.images_root)
        examples = read_examples(args.examples, limits.pixels)
        gallery = GalleryIndex.load(args.gallery)
        inferencer = DeepFashion2Inferencer(args.model, args.checkpoint, args.device)
        # Of a URL only the end: what is before it may be a password.
        name = args.name or Path(args.gallery.rpartition('@')[2]).stem
        finder = Finder(inferencer, gallery, name)
        with serving(finder, shop_pictures, examples, host=args.host, port=args.port,
                     limits=limits, keypoint_thr=args.keypoint_thr,
                     score_thr=args.score_thr, count=args.matches) as address:
            print(f'Open {address} in a browser; Ctrl+C ends it', flush=True)
            try:
                wait()
            except KeyboardInterrupt:
                print('stopped')


if __name__ == '__main__':
    main()
