import json
import re

import numpy as np
import pytest

from df2mm.apis.identities import Identities


def test_boxes_are_told_by_the_item_they_cover(synthetic_root):
    path = synthetic_root / 'annotations/validation.json'
    identities = Identities(path)
    raw = json.loads(path.read_text())
    image = raw['images'][0]
    items = [a for a in raw['annotations'] if a['image_id'] == image['id']]
    boxes = np.array([a['bbox'] for a in items])
    boxes[:, 2:] += boxes[:, :2]
    expected = [f'{a["pair_id"]}/{a["style"]}' if a['style'] else None for a in items]
    far = np.array([[-9.0, -9.0, -8.0, -8.0]])
    assert identities.of(f'any/{image["file_name"]}', np.concatenate([boxes, far])) == [
        *expected, None]
    assert identities.source(image['file_name']) == image['source']
    assert identities.source('no such.jpg') is None
    assert identities.of('no such.jpg', far) == [None]


def test_an_annotation_without_sources_is_refused(tmp_path, synthetic_root):
    text = (synthetic_root / 'annotations/validation.json').read_text()
    path = tmp_path / 'a.json'
    path.write_text(re.sub('"source": ?"(user|shop)"', '"source":"unknown"', text))
    with pytest.raises(ValueError, match='says whether it is of a user or a shop'):
        Identities(path)
