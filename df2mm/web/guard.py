"""A wall around gradio's server: what the page needs passes, nothing else does.

Gradio serves files, fetches addresses of the web on a visitor's behalf, and has
routes for what this page lacks. Here the page's own folder is the only one that
anything is read from.
"""

import json
import os
import re

_API = '/gradio_api/'
# Routes that the page's own scripts ask for.
_GET = re.compile(
    r'/|/(config|theme\.css|favicon\.ico|manifest\.json|robots\.txt)/?|'
    r'/(assets|static|svelte)/.+|'
    r'/gradio_api/(info|startup-events|theme\.css|upload_progress|queue/data|'
    r'heartbeat/[^/]+|file=.+)/?')
_POST = re.compile(r'/gradio_api/(upload|queue/join|cancel|reset)/?')
# An event is some settings and the place of an uploaded file.
_MOST_BYTES = 1 << 20

#: Keeps a browser from asking any other host, whatever a script or a text says.
HEADERS = {
    'content-security-policy':
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; "
        "frame-ancestors 'self'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
}


class Guard:
    """ASGI middleware.

    Args:
        app (Callable): The ASGI application behind it.
        folder (str | Path): Where uploads and the page's pictures are.
    """

    def __init__(self, app, folder) -> None:
        self._app, self._folder = app, os.path.realpath(folder)

    async def __call__(self, scope, receive, send):
        if scope['type'] == 'lifespan':
            await self._app(scope, receive, send)
            return
        # The page uses no websocket.
        if scope['type'] != 'http':
            return
        send = _with_headers(send)
        path, method = scope['path'], scope['method']
        routes = _POST if method == 'POST' else _GET
        if method not in ('GET', 'HEAD', 'POST') or not routes.fullmatch(path):
            await _refuse(send, 404, 'not part of this page')
        elif path.startswith(f'{_API}file=') and not self._holds(
                path.removeprefix(f'{_API}file=')):
            await _refuse(send, 403, 'not a file of this page')
        elif path.startswith(f'{_API}queue/join'):
            await self._join(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _join(self, scope, receive, send):
        """Let an event pass if the files it names were uploaded."""
        body = await _body(receive)
        if body is None:
            await _refuse(send, 413, f'an event may have {_MOST_BYTES:,} bytes')
            return
        try:
            paths = list(_paths(json.loads(body)))
        except (ValueError, RecursionError):
            await _refuse(send, 400, 'an event must be JSON')
            return
        if not all(self._holds(path) for path in paths):
            await _refuse(send, 403, 'not an uploaded file')
            return
        unread = [dict(type='http.request', body=body, more_body=False)]

        async def replay():
            return unread.pop() if unread else await receive()

        await self._app(scope, replay, send)

    def _holds(self, path) -> bool:
        """Whether a path is inside the folder, its links followed."""
        try:
            return os.path.realpath(path).startswith(self._folder + os.sep)
        # No str, or one with a NUL.
        except (OSError, TypeError, ValueError):
            return False


def _paths(value):
    """Yield what any ``path`` of nested JSON says."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if value.get('path') is not None:
                yield value['path']
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)


async def _body(receive) -> bytes | None:
    """What a request sends; None if that is too much."""
    body = b''
    while len(body) <= _MOST_BYTES:
        message = await receive()
        body += message.get('body', b'')
        if not message.get('more_body'):
            return body if len(body) <= _MOST_BYTES else None
    return None


def _with_headers(send):
    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def sender(message):
        if message['type'] == 'http.response.start':
            message = dict(message, headers=[*message.get('headers', ()), *headers])
        await send(message)

    return sender


async def _refuse(send, status: int, text: str) -> None:
    body = text.encode()
    await send(dict(type='http.response.start', status=status, headers=[
        (b'content-type', b'text/plain; charset=utf-8'),
        (b'content-length', str(len(body)).encode())]))
    await send(dict(type='http.response.body', body=body))
