"""What passes the wall, and what does not; without gradio."""

import asyncio
import json

import pytest

from df2mm.web.guard import HEADERS, Guard


@pytest.fixture
def ask(tmp_path):
    """Call with method, path and body: the status and the headers."""
    (tmp_path / 'own').mkdir()
    (tmp_path / 'own/a.jpg').touch()
    (tmp_path / 'secret').touch()
    (tmp_path / 'own/link').symlink_to(tmp_path / 'secret')

    async def app(scope, receive, send):
        body = (await receive())['body']
        await send(dict(type='http.response.start', status=200, headers=[]))
        await send(dict(type='http.response.body', body=body))

    def asked(method, path, body=b''):
        sent, parts = [], [body[:10], body[10:]]

        async def receive():
            return dict(type='http.request', body=parts.pop(0), more_body=bool(parts))

        async def send(message):
            sent.append(message)

        scope = dict(type='http', method=method, path=path)
        asyncio.run(Guard(app, tmp_path / 'own')(scope, receive, send))
        headers = {name.decode(): value.decode() for name, value in sent[0]['headers']}
        return sent[0]['status'], headers, sent[1]['body']

    asked.folder = tmp_path
    return asked


@pytest.mark.parametrize('method, path, status', [
    ('GET', '/', 200), ('HEAD', '/', 200), ('GET', '/config', 200),
    ('GET', '/assets/index.js', 200), ('GET', '/gradio_api/queue/data', 200),
    ('POST', '/gradio_api/upload', 200),
    ('GET', '/docs', 404), ('GET', '/openapi.json', 404), ('GET', '/monitoring', 404),
    ('PUT', '/', 404), ('POST', '/', 404), ('POST', '/login', 404),
    ('GET', '/gradio_api/proxy=http://127.0.0.1/', 404),
    ('POST', '/gradio_api/run/predict', 404), ('POST', '/gradio_api/vibe-edit/', 404),
    ('POST', '/gradio_api/component_server', 404),
    ('GET', '/gradio_api/file=', 404),
    ('GET', '/gradio_api/file=/etc/passwd', 403),
    ('GET', '/gradio_api/file=http://127.0.0.1/', 403),
    ('GET', '/gradio_api/file=setup.cfg', 403),
    ('GET', '/gradio_api/file=OWN/a.jpg', 200),
    ('GET', '/gradio_api/file=OWN/../secret', 403),
    ('GET', '/gradio_api/file=OWN/link', 403),
    ('GET', '/gradio_api/file=OWN', 403),
    ('GET', '/gradio_api/file=OWN\0', 403),
])
def test_routes(ask, method, path, status):
    got, headers, _ = ask(method, path.replace('OWN', str(ask.folder / 'own')))
    assert got == status
    assert headers.items() >= HEADERS.items()


def event(path):
    return json.dumps(dict(data=[None, dict(path=path, url='http://127.0.0.1/')]))


@pytest.mark.parametrize('body, status', [
    (event('OWN/a.jpg'), 200), (event(None), 200), ('{"data": []}', 200),
    (event('/etc/passwd'), 403), (event('OWN/../secret'), 403),
    (event('OWN/link'), 403), (event('https://example.org/a.jpg'), 403),
    (event(['OWN/a.jpg']), 403), ('{', 400), ('[' * 200_000, 400),
    (' ' * 1_048_577, 413),
])
def test_events_name_only_uploaded_files(ask, body, status):
    body = body.replace('OWN', str(ask.folder / 'own')).encode()
    got, _, answer = ask('POST', '/gradio_api/queue/join', body)
    assert got == status
    # The application reads all of what was checked.
    assert status != 200 or answer == body
