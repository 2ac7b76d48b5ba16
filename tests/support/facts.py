"""Cases as rows of data: each is named after its fact and says which section it comes from."""

import pytest

# Every raw request of every row, with the name of its case: what test_alike.py plays to both
# servers, and seeds for fuzzing (support/seeds.py).
REQUESTS = {}

# Every fact of every row: what test_musts.py holds the list of demands against.
FACTS = set()


def facts(names, rows):
    """One pytest case per row. A row is (fact, RFC and section, value...); `names` name its values,
    and `data` is a raw request."""
    cases = []
    for fact, section, *values in rows:
        FACTS.add(fact)
        cases.append(pytest.param(*values, id=f'{fact} ({section})'))
        for name, value in zip(names.split(', '), values):
            if name == 'data':
                REQUESTS[fact] = value
    assert len({case.id for case in cases}) == len(cases), f'a fact is there twice: {names}'
    return pytest.mark.parametrize(names, cases)
