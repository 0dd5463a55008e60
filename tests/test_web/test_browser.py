"""The page in a real browser: a photo, its garments, a click, matches.

Set DF2MM_SCREENSHOTS to a folder to keep a picture of each step.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip('gradio', reason="gradio is missing: pip install 'df2mm[web]'")
api = pytest.importorskip(
    'playwright.sync_api', reason="playwright is missing: pip install 'df2mm[dev]'")

from df2mm.web import Finder, Limits, ShopPictures  # noqa: E402
from df2mm.web.examples import read_examples  # noqa: E402
from df2mm.web.server import serving  # noqa: E402

FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update',
         '--disable-sync']
# A busy machine of two cores is slow.
TIMEOUT = 60_000


@pytest.fixture(scope='module')
def address(inferencer, gallery, images_root, synthetic_root):
    with serving(Finder(inferencer, gallery, 'my shop'), ShopPictures(images_root),
                 read_examples(synthetic_root / 'train/image', 10 ** 7), port=0,
                 limits=Limits(megabytes=1), keypoint_thr=0.0, score_thr=0.0,
                 count=4) as address:
        yield address


@pytest.fixture(scope='module')
def browser(chromium):
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=[(1300, 900), (400, 800)], ids=['desk', 'phone'])
def page(browser, address, request):
    """The page, opened; what it asks for must come from this machine."""
    context = browser.new_context(
        viewport=dict(width=request.param[0], height=request.param[1]))
    page, asked, errors = context.new_page(), [], []
    page.set_default_timeout(TIMEOUT)
    page.on('request', lambda asking: asked.append(asking.url))
    page.on('pageerror', lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector('#df2-upload input[type=file]', state='attached')
    page.wait_for_selector('#df2-examples button img')
    folder = os.environ.get('DF2MM_SCREENSHOTS')

    def shoot(name):
        if folder:
            page.screenshot(full_page=True, path=Path(
                folder, f'{name}-{request.node.callspec.id}.png'))

    page.shoot = shoot
    yield page
    hosts = {urlsplit(url).hostname for url in asked
             if urlsplit(url).scheme not in ('data', 'blob')}
    context.close()
    assert hosts == {'127.0.0.1'} and not errors


def upload(page, path):
    page.set_input_files('#df2-upload input[type=file]', path)
    page.wait_for_selector('#df2-picture img')


def fits(page):
    """Whether nothing has to be scrolled sideways."""
    return page.evaluate(
        'document.documentElement.scrollWidth <= document.documentElement.clientWidth')


def test_upload_click_and_matches(page, synthetic_root):
    assert 'my shop' in page.inner_text('.df2-header')
    assert page.locator('#df2-examples button img').count() == 8
    page.shoot('1-open')
    upload(page, next((synthetic_root / 'train/image').glob('*.jpg')))
    page.wait_for_selector('#df2-garments input')
    assert 'Click a garment' in page.inner_text('.df2-note')
    assert not page.locator('#df2-garments input:checked').count() and fits(page)
    page.shoot('2-garments')

    page.locator('#df2-picture img').click()
    page.wait_for_selector('.df2-matches li')
    assert page.locator('#df2-garments input:checked').count() == 1
    cards = page.locator('.df2-matches li')
    assert cards.count() == 4 and fits(page)
    assert page.locator('.df2-matches img').first.evaluate('i => i.naturalWidth') > 0
    text = cards.first.inner_text()
    assert '0.' in text and '.jpg#' in text and 'price' in text
    # A gallery's texts are shown, not run.
    assert '${window.ran=1}{{note}}' in text
    assert page.evaluate('window.ran') is None
    page.shoot('3-matches')


def test_layers_and_options(page, synthetic_root):
    page.locator('#df2-examples button').first.click()
    picture = page.wait_for_selector('#df2-picture img')
    for name in ('boxes', 'masks', 'landmarks', 'names'):
        before = picture.get_attribute('src')
        page.get_by_label(name, exact=True).click()
        page.wait_for_function(
            'before => document.querySelector("#df2-picture img").src != before',
            arg=before)
    # By keyboard alone.
    page.locator('#df2-garments input').first.focus()
    page.keyboard.press('Space')
    page.wait_for_selector('.df2-matches li')
    page.locator('#df2-options button').first.click()
    page.get_by_label('One match per picture').click()
    number = page.get_by_label('number input for Matches')
    number.fill('2')
    number.press('Tab')
    page.wait_for_function('document.querySelectorAll(".df2-matches li").length == 2')
    page.shoot('4-options')


def test_bad_files_give_messages(page, tmp_path, synthetic_root):
    photo = next((synthetic_root / 'train/image').glob('*.jpg')).read_bytes()
    for name, data, reason in (
            ('text.jpg', b'text', 'no image of a known format'),
            ('cut.jpg', photo[:len(photo) // 2], 'used: image file is truncated')):
        (tmp_path / name).write_bytes(data)
        page.set_input_files('#df2-upload input[type=file]', tmp_path / name)
        page.locator('.df2-error', has_text=reason).wait_for()
    page.shoot('5-error')
    (tmp_path / 'large.jpg').write_bytes(photo + bytes(2_000_000))
    page.set_input_files('#df2-upload input[type=file]', tmp_path / 'large.jpg')
    page.get_by_text('exceed the maximum allowed size of 1.0').first.wait_for()
    page.shoot('6-large')
    # The page goes on.
    (tmp_path / 'good.jpg').write_bytes(photo)
    upload(page, tmp_path / 'good.jpg')
