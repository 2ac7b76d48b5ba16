"""Cases as rows of data: each is named after its fact and says which section it comes from."""

import pytest

# Every raw request of every row, by the name of its case: seeds for fuzzing (support/seeds.py), and
# what test_alike.py plays against both servers at once.
REQUESTS = {}


def facts(names, rows):
    """One pytest case per row. A row is (fact, RFC and section, value...), `names` name its values.
    """
    cases = []
    for fact, section, *values in rows:
        name = f'{fact} ({section})'
        assert name not in REQUESTS, f'{name} is there twice'
        REQUESTS[name] = [value for value in values if isinstance(value, bytes)]
        cases.append(pytest.param(*values, id=name))
    return pytest.mark.parametrize(names, cases)
