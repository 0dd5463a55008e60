"""Install df2mm, editable, with all it needs, into the running Python (by uv).

Beyond one ``uv pip install`` it does two things: it leaves a full mmcv where it
finds one (mmcv and mmcv-lite fill the same folder), and it links the checkout
into site-packages, where mim and mmengine look for a package's configs.
"""

import importlib.metadata
import subprocess
import sys
import sysconfig
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
    status = subprocess.call(command)
    if status:
        return status
    link = Path(sysconfig.get_path('purelib')) / 'df2mm'
    if link.is_symlink():
        link.unlink()
    link.symlink_to(ROOT / 'df2mm', target_is_directory=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
