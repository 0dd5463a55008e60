"""tools/leaderboard.py, and its page in a browser where there is one."""

import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def leaderboard(*args):
    """The tool in this process; None, or what it exits with."""
    main = runpy.run_path(str(ROOT / 'tools/leaderboard.py'))['main']
    try:
        return main([str(arg) for arg in args]) or None
    except SystemExit as stopped:
        return stopped.code


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / 'metrics.json'
    path.write_text(json.dumps(dict(metrics={
        'df2/bbox_mAP': 0.7, 'df2/bbox_mAP_50': 0.9, 'df2/retrieval_top1': 0.15})))
    return path


def test_own_result_stands_beside_the_published(mine, tmp_path):
    assert leaderboard('--add', mine, '--name', 'My model', '--data-set', 'real',
                       '--measured-on', 'my own run', '--out', tmp_path / 'out') is None
    text = (tmp_path / 'out/leaderboard.md').read_text()
    real, server, _, _ = text.split('\n## ')[1:]
    boxes = real.split('\n### ')[1]
    order = [line.split(' | ')[0] for line in boxes.splitlines() if ' | 0.' in line]
    # 0.737, 0.7 and 0.638.
    assert order == ['| DeepMark++', '| My model', '| Match R-CNN R-50, boxes']
    assert '| My model | 0.700 | 0.900 |  | yours | my own run |' in boxes
    assert 'My model' not in server
    assert 'My model' in (tmp_path / 'out/leaderboard.html').read_text()


def test_committed_pages_are_made_of_the_committed_files(tmp_path):
    assert leaderboard('--out', tmp_path) is None
    for name in ('leaderboard.md', 'leaderboard.html'):
        assert (tmp_path / name).read_text() == (
            ROOT / 'model_zoo' / name).read_text(), f'run tools/leaderboard.py: {name}'


def test_mistakes_are_told(mine, tmp_path, capsys):
    assert leaderboard('--add', mine) == 2
    assert '--add needs --data-set real or test' in capsys.readouterr().err
    assert leaderboard('--name', 'a') == 2
    mine.write_text('{"metrics": {"df2/bbox_mAP": 70}}')
    said = leaderboard('--add', mine, '--data-set', 'real', '--out', tmp_path / 'out')
    assert 'metrics.json: metrics.df2/bbox_mAP must be a number from 0 to 1' in said
    assert not (tmp_path / 'out').exists()
    assert 'no such folder' in leaderboard('--zoo', tmp_path / 'none')


#: Sorts by box AP both ways and filters; leaves what it saw in the title.
PROBE = '''<script>
const names=()=>[...document.querySelectorAll("#real tbody tr")]
 .filter(r=>!r.hidden).map(r=>r.cells[0].textContent.split(",")[0]);
const head=[...document.querySelectorAll("#real th button")]
 .find(b=>b.textContent==="Box AP");
const seen=[];
head.click();seen.push(names().slice(0,3));
head.click();seen.push(names().slice(0,3));
const set=(id,value)=>{const e=document.querySelector(id);e.value=value;
 e.dispatchEvent(new Event("input"))};
set("#task","boxes");seen.push(names());
const wide=[...document.querySelectorAll("#real thead th")]
 .filter(t=>getComputedStyle(t).display!=="none").map(t=>t.textContent);
seen.push(wide);
set("#text","my MODEL");seen.push(names());
set("#set","test");seen.push([String(document.querySelector("#real").hidden)]);
document.title="SEEN"+JSON.stringify(seen)+"END";
</script>'''


def test_page_sorts_and_filters(mine, tmp_path):
    browser = shutil.which('chromium') or shutil.which('google-chrome')
    if browser is None:
        pytest.skip('no browser: neither chromium nor google-chrome is installed')
    assert leaderboard('--add', mine, '--name', 'My model', '--data-set', 'real',
                       '--out', tmp_path) is None
    page = tmp_path / 'leaderboard.html'
    page.write_text(page.read_text().replace('</body>', f'{PROBE}</body>'))
    done = subprocess.run(
        [browser, '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
         '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync',
         f'--user-data-dir={tmp_path / "profile"}', '--dump-dom', page.as_uri()],
        capture_output=True, text=True, timeout=120)
    found = re.search('<title>SEEN(.*)END</title>', done.stdout)
    assert found, done.stderr[-2000:]
    down, up, boxes, header, text, hidden = json.loads(found[1])
    assert down == ['DeepMark++', 'My model', 'Match R-CNN R-50']
    assert up == down[::-1]
    # Those without a figure are last either way, and gone once it is the task.
    assert sorted(boxes) == sorted(down)
    assert header == ['Model', 'Figures', 'Box AP', 'Box AP50', 'Box AP75',
                      'Source, or measured on']
    assert (text, hidden) == (['My model'], ['true'])
