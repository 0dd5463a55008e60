"""What README.md names is there; tests/test_guide runs its commands."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / 'README.md').read_text()
BLOCKS = '\n'.join(re.findall(r'```bash\n(.*?)```', README, re.S)).replace('\\\n', ' ')


def test_what_the_readme_names_is_there():
    named = set(re.findall(r'(?:tools|configs|docs|df2mm)/[\w./-]+\.\w+', README))
    assert len(named) >= 6
    assert not [name for name in named if not (ROOT / name).exists()]


def test_make_targets_exist():
    targets = set(re.findall(r'^make (\w+)', BLOCKS, re.M))
    assert targets == {'demo', 'test', 'setup'}
    makefile = (ROOT / 'Makefile').read_text()
    assert all(re.search(rf'^{target}:', makefile, re.M) for target in targets)
