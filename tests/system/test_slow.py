"""Slow attackers, in brief; tests/slow does the same for longer and with more of them."""

import pytest

from support import slow
from support.programs import SANITIZER


@pytest.mark.skipif(SANITIZER != 'none', reason='what an attack does to others is the same')
@pytest.mark.parametrize('mode', slow.MODES)
def test_others_are_served_under_a_slow_attack(model, scratch, mode):
    slow.make_docroot(scratch)
    result = slow.play(model, scratch, mode, 50, 60, per_address=40, brief=True)
    assert result.accepted >= 50 and result.latencies_ms
    assert not result.failed
