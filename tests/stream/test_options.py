"""What follows from the hub's options."""

from __future__ import annotations

import pytest

from portal.stream.options import HubOptions


@pytest.mark.parametrize("heartbeat", [0.05, 1.0, 5.0, 8.0, 9.5, 15.0, 300.0])
def test_a_heartbeat_that_is_due_right_after_a_look_at_the_clock_is_not_late(heartbeat: float) -> None:
    options = HubOptions(heartbeat=heartbeat)

    assert options.heartbeat_due + options.look <= heartbeat * 1.000001
