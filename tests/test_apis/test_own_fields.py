import pytest

from df2mm.apis.own_fields import read_fields


def test_csv_and_json_lines(tmp_path):
    table, lines = tmp_path / 'a.csv', tmp_path / 'a.jsonl'
    table.write_text('image,id,price,brand\n1.jpg,007,9.5,x\nsub/2.jpg,b,3,\n')
    lines.write_text('{"image": "1.jpg", "id": "007", "price": 9.5, "brand": "x"}\n\n'
                     '{"image": "sub/2.jpg", "id": "b", "price": 3, "brand": ""}\n')
    assert read_fields(table) == read_fields(lines) == {
        '1.jpg': dict(id='007', price=9.5, brand='x'),
        'sub/2.jpg': dict(id='b', price=3, brand='')}


@pytest.mark.parametrize(('name', 'text', 'message'), [
    ('a.csv', 'file,price\n1.jpg,3\n', 'row 1 of .*a.csv must have a text in the'),
    ('a.csv', 'image,price\n1.jpg,3,4\n', 'as many cells as the header'),
    ('a.jsonl', '{"image": 3}\n', 'row 1 of .* must have a text'),
    ('a.jsonl', '[]\n', 'row 1 of .* must have a text'),
    ('a.jsonl', '\n{"image"\n', 'line 2 of .*a.jsonl is no JSON'),
    ('a.csv', 'image\n1.jpg\n1.jpg\n', "row 2 of .* names image '1.jpg' again"),
])
def test_bad_tables(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_fields(path)
