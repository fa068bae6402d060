"""2,000 URLs of which 200 hang, checked in the process that serves portal's own page of them to a client."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import gevent

from portal.availability.prober_process import ProberProcess
from portal.availability.results import Result
from portal.availability.scheduler import Report, Scheduler
from portal.availability.targets import CheckOptions, Target
from portal.model import Application, Change
from portal.runtime.memory import settle
from tests.availability.entries import application
from tests.availability.simulation import percentile
from tests.bench.availability.figures import Rows, page_times, process, row
from tests.browser.site import LiveSite

INTERVAL = 60.0
SILENCE = 10.0  # seconds; the kept page is made anew within them, once a minute
URLS, HANGING = 2000, 200


def hanging() -> Rows:
    """Check 2,000 URLs of which 200 hang for two intervals, while a client reads pages from the same process."""
    with ExitStack() as stack:
        answering, silent = stack.enter_context(process("answer")), stack.enter_context(process("hang"))
        applications = applications_at(answering, silent)
        site = LiveSite(*applications)
        stack.callback(site.close)
        settle()  # as the product does once it is there
        port = int(site.url.rpartition(":")[2])
        page_times(port, 1)  # the first page is rendered, all others are kept
        before = page_times(port, int(INTERVAL))
        prober = ProberProcess("portal")
        crowd = Crowd(applications, silent, site.catalog.judge, prober)
        stop = threading.Event()
        running = [gevent.spawn(run, stop) for run in (prober.run, crowd.scheduler.run)]
        first_interval = page_times(port, int(INTERVAL))
        wait_for_silence(site)
        used = resource.getrusage(resource.RUSAGE_SELF)
        crowd.begin()
        steady = page_times(port, int(INTERVAL))
        after = resource.getrusage(resource.RUSAGE_SELF)
        stop.set()
        gevent.joinall(running)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    case = "2000-urls-200-hanging"
    return [
        row(case, "floor", "page_p99_ms", percentile(before, 0.99), "ms"),
        row(
            case,
            "portal",
            "page_p99_ms",
            percentile(steady, 0.99),
            "ms",
            percentile(steady, 0.99) / percentile(before, 0.99),
        ),
        row(case, "portal-starting", "page_p99_ms", percentile(first_interval, 0.99), "ms"),
        row(case, "floor", "page_p50_ms", percentile(before, 0.5), "ms"),
        row(
            case,
            "portal",
            "page_p50_ms",
            percentile(steady, 0.5),
            "ms",
            percentile(steady, 0.5) / percentile(before, 0.5),
        ),
        row(case, "portal", "healthy_urls_checked", len(crowd.healthy), "of 1800"),
        row(case, "portal", "hanging_urls_checked", len(crowd.slow), "of 200"),
        row(case, "portal", "healthy_lag_p99_ms", round(percentile(crowd.lags, 0.99) * 1000, 1), "ms"),
        row(case, "portal", "most_in_flight", crowd.most, "checks"),
        row(case, "portal", "cpu_share_of_a_core", round(cpu / INTERVAL * 100, 1), "%"),
    ]


def wait_for_silence(site: LiveSite) -> None:
    """Return when nothing was told for a while, or after two intervals: what hangs is known to hang by then."""
    began = since = time.monotonic()
    seen = site.hub.head
    while time.monotonic() - since < SILENCE and time.monotonic() - began < 2 * INTERVAL:
        gevent.sleep(0.5)
        if site.hub.head != seen:
            seen, since = site.hub.head, time.monotonic()


class Crowd:
    """2,000 applications on addresses of their own, and what their checks looked like since `begin`."""

    def __init__(
        self, applications: Sequence[Application], silent: int, report: Report, prober: Callable[[Target], Result]
    ) -> None:
        self.healthy: set[str] = set()
        self.slow: set[str] = set()
        self.lags: list[float] = [0.0]
        self.most = 0
        self._silent = silent
        self._prober = prober
        self.scheduler = Scheduler(
            self._probe,
            report,
            lambda _name, check: gevent.spawn(check),
            checks=CheckOptions(interval=INTERVAL),
        )
        for each in applications:
            self.scheduler.follow([Change(None, each)])

    def begin(self) -> None:
        """Count from here."""
        self.healthy.clear()
        self.slow.clear()
        self.lags[:] = [0.0]

    def _probe(self, target: Target) -> Result:
        self.most = max(self.most, self.scheduler.in_flight)
        hangs = target.port == self._silent
        if not hangs:
            self.lags.append(self.scheduler.lag)
        result = self._prober(target)
        (self.slow if hangs else self.healthy).add(target.host)
        return result


def applications_at(answering: int, silent: int) -> list[Application]:
    """Return 2,000 applications, each on an address of its own; every tenth hangs."""
    ports = [silent if number % (URLS // HANGING) == 0 else answering for number in range(URLS)]
    return [
        application(f"a{number}", f"http://127.1.{number // 250}.{number % 250 + 1}:{port}/")
        for number, port in enumerate(ports)
    ]
