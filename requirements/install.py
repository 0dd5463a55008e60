"""Install df2mm, editable, with all it needs, into the running Python (by uv).

Beyond one ``uv pip install`` it leaves a full mmcv where it finds one: mmcv and
mmcv-lite fill the same folder.
"""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def has_full_mmcv() -> bool:
    """Whether the distribution ``mmcv`` (not ``mmcv-lite``) is installed."""
    try:
        importlib.metadata.version('mmcv')
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def main() -> int:
    extras = 'pose,milvus,web,dev'
    if not has_full_mmcv():
        extras = f'lite,{extras}'
    command = [
        sys.executable, '-m', 'uv', 'pip', 'install', '--python', sys.executable,
        '--override', str(ROOT / 'requirements' / 'overrides.txt'),
        '--editable', f'{ROOT}[{extras}]', *sys.argv[1:]]
    return subprocess.call(command)


if __name__ == '__main__':
    sys.exit(main())
