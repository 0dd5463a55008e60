import numpy as np
import pytest

from df2mm.apis import PictureWriter
from df2mm.visualization import read_image

IMAGE = np.full((4, 6, 3), 200, np.uint8)


@pytest.mark.parametrize('targets, names', [
    (['a.jpg', 'sub/a.jpg'], ['a.jpg', 'sub/a.jpg']),
    (['a.jpg', 'a.jpg', 'A.JPG'], ['a.jpg', 'a-2.jpg', 'A-3.JPG']),
    (['a.gif', 'a.tiff', 'a.png'], ['a.jpg', 'a-2.jpg', 'a.png']),
    (['00000003'], ['00000003.jpg']),
])
def test_names(targets, names, tmp_path):
    writer = PictureWriter(tmp_path / 'new')
    written = [writer.write(target, IMAGE) for target in targets]
    assert [path.relative_to(tmp_path / 'new').as_posix() for path in written] == names
    assert all(read_image(path).shape == (4, 6, 3) for path in written)
