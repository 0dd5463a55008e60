import subprocess
import sys

# One process of its own for all of it: importing the package takes longest.
_SCRIPT = """
import hashlib

import numpy as np

from df2mm.synthetic import backgrounds, camera, fabrics, folds

def digests():
    for number, kind in enumerate(fabrics.FABRIC_KINDS):
        spec = fabrics.sample_fabric(np.random.default_rng(number), kind)
        yield kind, fabrics.render_fabric(spec, 90, 70).tobytes()
    for kind in folds.FOLD_KINDS:
        parts = folds.fold_field(np.random.default_rng(1), 80, 60, kind, [(0.1, 0.2)])
        yield kind, b''.join(part.tobytes() for part in parts)
    for draw, scenes in (
        (backgrounds.cluttered_background, backgrounds.CLUTTERED_SCENES),
        (backgrounds.studio_background, backgrounds.STUDIO_SCENES),
    ):
        for scene in scenes:
            image = draw(np.random.default_rng(3), 130, 90, scene)
            yield scene, image.tobytes()
    image = np.random.default_rng(0).random((60, 50, 3), dtype=np.float32)
    for domain in camera.DOMAINS:
        for seed in range(8):
            out = camera.finish(np.random.default_rng(seed), image, domain)
            yield domain + str(seed), camera.encode_jpeg(out)

lines = [name + ' ' + hashlib.sha256(data).hexdigest() for name, data in digests()]
"""


def test_same_seed_gives_the_same_bytes_in_another_process():
    here = {}
    exec(_SCRIPT, here)
    run = subprocess.run(
        [sys.executable, '-c', _SCRIPT + '\nprint(*lines, sep="\\n")'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split('\n')[: len(here['lines'])] == here['lines']
    assert len(set(here['lines'])) == len(here['lines']) > 40
