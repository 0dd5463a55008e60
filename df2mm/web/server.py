"""Serve the page on one address, from one private folder. Needs gradio."""

import atexit
import os
import shutil
import socket
import tempfile
from contextlib import closing, contextmanager

from starlette.middleware import Middleware

from df2mm.web.guard import Guard
from df2mm.web.handlers import Handlers
from df2mm.web.page import build_page, theme
from df2mm.web.style import CSS
from df2mm.web.uploads import Limits

# Visitors whose photos are kept at a time.
_MOST_SESSIONS = 100


def free_port(host: str, port: int) -> int:
    """The port, or any free one for 0.

    Raises:
        ValueError: If the port is not within 0..65535.
        OSError: If the host is no address of this machine or the port is taken.
    """
    # The resolver would take it modulo 65536.
    if not 0 <= port <= 0xFFFF:
        raise ValueError(f'port must be in 0..65535, got {port}')
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as tried:
            # As the server does; else a port stays taken for a while after it.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            tried.listen()
            return tried.getsockname()[1]
    except OSError as error:
        raise OSError(f'the page cannot be served at {host} port {port}: {error}. Give '
                      'another --port, or --host 127.0.0.1') from error


@contextmanager
def serving(finder, shop_pictures, examples=(), *, host='127.0.0.1', port=7860,
            limits=None, keypoint_thr=0.3, **options):
    """Serve the page until the block ends.

    Uploads and the page's pictures are in a new folder, which goes with the page;
    no other file can be fetched, and neither the server nor the browser asks
    another host.

    Args:
        finder (Finder): The model and the gallery.
        shop_pictures (ShopPictures): Of the gallery.
        examples (Sequence[Example]): Photos to pick from.
        host (str): Other machines reach the page only at another than 127.0.0.1.
        port (int): 0 for any that is free.
        limits (Limits, optional): Of uploads.
        keypoint_thr (float): Landmarks of lower score are not drawn.
        **options: Of ``build_page``.

    Yields:
        str: The page's address.

    Raises:
        OSError: If it cannot be served there.
        ValueError: If the port is no port, or as ``build_page``.
    """
    port, limits = free_port(host, port), limits or Limits()
    handlers = Handlers(finder, shop_pictures, limits, keypoint_thr)
    with tempfile.TemporaryDirectory(
            prefix='df2mm-web-', ignore_cleanup_errors=True) as folder, _cache(folder):
        # A picture still being made when the page closes makes the folder anew.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        page = build_page(finder, handlers, examples, **options)
        try:
            page.launch(
                server_name=host, server_port=port, prevent_thread_lock=True,
                quiet=True, share=False, inbrowser=False, show_error=False,
                max_file_size=limits.bytes, state_session_capacity=_MOST_SESSIONS,
                allowed_paths=[], footer_links=[], run_history=False, ssr_mode=False,
                mcp_server=False, pwa=False, num_workers=0, enable_monitoring=False,
                theme=theme(), css=CSS,
                app_kwargs=dict(docs_url=None, redoc_url=None, openapi_url=None,
                                middleware=[Middleware(Guard, folder=folder)]))
            yield page.local_url
        finally:
            page.close(verbose=False)


@contextmanager
def _cache(folder):
    """Let gradio keep its files there, whatever the environment says."""
    before = {name: os.environ.pop(name, None)
              for name in ('GRADIO_TEMP_DIR', 'GRADIO_ALLOWED_PATHS')}
    os.environ['GRADIO_TEMP_DIR'] = folder
    try:
        yield
    finally:
        del os.environ['GRADIO_TEMP_DIR']
        os.environ.update(
            {name: value for name, value in before.items() if value is not None})
