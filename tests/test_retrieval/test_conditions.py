import pytest

from df2mm.retrieval.conditions import where_of


@pytest.mark.parametrize(('texts', 'where'), [
    ([], {}),
    (['brand=x'], {'brand': 'x'}),
    (['brand = x, y'], {'brand': ['x', 'y']}),
    (['size=38', 'new=true'], {'size': 38, 'new': True}),
    (['size="38"'], {'size': '38'}),
    (['price>=10', 'price<30.5'], {'price': {'>=': 10, '<': 30.5}}),
    (['url=http://x/?a=b'], {'url': 'http://x/?a=b'}),
    (['note=null'], {'note': 'null'}),
])
def test_what_a_person_types(texts, where):
    assert where_of(texts) == where


@pytest.mark.parametrize(('texts', 'message'), [
    (['brand'], "a condition must be such as .* got 'brand'"),
    (['=x'], 'a condition must be such as'),
    (['price<cheap'], "a bound must be a number, got 'cheap' in 'price<cheap'"),
    (['price<true'], 'a bound must be a number'),
    (['brand=x', 'brand=y'], "field 'brand' must have one condition"),
    (['price=1', 'price<3'], "field 'price' must have one condition"),
    (['price<3', 'price<4'], "field 'price' must have one condition"),
])
def test_what_is_no_condition(texts, message):
    with pytest.raises(ValueError, match=message):
        where_of(texts)
