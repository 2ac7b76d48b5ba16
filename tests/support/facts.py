"""Cases as rows of data: each is named after its fact and says which section it comes from."""

import pytest

# Every raw request of every row, with the name of its case: seeds for fuzzing (support/seeds.py),
# and what test_alike.py plays against both servers.
REQUESTS = []


def facts(names, rows):
    """One pytest case per row. A row is (fact, RFC and section, value...), `names` name its values.
    """
    cases = []
    for fact, section, *values in rows:
        cases.append(pytest.param(*values, id=f'{fact} ({section})'))
        REQUESTS.extend((f'{fact} ({section})', value) for value in values if isinstance(value, bytes))
    assert len({case.id for case in cases}) == len(cases), f'a fact is there twice: {names}'
    return pytest.mark.parametrize(names, cases)
