"""The CPU of one check beside a bare urllib3 HEAD.

Every subject asks one application after the other, as the start page of a cluster does: a dozen of them, each on an
address of its own. The floor is what anybody would write, `pool.request("HEAD", url)`; over more hosts than its pool
keeps it connects anew each time, as a check has to anyway. What the same HEAD costs on one connection that is kept open
is shown beside it. CPU time, the best of interleaved repetitions; of the check in a process of its own, both that of
the two processes together and what is left in portal's.
"""

from __future__ import annotations

import itertools
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import gevent
import requests
import urllib3
from msgspec import structs

from portal.availability.prober_process import ProberProcess
from portal.availability.probes import probe
from portal.availability.results import Result
from portal.availability.scheduler import Scheduler
from portal.availability.targets import CheckOptions, Target, target_from_url
from portal.availability.transport import Opener
from portal.model import Change
from tests.availability.entries import application
from tests.availability.servers import Authority
from tests.bench.availability.figures import Rows, process, row

REPETITIONS = 9
CALLS = 300
HOSTS = tuple(f"127.3.0.{number}" for number in range(1, 13))  # more than urllib3's pool keeps


def per_check() -> Rows:
    """Measure the CPU of one check beside a bare urllib3 HEAD, with and without TLS."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        authority = Authority(folder, "authority")
        authority.server("server", subject=",".join(f"IP:{host}" for host in HOSTS))
        port = stack.enter_context(process("answer"))
        secure = stack.enter_context(
            process("answer", str(folder / "authority-server.pem"), str(folder / "authority-server.key"))
        )
        prober, stop = ProberProcess("portal", at_once=True), threading.Event()
        running = gevent.spawn(prober.run, stop)
        rows = [
            *_compared("http-head", [f"http://{host}:{port}/app" for host in HOSTS], authority.file, prober),
            *_compared("https-head", [f"https://{host}:{secure}/app" for host in HOSTS], authority.file, prober),
        ]
        stop.set()
        running.join()
    return rows


def _compared(case: str, urls: Sequence[str], ca_file: Path, prober: ProberProcess) -> Rows:
    subjects = _subjects(urls, str(ca_file))
    through_process = _scheduled({url: _target(url, str(ca_file)) for url in urls}, prober)
    best = dict.fromkeys((*subjects, "portal-two-processes", "portal-of-these-here"), float("inf"))
    for _ in range(REPETITIONS):
        for name, ask in subjects.items():
            best[name] = min(best[name], _cpu(ask))
        there, here = _cpu_of(prober.pid), _cpu(through_process)
        both = here + (_cpu_of(prober.pid) - there) / CALLS
        best["portal-two-processes"] = min(best["portal-two-processes"], both)
        best["portal-of-these-here"] = min(best["portal-of-these-here"], here)
    return [
        row(case, name, "cpu_us_per_check", round(used * 1e6, 1), "us", ratio=used / best["floor"])
        for name, used in best.items()
    ]


def _subjects(urls: Sequence[str], ca_file: str) -> dict[str, Callable[[], object]]:
    pool = urllib3.PoolManager(ssl_context=ssl.create_default_context(cafile=ca_file))
    session = requests.Session()
    session.verify = ca_file
    session.trust_env = False
    opener, turns = Opener(), itertools.cycle(urls)
    targets = {url: _target(url, ca_file) for url in urls}
    return {
        "floor": lambda: pool.request("HEAD", next(turns)),
        "urllib3-kept-open": lambda: pool.request("HEAD", urls[0]),
        "requests-session": lambda: session.head(next(turns)),
        "portal": lambda: probe(targets[next(turns)], opener),
        "portal-scheduled": _scheduled(targets, lambda target: probe(target, opener)),
    }


def _scheduled(targets: Mapping[str, Target], ask_this: Callable[[Target], Result]) -> Callable[[], object]:
    """Return a check with all that belongs to it: the plan, belief and history."""
    now, interval, checked = [0.0], CheckOptions().interval, [0]

    def ask_target(target: Target) -> Result:
        checked[0] += 1
        return ask_this(targets[target.url])

    start = lambda _name, check: check()  # noqa: E731 - one after the other, in this greenlet
    scheduler = Scheduler(ask_target, lambda _news: None, start, clock=lambda: now[0])
    for number, url in enumerate(targets):
        scheduler.follow([Change(None, application(f"bench-{number}", url))])

    def ask() -> None:
        before = checked[0]
        while checked[0] == before:
            now[0] += interval / len(targets) / 4
            scheduler.turn()

    return ask


def _cpu(ask: Callable[[], object]) -> float:
    ask()
    began = time.process_time()
    for _ in range(CALLS):
        ask()
    return (time.process_time() - began) / CALLS


def _cpu_of(pid: int | None) -> float:
    """Return the CPU seconds that another process has used, to the hundredth: all its threads, ended ones too."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _target(url: str, ca_file: str) -> Target:
    target = target_from_url(url)
    if target is None:
        raise ValueError(url)
    return structs.replace(target, ca_file=ca_file)
