"""What the stream counts."""

from __future__ import annotations

from portal.stream.options import HubOptions
from tests.stream.site import Site


def test_clients_events_deliveries_resets_and_refusals_are_counted(open_site: type[Site]) -> None:
    site = open_site(HubOptions(max_clients=2))
    readers = [site.open(), site.open(last="nonsense")]
    site.connect().until_end()

    head = site.hub.publish("CONFIG_CHANGED", {})
    for reader in readers:
        reader.until_event(head)

    metrics = site.hub.metrics
    assert metrics.clients._value.get() == 2
    assert metrics.refused._value.get() == 1
    assert metrics.events.counts == {"CONFIG_CHANGED": 1}
    assert metrics.resets.labels("gap")._value.get() == 1
    site.wait(lambda: metrics.delivered.number == 2)
